package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDashboardListensToOthersForUsersAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.run("dashboard", "--dashboard-address", "0.0.0.0:0")
	require.Equal(t, exitUnable, r.code)
	require.Contains(t, r.errors, "dashboard.users_file")
	require.Empty(t, r.out)
}

func TestDashboardNeedsAWorkBucket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.env = nil
	r := b.run("dashboard")
	require.Equal(t, exitUnable, r.code)
	require.Contains(t, r.errors, "s3.work_bucket: is required")
}
