package migration

import "regexp"

const awaits = "waiting for approval of plan "

var awaited = regexp.MustCompile(awaits + "([0-9a-f]+)$")

// AwaitsPlan is the reason of a run that waits for somebody to approve a plan,
// which its hash names. What stands before it may be longer.
func AwaitsPlan(hash string) string { return awaits + hash }

// AwaitedPlan reads the hash back from a reason; empty if it waits for none.
func AwaitedPlan(reason string) string {
	if found := awaited.FindStringSubmatch(reason); found != nil {
		return found[1]
	}
	return ""
}
