package ferryworker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/config"
)

func TestWorkersHaveNoVersionsUnlessAsked(t *testing.T) {
	t.Parallel()
	c := config.Default().Temporal
	c.BuildID = "1.4.2"
	options, err := deployment(c)
	require.NoError(t, err)
	require.Equal(t, worker.DeploymentOptions{}, options)
	require.Equal(t, "1.4.2", BuildID(c), "the metrics tell it all the same")
}

func TestWorkerIsAVersionOfItsDeployment(t *testing.T) {
	t.Parallel()
	c := config.Default().Temporal
	c.DeploymentName, c.BuildID = "ferry", "1.4.2"
	options, err := deployment(c)
	require.NoError(t, err)
	require.True(t, options.UseVersioning)
	require.Equal(t, worker.WorkerDeploymentVersion{DeploymentName: "ferry", BuildID: "1.4.2"}, options.Version)
	require.Equal(t, workflow.VersioningBehaviorPinned, options.DefaultVersioningBehavior)
}

// A test's own program doesn't know its commit, as one that was built outside
// of its repository.
func TestBuildMustBeKnownForAVersion(t *testing.T) {
	t.Parallel()
	c := config.Default().Temporal
	c.DeploymentName = "ferry"
	_, err := deployment(c)
	require.ErrorContains(t, err, "temporal.build_id: is required")
	require.Equal(t, "unknown", BuildID(c))
}

func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	require.True(t, within(time.Hour, func() {}))
	never := make(chan struct{})
	defer close(never)
	require.False(t, within(time.Millisecond, func() { <-never }))
}
