package activities

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
)

func TestPagesAreBoundedByNumberAndBytes(t *testing.T) {
	t.Parallel()
	of := func(n, size int) []stagedRecord {
		out := make([]stagedRecord, n)
		for i := range out {
			out[i].line = make([]byte, size)
		}
		return out
	}
	require.Empty(t, pageOf(nil))
	require.Len(t, pageOf(of(40, 600)), 40)
	require.Len(t, pageOf(of(200, 600)), findPage)
	require.Len(t, pageOf(of(200, 64<<10)), 2)
	require.Len(t, pageOf(of(3, findBytes+1)), 1, "no page is empty")
}

// What a target tells of records may be several times as long as they are
// staged, and must not be asked for at once.
func TestLargeRecordsAreReadBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lines := make([]string, 10)
	for i := range lines {
		record := sound(i+1, map[string]any{"extensionData": strings.Repeat("<", 64_700)})
		lines[i] = strings.ReplaceAll(record, `\u003c`, "<")
	}
	refs := b.stage("acme", array(lines...))
	b.migrate(refs)
	res := run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"})
	require.Equal(t, 10, res.Checked)
	require.Zero(t, res.Different)
	require.Equal(t, migration.ByGroup{Suspended: 10}, res.Found)
	require.Len(t, run[[]int](b, LookUpBatchName, LookUpBatchInput{BatchRef: refs[0]}), refs[0].Count)
}
