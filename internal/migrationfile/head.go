package migrationfile

import (
	"bytes"
	"strings"
)

const (
	byteOrderMark = "\ufeff"
	gzipMagic     = "\x1f\x8b"
)

// foreign are the first bytes of files that are often sent for migration
// files, with what they are and what to do.
var foreign = [...]struct {
	magic string
	formatError
}{
	{"PK\x03\x04", formatError{CodeNotJSON, "the file is a zip archive or a spreadsheet", "send the JSON file itself, plain or gzipped"}},
	{"\x28\xb5\x2f\xfd", formatError{CodeNotJSON, "the file is packed with zstd", "unpack it, or pack it with gzip"}},
	{"BZh", formatError{CodeNotJSON, "the file is packed with bzip2", "unpack it, or pack it with gzip"}},
	{"\xfd7zXZ", formatError{CodeNotJSON, "the file is packed with xz", "unpack it, or pack it with gzip"}},
	{"\xff\xfe", formatError{CodeBadUTF8, "the file is UTF-16", "save it as UTF-8"}},
	{"\xfe\xff", formatError{CodeBadUTF8, "the file is UTF-16", "save it as UTF-8"}},
	{"\x00\x00\xfe\xff", formatError{CodeBadUTF8, "the file is UTF-32", "save it as UTF-8"}},
}

// headOf looks at the first bytes, unpacked, and gives how many of them are a
// byte order mark. The error is a *formatError: a file of another kind.
func headOf(head []byte, gzipped bool) (int, error) {
	text := string(head[:min(len(head), 8)])
	for _, f := range foreign {
		if strings.HasPrefix(text, f.magic) {
			return 0, &f.formatError
		}
	}
	switch {
	case gzipped && strings.HasPrefix(text, gzipMagic):
		return 0, &formatError{CodeNotJSON, "the file is gzipped twice", "pack it once"}
	case wide(text):
		return 0, &formatError{CodeBadUTF8, "the file is UTF-16 or UTF-32", "save it as UTF-8"}
	case bytes.HasPrefix(head, []byte(byteOrderMark)):
		return len(byteOrderMark), nil
	}
	return 0, nil
}

// wide reports whether a text begins with a character as a file of records
// does, in two or four bytes and without a mark before it.
func wide(text string) bool {
	opens := func(i int) bool { return strings.IndexByte("[{ \t\r\n", text[i]) >= 0 }
	return len(text) >= 4 && (opens(0) && text[1] == 0 && text[3] == 0 || // low byte first
		text[0] == 0 && opens(1) && text[2] == 0 ||
		text[:3] == "\x00\x00\x00" && opens(3))
}

// strayMark is a byte order mark that is not the file's first character.
func strayMark() *formatError {
	return &formatError{
		CodeBadJSON, "a byte order mark stands inside the file",
		"remove it: files that are put together keep the mark of each",
	}
}
