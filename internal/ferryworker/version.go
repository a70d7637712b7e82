package ferryworker

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/config"
)

// build names this build where the linker was told a name:
// -ldflags "-X github.com/f0a90b9a/ferry/internal/ferryworker.build=1.4.2".
var build string

// revisionLength is how much of a commit's hash names a build.
const revisionLength = 12

// ownBuild names this program's build: what the linker was told, else the
// commit it was built from. Changed says that the tree was not that commit's,
// so that two builds may share the name. Empty: the program doesn't know.
func ownBuild() (id string, changed bool) {
	if build != "" {
		return build, false
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", false
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			id = s.Value[:min(revisionLength, len(s.Value))]
		case "vcs.modified":
			changed = s.Value == "true"
		}
	}
	return id, changed
}

// BuildID names the build that a worker says it is: the configuration's, else
// the program's own; "unknown" if there is neither.
func BuildID(c config.Temporal) string {
	if c.BuildID != "" {
		return c.BuildID
	}
	id, changed := ownBuild()
	switch {
	case id == "":
		return "unknown"
	case changed:
		return id + "-changed"
	default:
		return id
	}
}

// deployment makes a worker one version of a deployment, if the configuration
// names one. A version must mean one build and no other, or the server would
// hand a workflow to code that it did not begin with.
func deployment(c config.Temporal) (worker.DeploymentOptions, error) {
	if c.DeploymentName == "" {
		return worker.DeploymentOptions{}, nil
	}
	if c.BuildID == "" {
		switch id, changed := ownBuild(); {
		case id == "":
			return worker.DeploymentOptions{}, errors.New(
				"temporal.build_id: is required with temporal.deployment_name, because this program does not know which commit it was built from")
		case changed:
			return worker.DeploymentOptions{}, errors.New(
				"temporal.build_id: is required with temporal.deployment_name, because this program was built from a changed tree")
		}
	}
	return worker.DeploymentOptions{
		UseVersioning: true,
		Version:       worker.WorkerDeploymentVersion{DeploymentName: c.DeploymentName, BuildID: BuildID(c)},
		// Each workflow says for itself where it registers; one that doesn't
		// ends on the build it began with, which is always safe.
		DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
	}, nil
}

const (
	// adviceLimit is long enough for the server to know a worker that has begun
	// to poll.
	adviceLimit = time.Minute
	adviceEvery = time.Second
)

// advise logs once whether the worker's version is current. Where none is, the
// server gives new work to workers without versions alone, which looks as if
// all were well. end ends it.
func (w *Worker) advise() (end func()) {
	if w.config.Temporal.DeploymentName == "" {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(context.Background(), adviceLimit)
	var advising sync.WaitGroup
	advising.Go(func() {
		ticker := time.NewTicker(adviceEvery)
		defer ticker.Stop()
		for !w.adviseNow(ctx) {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
	return func() { cancel(); advising.Wait() }
}

// adviseNow reports whether the server knows the deployment yet.
func (w *Worker) adviseNow(ctx context.Context) bool {
	name, own := w.config.Temporal.DeploymentName, BuildID(w.config.Temporal)
	answer, err := w.connection.WorkerDeploymentClient().GetHandle(name).Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if err != nil {
		return false
	}
	switch current := answer.Info.RoutingConfig.CurrentVersion; {
	case current == nil:
		w.logger.Warn("No version of the deployment is current, so none gets new work; make one current.",
			"command", "temporal worker deployment set-current-version --deployment-name "+name+" --build-id "+own)
	case current.BuildID == own:
		w.logger.Info("The worker's version is current.", "deployment", name, "build", own)
	default:
		w.logger.Info("Another version is current: the worker ends what its own has begun.",
			"deployment", name, "build", own, "current", current.BuildID)
	}
	return true
}
