package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/f0a90b9a/ferry/examples"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/routes"
)

// now is the time at which the tests judge.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// bundle judges records by the schema and by Ferry's own code.
type bundle struct{ schema *jsonschema.Schema }

func setup(t *testing.T) *bundle {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(MigrationRecord))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("migration-record.schema.json", doc))
	schema, err := compiler.Compile("migration-record.schema.json") // held to its meta-schema, too
	require.NoError(t, err)
	return &bundle{schema}
}

func (b *bundle) valid(t require.TestingT, record string) bool {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(record))
	require.NoError(t, err, record)
	return b.schema.Validate(value) == nil
}

// problems imports records, one a line, and gives the problems of each.
func problems(t require.TestingT, records []string) [][]migrationfile.Problem {
	res, err := migrationfile.Import(context.Background(), strings.NewReader(strings.Join(records, "\n")),
		migrationfile.ImportOptions{Now: now, MaxProblems: 1_000_000})
	require.NoError(t, err)
	require.Equal(t, len(records), res.Records)
	found := make([][]migrationfile.Problem, len(records))
	for _, p := range res.Problems {
		require.Positive(t, p.Record, "%+v", p)
		found[p.Record-1] = append(found[p.Record-1], p)
	}
	return found
}

// What a schema can't say; its description lists it.
var beyondSchema = []string{
	entitlement.CodeDateOrder, entitlement.CodeDateInFuture, entitlement.CodeEndPassed,
	migrationfile.CodeDuplicateID,
}

// Good or bad, a record that Ferry's code refuses for something that a schema
// can say is refused by the schema, and no other is. The ordinary run looks at
// 5,000 records; -rapid.checks=2000 makes them 100,000, and -v prints how many.
func TestSchemaAndCodeAgree(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good, bad, unseen := 0, 0, 0
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		drawn := rapid.SliceOfN(rapid.Custom(drawRecord), 50, 50).Draw(rt, "records")
		texts := make([]string, len(drawn))
		for i, r := range drawn {
			texts[i] = r.text()
		}
		for i, found := range problems(rt, texts) {
			refused := false
			for _, p := range found {
				if !slices.Contains(beyondSchema, p.Code) && !drawn[i].subtle(p.Pointer) {
					refused = true
					seen[p.Code]++
				}
			}
			require.Equal(rt, !refused, b.valid(rt, texts[i]), "%s\n%+v", texts[i], found)
			switch {
			case refused:
				bad++
			case len(found) > 0:
				unseen++
			default:
				good++
			}
		}
	})
	total := good + bad + unseen
	t.Logf("schema and code agree on %d records: %d good, %d bad for both, %d bad for what a schema can't say", total, good, bad, unseen)
	require.Greater(t, good, total/20)
	require.Greater(t, bad, total/20)
	require.Positive(t, unseen)
	require.ElementsMatch(t, []string{
		entitlement.CodeRequired, entitlement.CodeForbidden, entitlement.CodeEmptyString, entitlement.CodeNotAString,
		entitlement.CodeNotAnObject, entitlement.CodeTooLong, entitlement.CodeControlCharacter, entitlement.CodeBadUUID,
		entitlement.CodeSurroundingSpace, entitlement.CodeInvisibleCharacter,
		entitlement.CodeBadURL, entitlement.CodeBadDate, entitlement.CodeUnknownStatus, entitlement.CodeUnknownReason,
		migrationfile.CodeDuplicateKey,
	}, slices.Collect(maps.Keys(seen)), "every kind of problem that a schema can say was met")
}

// What Ferry makes up and shows as an example is valid by the schema.
func TestSchemaAcceptsGoodFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	route := routes.AcmeNova()
	var made bytes.Buffer
	require.NoError(t, migrationfile.Generate(&made, migrationfile.GenOptions{Records: 500, Route: &route, Now: now, FailShare: 0.1}))
	for _, file := range [][]byte{examples.Acme200, made.Bytes()} {
		var records []json.RawMessage
		require.NoError(t, json.Unmarshal(file, &records))
		require.GreaterOrEqual(t, len(records), 200)
		for _, r := range records {
			require.True(t, b.valid(t, string(r)), "%s", r)
		}
	}
}

// Every word of a reason with every other: the schema knows the pairs that the
// code knows, the old ones among them.
func TestSchemaKnowsAllReasons(t *testing.T) {
	t.Parallel()
	b := setup(t)
	known := 0
	for _, category := range append(reasonCategories(t), "OTHERWISE") {
		for _, code := range append(reasonCodes(t), "OTHERWISE") {
			for _, prefix := range []string{"r", "cancelR"} {
				record := fmt.Sprintf(`{"externalEntitlementId":"a","customerIdentifier":"b","merchantAccountKey":"c","productKey":"d",`+
					`"status":"REVOKED","dateCreated":"2024-01-01T00:00Z","dateEnded":"2024-01-02T00:00Z","%seasonCategory":"%s","%seasonCode":"%s"}`,
					prefix, category, prefix, code)
				_, _, ok := entitlement.StandardReason(category, code)
				require.Equal(t, ok, b.valid(t, record), "%s/%s", category, code)
				if ok {
					known++
				}
			}
		}
	}
	require.Equal(t, 2*(12+15), known, "twelve pairs and fifteen old ones, under both names")
}

// The pattern of a date matches what ParseTime reads, but for years that
// leave 1 to 9999 in UTC.
func TestDatePattern(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile(definition(t, "requiredDate").Pattern)
	agree := func(t require.TestingT, s string) {
		_, err := entitlement.ParseTime(s)
		if strings.HasPrefix(s, "0000-") || strings.HasPrefix(s, "0001-01-01") || strings.HasPrefix(s, "9999-12-31") {
			return
		}
		require.Equal(t, err == nil, pattern.MatchString(s), s)
	}
	for year := range 10_000 {
		for _, day := range []string{"02-28", "02-29", "02-30"} {
			agree(t, fmt.Sprintf("%04d-%sT00:00Z", year, day))
		}
	}
	for month := range 14 {
		for day := range 33 {
			agree(t, fmt.Sprintf("2023-%02d-%02dT23:59:59,5+23:59", month, day))
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		agree(rt, rapid.StringMatching(`[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9](:[0-6][0-9]([.,][0-9]{0,10})?)?(Z|z|[-+][0-2][0-9](:?[0-6]?[0-9]?)?)?\n?`).Draw(rt, "date"))
	})
}

// shape is the part of the schema that the tests read.
type shape struct {
	Properties map[string]any `json:"properties"`
	Defs       map[string]struct {
		Pattern string    `json:"pattern"`
		Enum    []*string `json:"enum"`
	} `json:"$defs"`
}

func published(t *testing.T) shape {
	t.Helper()
	var s shape
	require.NoError(t, json.Unmarshal(MigrationRecord, &s))
	return s
}

func definition(t *testing.T, name string) struct {
	Pattern string    `json:"pattern"`
	Enum    []*string `json:"enum"`
} {
	t.Helper()
	d, there := published(t).Defs[name]
	require.True(t, there, name)
	return d
}

func reasonCategories(t *testing.T) []string {
	t.Helper()
	return words(definition(t, "reasonCategory").Enum)
}

func reasonCodes(t *testing.T) []string {
	t.Helper()
	var codes []string
	for _, category := range reasonCategories(t) {
		codes = append(codes, words(definition(t, "codesOf"+category).Enum)...)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func words(enum []*string) []string {
	var out []string
	for _, w := range enum {
		if w != nil {
			out = append(out, *w)
		}
	}
	return out
}
