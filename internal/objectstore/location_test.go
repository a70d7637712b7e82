package objectstore

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
)

func TestParseURI(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]Location{
		"s3://partner/acme.json":                {"partner", "acme.json"},
		"s3://partner/input/2026/acme-1.json":   {"partner", "input/2026/acme-1.json"},
		"s3://a.b-3/k":                          {"a.b-3", "k"},
		"s3://partner/a b+c%20d?e#f":            {"partner", "a b+c%20d?e#f"},
		"s3://partner/é/ü.json":                 {"partner", "é/ü.json"},
		"s3://partner/.hidden/..x/y..":          {"partner", ".hidden/..x/y.."},
		"s3://bbb/" + strings.Repeat("k", 1024): {"bbb", strings.Repeat("k", 1024)},
	} {
		got, err := ParseURI(uri)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, uri, got.String())
	}
}

func TestParseURIRefuses(t *testing.T) {
	t.Parallel()
	for uri, why := range map[string]string{
		"":                                      "must start with s3://",
		"partner/acme.json":                     "must start with s3://",
		"https://partner/acme.json":             "must start with s3://",
		"S3://partner/acme.json":                "must start with s3://",
		"s3://":                                 "bucket name",
		"s3:///acme.json":                       "bucket name",
		"s3://Partner/acme.json":                "bucket name",
		"s3://a/acme.json":                      "bucket name",
		"s3://-ab/acme.json":                    "bucket name",
		"s3://partner":                          "key is missing",
		"s3://partner/":                         "key is missing",
		"s3://partner/input/":                   "names a folder",
		"s3://partner//acme.json":               "empty part",
		"s3://partner/a//b":                     "empty part",
		"s3://partner/a/../b":                   "only dots",
		"s3://partner/./b":                      "only dots",
		"s3://partner/a\nb":                     "control character",
		"s3://partner/a\xffb":                   "not UTF-8",
		"s3://bbb/" + strings.Repeat("k", 1025): "longer than 1024 bytes",
	} {
		_, err := ParseURI(uri)
		requireFault(t, err, fault.CodeBadInput, fault.Final)
		require.ErrorContains(t, err, why)
	}
}
