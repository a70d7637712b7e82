package migrationfile_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/routes"
)

var updateBad = flag.Bool("update", false, "write docs/bad-inputs.md anew")

const (
	badFolder = "testdata/bad"
	badTable  = "../../docs/bad-inputs.md"
	// personal is in every personal value of the files.
	personal = "PERSONAL"
)

// badFile is a defect with what is to be found of it: an entry of
// testdata/bad/expected.json, which is written by hand.
type badFile struct {
	File     string       `json:"file"` // beside expected.json, or "made: …"
	Defect   string       `json:"defect"`
	Route    string       `json:"route"`    // "narrow": fewer things are allowed; else acme-nova
	Anywhere bool         `json:"anywhere"` // how far reading gets is the unpacker's affair
	Problems []badProblem `json:"problems"`
}

type badProblem struct {
	Record  int    `json:"record"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
}

func badFiles(t *testing.T) []badFile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(badFolder, "expected.json"))
	require.NoError(t, err)
	var files []badFile
	require.NoError(t, json.Unmarshal(text, &files))
	return files
}

// open gives the file's bytes.
func (f badFile) open(t *testing.T) io.Reader {
	t.Helper()
	if content, made := madeBad[f.File]; made {
		return content(t)
	}
	content, err := os.ReadFile(filepath.Join(badFolder, f.File))
	require.NoError(t, err)
	return bytes.NewReader(content)
}

// madeBad are the files that are too large to be kept.
var madeBad = map[string]func(*testing.T) io.Reader{
	"made: a record of 65 KiB": func(*testing.T) io.Reader { return largeRecord(65 << 10) },
	"made: a record of 8 MiB":  func(*testing.T) io.Reader { return largeRecord(8 << 20) },
	"made: a text of 16 MiB without an end": func(*testing.T) io.Reader {
		return io.MultiReader(strings.NewReader(`[{"extensionData":"`), endless(16<<20, 'x'))
	},
	"made: 1,000,000 brackets": func(*testing.T) io.Reader { return endless(1_000_000, '[') },
	"made: a gzip bomb": func(t *testing.T) io.Reader {
		t.Helper()
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err := io.Copy(z, io.MultiReader(strings.NewReader("["), endless(20<<20, ' '), strings.NewReader("]")))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return &packed
	},
}

func largeRecord(size int64) io.Reader {
	good := `{"externalEntitlementId":"bad-%06d","customerIdentifier":"PERSONAL-%[1]d","merchantAccountKey":"nova-music",` +
		`"productKey":"nova-basic","status":"PENDING","dateCreated":"2024-01-01T00:00:00Z"`
	return io.MultiReader(
		strings.NewReader("[\n"+fmt.Sprintf(good, 1)+"},\n"+fmt.Sprintf(good, 2)+`,"extensionData":"PERSONAL`),
		endless(size, 'x'), strings.NewReader("\"},\n"+fmt.Sprintf(good, 3)+"}\n]\n"))
}

// endless gives n times the byte c.
func endless(n int64, c byte) io.Reader { return io.LimitReader(repeated(c), n) }

type repeated byte

func (c repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

func (f badFile) route() *entitlement.Route {
	route := routes.AcmeNova()
	if f.Route == "narrow" {
		route.Route = "acme-narrow"
		route.Statuses = slices.DeleteFunc(route.Statuses, func(s entitlement.Status) bool { return s == entitlement.Suspended })
		route.Actions = slices.DeleteFunc(route.Actions, func(s entitlement.Step) bool { return s == entitlement.Revoke })
		route.RequiredFields = []string{entitlement.FieldNotificationURL}
		route.EntitlementsPerCustomer = 2
	}
	return &route
}

func (f badFile) read(t *testing.T) *migrationfile.Result {
	t.Helper()
	res, err := migrationfile.Import(t.Context(), f.open(t), migrationfile.ImportOptions{
		Route: f.route(), Now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC),
	})
	require.NoError(t, err)
	slices.SortStableFunc(res.Problems, func(a, b migrationfile.Problem) int {
		return cmp.Or(cmp.Compare(a.Record, b.Record), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Pointer, b.Pointer))
	})
	return res
}

// Every defect gets the problems that expected.json says, each with its place,
// its cause and its remedy, and nothing personal. docs/bad-inputs.md shows them;
// -update writes it anew.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	files := badFiles(t)
	require.GreaterOrEqual(t, len(files), 60)
	rows := make([]string, len(files))
	t.Run("each", func(t *testing.T) {
		t.Parallel()
		for i, f := range files {
			t.Run(f.File, func(t *testing.T) {
				t.Parallel()
				res := f.read(t)
				f.requireFound(t, res)
				rows[i] = f.rows(res)
			})
		}
		t.Cleanup(func() { requireDocumented(t, rows) }) // after all of them
	})
}

func (f badFile) requireFound(t *testing.T, res *migrationfile.Result) {
	t.Helper()
	require.Equal(t, f.Problems, f.found(res))
	require.Nil(t, res.Index)
	for _, p := range res.Problems {
		require.NotEmpty(t, p.Message, p.Code)
		require.NotEmpty(t, p.Hint, "%s: %s", p.Code, p.Message)
	}
	for _, w := range res.Warnings {
		require.NotEmpty(t, w.Message, w.Code)
	}
	requireNothingPersonal(t, f.File, res)
}

// found is what the file has, as expected.json says it.
func (f badFile) found(res *migrationfile.Result) []badProblem {
	found := []badProblem{}
	for _, p := range res.Problems {
		b := badProblem{p.Record, p.Line, p.Column, p.Pointer, p.Code}
		if f.Anywhere {
			b = badProblem{Pointer: p.Pointer, Code: p.Code}
		}
		found = append(found, b)
	}
	return found
}

// requireNothingPersonal looks at what programs and people get to read.
func requireNothingPersonal(t *testing.T, file string, res *migrationfile.Result) {
	t.Helper()
	stored, err := json.Marshal(res)
	require.NoError(t, err)
	var shown bytes.Buffer
	view.WriteValidation(&shown, view.Style{}, view.NewValidation(file, res))
	require.NotContains(t, strings.ToUpper(string(stored)+shown.String()), personal)
}

// The folder holds no file that nobody reads, and every one has personal
// values to be kept back where it has records at all.
func TestBadFilesAreAllRead(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, f := range badFiles(t) {
		if _, made := madeBad[f.File]; !made {
			listed = append(listed, f.File)
		}
	}
	entries, err := os.ReadDir(badFolder)
	require.NoError(t, err)
	var there []string
	for _, e := range entries {
		if e.Name() != "expected.json" && e.Name() != ".gitattributes" {
			there = append(there, e.Name())
		}
	}
	require.ElementsMatch(t, listed, there)
}

// rows are the file's in docs/bad-inputs.md.
func (f badFile) rows(res *migrationfile.Result) string {
	var rows strings.Builder
	file, defect := f.File, f.Defect
	for _, p := range res.Problems {
		fmt.Fprintf(&rows, "| %s | %s | %s | `%s` | %s | %s |\n", file, cell(defect), f.place(p), p.Code, cell(p.Message), cell(p.Hint))
		file, defect = "", ""
	}
	return rows.String()
}

func requireDocumented(t *testing.T, rows []string) {
	t.Helper()
	doc := fmt.Sprintf("# Bad inputs\n\nWhat `ferry validate` says of each of %d defective files. "+
		"Those without `made` are in [internal/migrationfile/testdata/bad](../internal/migrationfile/testdata/bad/). "+
		"A test writes this page and holds it to the code; [errors.md](errors.md) explains the codes.\n\n"+
		"| file | what is wrong | place | code | message | hint |\n|---|---|---|---|---|---|\n", len(rows)) + strings.Join(rows, "")
	if *updateBad {
		require.NoError(t, os.WriteFile(badTable, []byte(doc), 0o644))
	}
	written, err := os.ReadFile(badTable)
	require.NoError(t, err)
	require.Equal(t, string(written), doc, "run go test ./internal/migrationfile -run TestBadFiles -update")
}

func (f badFile) place(p migrationfile.Problem) string {
	var parts []string
	switch {
	case f.Anywhere:
		parts = append(parts, "where reading ended")
	default:
		parts = append(parts, fmt.Sprintf("%d:%d", p.Line, p.Column))
	}
	if p.Record > 0 && !f.Anywhere {
		parts = append(parts, fmt.Sprintf("record %d", p.Record))
	}
	if p.Pointer != "" {
		parts = append(parts, "`"+p.Pointer+"`")
	}
	return strings.Join(parts, ", ")
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
