package workflows

// What the Temporal UI and `temporal workflow metadata` say of queries and
// updates, with the JSON that an update takes.

const describeWritten = "Checksums of what its batches wrote as their outcomes, by which readers know them."

const describeProgress = "Where it stands: phase, counts, limits, errors, audit trail and files, as in summary.json."

func describeUpdate(name string) string {
	switch name {
	case UpdatePause:
		return `Start nothing more and repeat nothing; what is under way finishes. {"by":"kim","reason":"merchant asked"}`
	case UpdateResume:
		return `Go on after a pause, or after what held the run was repaired. {"by":"kim"}`
	case UpdateAbort:
		return `End the run in order: what is under way finishes, the rest is not attempted, the reports follow. {"by":"kim","reason":"wrong file"}`
	case UpdateApprove:
		return `Let the run go on with the plan that was looked at. {"by":"kim","plan":"5f2c9a10b3d4"}`
	case UpdateSetLimits:
		return `Change error limits; 0 switches one off. {"by":"kim","limits":{"errorRate":0.2,"minSample":100,"consecutive":20,"maxFailures":0}}`
	case UpdateSetConcurrency:
		return `Change what is under way at once. {"by":"kim","concurrency":{"batches":4,"perBatch":50},"requestsPerSecond":20}`
	}
	return ""
}
