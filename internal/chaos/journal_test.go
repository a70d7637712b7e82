package chaos

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func setupJournal(t *testing.T) (j *Journal, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "faults", "results.jsonl")
	j, err := OpenJournal(path)
	require.NoError(t, err)
	return j, path
}

func entry(code string, seed uint64, records int) Entry {
	return Entry{Code: code, Report: Report{Seed: seed, Records: records, Injected: map[Kind]int{Outage: 1}}}
}

func TestJournalKnowsWhatIsDone(t *testing.T) {
	t.Parallel()
	j, path := setupJournal(t)
	done, err := j.Done("a")
	require.NoError(t, err)
	require.Empty(t, done)
	require.NoError(t, j.Append(entry("a", 1, 200)))
	require.NoError(t, j.Append(entry("a", 2, 60)))
	require.NoError(t, j.Append(entry("b", 3, 200)))
	// A run that was killed while it wrote.
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(body, `{"code":"a","seed":4,"rec`...), 0o600))
	require.NoError(t, j.Append(entry("a", 5, 200)))

	done, err = j.Done("a")
	require.NoError(t, err)
	require.Len(t, done, 3)
	require.Equal(t, 1, done["seed 1 × 200"].Injected[Outage])
	require.Contains(t, done, "seed 2 × 60")
	require.Contains(t, done, "seed 5 × 200")
}

// Seeds that are done are not run again, so this needs no servers.
func TestCampaignGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	j, _ := setupJournal(t)
	require.NoError(t, j.Append(entry("a", 1, 200)))
	require.NoError(t, j.Append(entry("a", 2, 200)))
	var out bytes.Buffer
	c := Campaign{Code: "a", Journal: j, Out: &out}
	for seed := range uint64(2) {
		p, err := Seeded(seed+1, 200)
		require.NoError(t, err)
		c.Plans = append(c.Plans, p)
	}
	require.NoError(t, c.Run(t.Context()))
	require.Contains(t, out.String(), "2 runs, 400 records")

	bad := entry("a", 2, 200)
	bad.Findings = []Finding{{Doubled, 7, "twice"}, {Lost, 0, "away"}}
	require.NoError(t, j.Append(bad))
	out.Reset()
	require.ErrorIs(t, c.Run(t.Context()), ErrFound)
	require.Contains(t, out.String(), "make test-faults SEED=2 SEEDS=1 RECORDS=200 BOUNDARY=0 FRESH=1")
	require.Contains(t, out.String(), "doubled: 1\n")
	require.Contains(t, out.String(), "lost: 1\n")
	require.Regexp(t, `0 +2 +1 +target away`, out.String(), "the fault of the bad run was not survived")
}
