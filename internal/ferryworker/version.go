package ferryworker

import (
	"errors"
	"runtime/debug"

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
