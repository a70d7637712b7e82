package objectstore

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/f0a90b9a/ferry/internal/fault"
)

const (
	scheme = "s3://"
	// MaxKeyLength is how many bytes a key has at most; S3's own limit.
	MaxKeyLength = 1024
)

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Location names one object.
type Location struct {
	Bucket string
	Key    string // without a leading slash, not URL-encoded
}

// String gives the location as s3://bucket/key.
func (l Location) String() string { return scheme + l.Bucket + "/" + l.Key }

// ParseURI reads s3://bucket/key/with/slashes. The key is taken literally:
// nothing is decoded, and '?' and '#' belong to it. It is strict, because the
// URI is also the name under which a file is claimed: a key that some stores
// fold into another (an empty, "." or ".." part) would give one file two
// names. The error is a final fault BAD_INPUT.
func ParseURI(uri string) (Location, error) {
	rest, ok := strings.CutPrefix(uri, scheme)
	if !ok {
		return Location{}, badURI(uri, "it must start with s3://")
	}
	bucket, key, _ := strings.Cut(rest, "/")
	if !bucketName.MatchString(bucket) {
		return Location{}, badURI(uri, "a bucket name has 3 to 63 lower-case letters, digits, dots and dashes")
	}
	if problem := keyProblem(key); problem != "" {
		return Location{}, badURI(uri, problem)
	}
	return Location{Bucket: bucket, Key: key}, nil
}

// keyProblem says what is wrong with a key; empty if nothing is.
func keyProblem(key string) string {
	switch {
	case key == "":
		return "the key is missing: write s3://bucket/key"
	case strings.HasSuffix(key, "/"):
		return "it ends in a slash, so it names a folder; name one object"
	case len(key) > MaxKeyLength:
		return fmt.Sprintf("the key is longer than %d bytes", MaxKeyLength)
	case !utf8.ValidString(key):
		return "the key is not UTF-8"
	case strings.ContainsFunc(key, unicode.IsControl):
		return "the key has a control character"
	}
	for part := range strings.SplitSeq(key, "/") {
		switch part {
		case "":
			return "the key has an empty part (a leading or doubled slash)"
		case ".", "..":
			return "the key has a part that is only dots"
		}
	}
	return ""
}

// shownURILength bounds what an error quotes of a name that may be anything.
const shownURILength = 300

// shortenURI leaves out what may be a secret in an address that was pasted for
// an object's name, a signed link for instance: the user, the query.
func shortenURI(uri string) string {
	address, query, cut := strings.Cut(uri, "?")
	if name, rest, is := strings.Cut(address, "://"); is && name != "s3" {
		host, path, _ := strings.Cut(rest, "/")
		address = name + "://" + host[strings.LastIndex(host, "@")+1:] + "/" + path
		if cut {
			address += "?…"
		}
	} else if cut {
		address += "?" + query
	}
	if len(address) > shownURILength {
		address = strings.ToValidUTF8(address[:shownURILength], "") + "…"
	}
	return address
}

func badURI(uri, problem string) error {
	return &fault.Fault{
		Kind:    fault.Final,
		Code:    fault.CodeBadInput,
		Message: fmt.Sprintf("%q is not the URI of an S3 object: %s", shortenURI(uri), problem),
	}
}
