package docs_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/api"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/routes"
)

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("migration-file.md")
	require.NoError(t, err)
	return string(text)
}

// section is the text below a heading.
func section(t *testing.T, title string) string {
	t.Helper()
	_, rest, there := strings.Cut(page(t), "\n## "+title+"\n")
	require.True(t, there, title)
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// rows gives the cells of a text's tables, headings left out.
func rows(text string) [][]string {
	var all [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		all = append(all, cells)
	}
	return all
}

var code = regexp.MustCompile("`([^`]+)`")

// words gives what stands in backquotes.
func words(cell string) []string {
	var all []string
	for _, match := range code.FindAllStringSubmatch(cell, -1) {
		all = append(all, match[1])
	}
	return all
}

var block = regexp.MustCompile("(?s)```json ?([a-z]*)\n(.*?)```")

// The examples are good files from when they were written until their ends
// pass, and what is shown of a problem is how one looks.
func TestExamplesOfTheFormat(t *testing.T) {
	t.Parallel()
	route := routes.AcmeNova()
	seen := map[string]int{}
	for _, match := range block.FindAllStringSubmatch(page(t), -1) {
		kind, text := match[1], match[2]
		seen[kind]++
		switch kind {
		case "record", "file":
			if kind == "record" {
				text = "[" + text + "]"
			}
			for _, now := range []time.Time{time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2035, 12, 31, 0, 0, 0, 0, time.UTC)} {
				res, err := migrationfile.Import(t.Context(), strings.NewReader(text), migrationfile.ImportOptions{Route: &route, Now: now})
				require.NoError(t, err)
				require.Empty(t, res.Problems, text)
				require.Empty(t, res.Warnings, text)
			}
		case "problem":
			decoder := json.NewDecoder(strings.NewReader(text))
			decoder.DisallowUnknownFields()
			var p migrationfile.Problem
			require.NoError(t, decoder.Decode(&p))
			require.Equal(t, migrationfile.CodeDuplicateID, p.Code)
		default:
			require.Fail(t, "a block of no known kind", text)
		}
	}
	require.Equal(t, map[string]int{"record": 1, "file": 2, "problem": 1}, seen)
}

// The table of fields has those of the schema, and marks the same as required.
func TestFieldsAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	var schema struct {
		Required   []string       `json:"required"`
		Properties map[string]any `json:"properties"`
	}
	require.NoError(t, json.Unmarshal(api.MigrationRecord, &schema))
	text := section(t, "Fields")
	var listed, required []string
	for _, r := range rows(text) {
		listed = append(listed, words(r[0])...)
		if strings.HasPrefix(r[2], "required") && !strings.HasPrefix(r[2], "required for") {
			required = append(required, words(r[0])...)
		}
	}
	for name := range schema.Properties {
		if strings.HasPrefix(name, "cancelReason") {
			require.Contains(t, text, "`"+name+"`")
			continue
		}
		require.Contains(t, listed, name)
	}
	require.Len(t, listed, len(schema.Properties)-3)
	require.ElementsMatch(t, schema.Required, required)
}

func TestStatusesAndTheirCalls(t *testing.T) {
	t.Parallel()
	now := time.Now()
	past, future := now.Add(-time.Hour), now.Add(time.Hour)
	var listed []entitlement.Status
	for _, r := range rows(section(t, "Status")) {
		status := entitlement.Status(words(r[0])[0])
		listed = append(listed, status)
		record := &entitlement.Record{Status: status, DateActivated: &past, DateEnded: &past}
		if status == entitlement.ActiveEnding {
			record.DateEnded = &future
		}
		var calls []string
		for _, step := range entitlement.Steps(record, now) {
			calls = append(calls, string(step))
		}
		require.Equal(t, strings.Join(calls, ", "), strings.ReplaceAll(r[2], " if it ever was", ""), status)
	}
	require.Equal(t, entitlement.AllStatuses(), listed)
}

func TestDatesThatAreShown(t *testing.T) {
	t.Parallel()
	shown := rows(section(t, "Dates"))
	require.NotEmpty(t, shown)
	for _, r := range shown {
		_, err := entitlement.ParseTime(words(r[0])[0])
		require.NoError(t, err)
		_, err = entitlement.ParseTime(words(r[1])[0])
		require.Error(t, err, r[1])
	}
}

// Every reason that is shown is known to the code under the name that is
// shown, and nothing is missing: twelve pairs and fifteen old ones.
func TestReasonsThatAreShown(t *testing.T) {
	t.Parallel()
	standard, old := 0, 0
	for _, r := range rows(section(t, "Reasons")) {
		if category := words(r[0]); len(category) == 1 {
			for _, reason := range words(r[1]) {
				c, code, ok := entitlement.StandardReason(category[0], reason)
				require.True(t, ok && c == category[0] && code == reason, reason)
				standard++
			}
			continue
		}
		given, shown := words(r[0]), words(r[1])
		for _, reason := range given[1:] {
			c, code, ok := entitlement.StandardReason(given[0], reason)
			require.True(t, ok, reason)
			require.True(t, slices.Equal(shown, []string{c, code}), reason)
			require.False(t, slices.Equal(shown, []string{given[0], reason}))
			old++
		}
	}
	require.Equal(t, []int{12, 15}, []int{standard, old})
}
