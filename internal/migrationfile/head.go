package migrationfile

import (
	"bytes"
	"strings"
	"unicode/utf8"
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
	{"\x28\xb5\x2f\xfd", formatError{CodeNotJSON, "the file is packed with zstd", repack}},
	{"BZh", formatError{CodeNotJSON, "the file is packed with bzip2", repack}},
	{"\xfd7zXZ", formatError{CodeNotJSON, "the file is packed with xz", repack}},
	{"\x04\x22\x4d\x18", formatError{CodeNotJSON, "the file is packed with lz4", repack}},
	{"\xff\x06\x00\x00sNaPpY", formatError{CodeNotJSON, "the file is packed with snappy", repack}},
	{"\x1f\x9d", formatError{CodeNotJSON, "the file is packed with compress", repack}},
	{"7z\xbc\xaf\x27\x1c", formatError{CodeNotJSON, "the file is a 7z archive", unpack}},
	{"Rar!\x1a", formatError{CodeNotJSON, "the file is a RAR archive", unpack}},
	{"PAR1", formatError{CodeNotJSON, "the file is Parquet", asJSON}},
	{"Obj\x01", formatError{CodeNotJSON, "the file is Avro", asJSON}},
	{"ORC", formatError{CodeNotJSON, "the file is ORC", asJSON}},
	{"SQLite format 3\x00", formatError{CodeNotJSON, "the file is an SQLite database", asJSON}},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", formatError{CodeNotJSON, "the file is an old Office document, such as an Excel workbook", asJSON}},
	{"%PDF-", formatError{CodeNotJSON, "the file is a PDF", asJSON}},
	{"version https://git-lfs", formatError{CodeNotJSON, "the file is a pointer of Git LFS, not what it points to", "fetch the file itself, with git lfs pull"}},
	{"-----BEGIN PGP", formatError{CodeNotJSON, "the file is encrypted with PGP", "decrypt it first"}},
	{"\xff\xfe", formatError{CodeBadUTF8, "the file is UTF-16", "save it as UTF-8"}},
	{"\xfe\xff", formatError{CodeBadUTF8, "the file is UTF-16", "save it as UTF-8"}},
	{"\x00\x00\xfe\xff", formatError{CodeBadUTF8, "the file is UTF-32", "save it as UTF-8"}},
}

const (
	repack = "unpack it, or pack it with gzip"
	unpack = "send the JSON file itself, plain or gzipped"
	asJSON = "export the records as JSON, one array or one record a line"
)

// headOf looks at the first bytes, unpacked, and gives how many of them are a
// byte order mark. The error is a *formatError: a file of another kind.
func headOf(head []byte, gzipped bool) (int, error) {
	text := string(head[:min(len(head), 8)])
	for i := range foreign {
		if bytes.HasPrefix(head, []byte(foreign[i].magic)) {
			return 0, &foreign[i].formatError
		}
	}
	if f := archive(head); f != nil {
		return 0, f
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

// archive recognizes archives, and the workbooks that are zip archives.
func archive(head []byte) *formatError {
	const tarMagicAt = 257
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		for _, part := range []string{"[Content_Types].xml", "_rels/.rels", "xl/", "mimetypeapplication/vnd.oasis"} {
			if bytes.Contains(head[:min(len(head), 4096)], []byte(part)) {
				return &formatError{CodeNotJSON, "the file is a spreadsheet, such as an Excel workbook", asJSON}
			}
		}
		return &formatError{CodeNotJSON, "the file is a zip archive or a spreadsheet", unpack}
	case bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return &formatError{CodeNotJSON, "the file is an empty zip archive", unpack}
	case len(head) > tarMagicAt+5 && string(head[tarMagicAt:tarMagicAt+5]) == "ustar":
		return &formatError{CodeNotJSON, "the file is a tar archive", unpack}
	}
	return nil
}

// foreignText says what a text is that begins neither with [ nor with {.
func foreignText(head []byte) *formatError {
	line, _, _ := bytes.Cut(head[:min(len(head), 1024)], []byte("\n"))
	lower := strings.ToLower(string(line))
	switch {
	case bytes.HasPrefix(head, []byte(byteOrderMark)):
		return &formatError{CodeNotJSON, "a second byte order mark stands before the records", "remove it: the first character must be [ or {"}
	case strings.HasPrefix(lower, "<!doctype html"), strings.HasPrefix(lower, "<html"):
		return &formatError{CodeNotJSON, "the file is an HTML page", "it may be the page of a sign-in or of an error, saved in place of the file: download the file again"}
	case strings.HasPrefix(lower, "<"):
		return &formatError{CodeNotJSON, "the file is XML or HTML", asJSON}
	case head[0] == '"' && bytes.HasPrefix(bytes.TrimLeft(head[1:], " \\nrt"), []byte("{")), head[0] == '"' && bytes.HasPrefix(bytes.TrimLeft(head[1:], " \\nrt"), []byte("[")):
		return &formatError{CodeNotJSON, "the file is one JSON text that holds JSON", "write what is inside the text, unescaped: the file begins with its [ or {"}
	case line[0] != '"' && (line[0] == '#' || bytes.HasPrefix(line, []byte("//")) || bytes.HasPrefix(line, []byte("/*"))):
		return &formatError{CodeNotJSON, "the file begins with a comment", "remove the comment: JSON has none"}
	case strings.HasPrefix(lower, "---") || strings.HasPrefix(lower, "- ") || strings.HasPrefix(lower, "%yaml"):
		return &formatError{CodeNotJSON, "the file is YAML", asJSON}
	case line[0] == 0x1e:
		return &formatError{CodeNotJSON, "the file is a sequence of JSON texts, with a record separator before each", "remove the separators: one record a line"}
	}
	for _, separator := range []struct{ mark, name string }{{"\t", "tabs"}, {";", "semicolons"}, {",", "commas"}, {"|", "bars"}} {
		first, _, cut := strings.Cut(lower, separator.mark)
		if cut && utf8.Valid(line) && (strings.Count(lower, separator.mark) >= 2 || tellsRecord(first)) {
			return &formatError{CodeNotJSON, "the file is CSV, a table with " + separator.name + " between its columns", asJSON}
		}
	}
	return &formatError{
		CodeNotJSON, "the file is neither a JSON array of records nor one record a line",
		"the first character must be [ or {",
	}
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
