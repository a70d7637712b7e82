package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

func TestDeletedFilesOfAMigrationAreNotTheSource(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.one(nil)
	m := newMemory()
	m.fail = &fault.Fault{Kind: fault.Final, Code: fault.CodeFileNotFound, Message: "there is no such object"}
	b.acts.ranges = newRangeCache(m)
	ordinary, local := b.failing(in)
	require.True(t, local.NonRetryable())
	f := fault.FromActivity(ordinary)
	require.Equal(t, fault.CodeStoreFault, f.Code)
	require.Contains(t, f.Message, migration.FileRecords+" is no longer in the work bucket")
	require.Zero(t, b.stats().Calls["create"])

	_, err := newPlanCache(m).get(t.Context(), "acme")
	plan, is := fault.As(err)
	require.True(t, is)
	require.Equal(t, fault.CodeStoreFault, plan.Code)
	require.Contains(t, plan.Message, migration.FileBatches+" is no longer")
}
