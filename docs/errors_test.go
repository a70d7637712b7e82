// Package docs_test holds the pages of this folder to the code.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// row is a line of a table of errors.md.
type row struct{ section, code, means, remedy string }

var codeCell = regexp.MustCompile("^`([A-Z0-9_]+)`(?: †)?$")

// documented reads the tables of errors.md.
func documented(t *testing.T) []row {
	t.Helper()
	page, err := os.ReadFile("errors.md")
	require.NoError(t, err)
	var rows []row
	section := ""
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if title, is := strings.CutPrefix(line, "## "); is {
			section = title
		}
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		require.Len(t, cells, 3, line)
		code := codeCell.FindStringSubmatch(strings.TrimSpace(cells[0]))
		require.NotNil(t, code, "the first cell is one code: %s", line)
		rows = append(rows, row{section, code[1], strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])})
	}
	require.NotEmpty(t, rows)
	return rows
}

func codesOf(rows []row, sections ...string) []string {
	var codes []string
	for _, r := range rows {
		if slices.Contains(sections, r.section) {
			codes = append(codes, r.code)
		}
	}
	return codes
}

// sources are the files of a package, but for its tests.
func sources(t *testing.T, folder string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		files = append(files, file)
	}
	return files
}

// constants finds the values of all constants Code… of a package.
func constants(t *testing.T, folder string) []string {
	t.Helper()
	var values []string
	for _, file := range sources(t, folder) {
		ast.Inspect(file, func(n ast.Node) bool {
			decl, is := n.(*ast.GenDecl)
			if is && decl.Tok == token.CONST {
				values = append(values, codeValues(t, decl)...)
			}
			return true
		})
	}
	require.NotEmpty(t, values, folder)
	return values
}

func codeValues(t *testing.T, decl *ast.GenDecl) []string {
	t.Helper()
	var values []string
	for _, spec := range decl.Specs {
		for i, name := range spec.(*ast.ValueSpec).Names {
			if !strings.HasPrefix(name.Name, "Code") {
				continue
			}
			literal, is := spec.(*ast.ValueSpec).Values[i].(*ast.BasicLit)
			require.True(t, is, "%s is a word", name.Name)
			value, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			values = append(values, value)
		}
	}
	return values
}

// Every code of the code is on the page in its place, and no other.
func TestEveryCodeIsDocumented(t *testing.T) {
	t.Parallel()
	rows := documented(t)
	for _, r := range rows {
		require.NotEmpty(t, r.means, r.code)
		require.NotEmpty(t, r.remedy, r.code)
	}
	problems := slices.Concat(constants(t, "internal/entitlement"), constants(t, "internal/migrationfile"))
	faults := constants(t, "internal/fault")
	onProblems := codesOf(rows, "Problems with a file", "Problems with a record", "Warnings")
	onFaults := codesOf(rows, "What became of a record", "Answers that are tried again", "When another system can't be told", "Why a migration doesn't start")
	require.Len(t, slices.Concat(onProblems, onFaults), len(rows), "every table has its section")
	onProblems = slices.Delete(onProblems, slices.Index(onProblems, "END_PASSED"), slices.Index(onProblems, "END_PASSED")+1)
	require.ElementsMatch(t, problems, onProblems, "END_PASSED is both a problem and a warning")
	require.ElementsMatch(t, faults, onFaults)
}

// What errors.csv says under hint is what the page says.
func TestHintsAreThoseOfErrorsCSV(t *testing.T) {
	t.Parallel()
	general := migration.Hint("NO_SUCH_CODE")
	page, err := os.ReadFile("errors.md")
	require.NoError(t, err)
	require.Contains(t, string(page), "*"+general+"*")
	require.Contains(t, string(page), "*"+migration.HintAt("NO_SUCH_CODE", true)+"*")
	for _, code := range constants(t, "internal/fault") {
		if there := migration.HintAt(code, true); there != migration.Hint(code) && migration.Hint(code) != general {
			require.Contains(t, string(page), "- `"+code+"`: *"+there+"*\n", "once it is at the target")
		}
	}
	for _, r := range documented(t) {
		hint := migration.Hint(r.code)
		if r.section == "What became of a record" {
			require.Equal(t, hint, r.remedy, r.code)
		} else if hint != general {
			require.Contains(t, r.remedy, hint, r.code)
		}
	}
}
