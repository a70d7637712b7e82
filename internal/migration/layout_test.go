package migration

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	require.Equal(t, "migrations/acme-1/summary.json", Key("acme-1", FileSummary))
	require.Equal(t, "migrations/acme-1/outcomes/000042.ndjson", Key("acme-1", OutcomesFile(42)))
	require.Equal(t, "outcomes/1234567.ndjson", OutcomesFile(1_234_567))
	require.Equal(t, "ledger/sandbox/partner/in/a.json", LedgerKey("sandbox", "partner", "in/a.json"))
}

func TestValidID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "7", "acme-1-5f2c9a10", "A.b_c-D", strings.Repeat("a", 80)} {
		require.True(t, ValidID(id), id)
	}
	for _, id := range []string{
		"", "-a", ".a", "_a", "a b", "a/b", "../a", "ä", "a\n", "a\x00", strings.Repeat("a", 81),
	} {
		require.False(t, ValidID(id), "%q", id)
	}
}

// The ids are in users' scripts: the first eight digits are those of
// `printf %s "$uri" | sha256sum`.
func TestIDFor(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"s3://partner/input/acme-1.json":      "acme-1-aec90ecf",
		"s3://other/input/acme-1.json":        "acme-1-",
		"s3://partner/acme 1 (new).ndjson.gz": "acme-1-new--",
		"s3://partner/.hidden.jsonl":          "hidden-",
		"s3://partner/日本.json":                "migration-",
		"s3://partner/plain":                  "plain-",
	} {
		id := IDFor(uri)
		require.True(t, strings.HasPrefix(id, want), "%s: %s", uri, id)
		require.Equal(t, id, IDFor(uri))
	}
	require.NotEqual(t, IDFor("s3://partner/input/acme-1.json"), IDFor("s3://other/input/acme-1.json"))
}

func TestIDForIsAlwaysAnID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		uri := "s3://bucket/" + rapid.String().Draw(t, "key")
		require.True(t, ValidID(IDFor(uri)), "%q: %q", uri, IDFor(uri))
	})
}
