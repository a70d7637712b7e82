package migrator

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

func TestAcceptedStepIsPolled(t *testing.T) {
	t.Parallel()
	m, target := setup()
	target.accept = true
	task := Task{Route: "r", Record: record(), Step: entitlement.Create}
	_, err := m.Do(t.Context(), task)
	f, _ := fault.As(err)
	require.Equal(t, fault.CodeStillPending, f.Code)
	require.Equal(t, fault.Retryable, f.Kind)
	require.Equal(t, "id-1", f.EntitlementID)

	task.Accepted, task.EntitlementID = true, f.EntitlementID
	target.held["ext-1"] = same(record())
	_, err = m.Do(t.Context(), task)
	f, _ = fault.As(err)
	require.Equal(t, fault.CodeStillPending, f.Code, "still at work")
	target.accept = false
	res, err := m.Do(t.Context(), task)
	require.NoError(t, err)
	require.Equal(t, []entitlement.Step{entitlement.Activate, entitlement.Suspend}, res.Remaining)
	require.Equal(t, []string{"find", "create", "get", "get"}, target.calls, "accepted once, then read")
}

// The answer 202 was lost, or an earlier run gave up waiting: what the target
// is at work on is waited for, by its external id and by its own.
func TestEntitlementAtWorkIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{"find": "", "get": "id-1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, target := setup()
			target.held["ext-1"], target.accept = same(record()), true
			r := record()
			r.EntitlementID = id
			_, err := m.Do(t.Context(), Task{Route: "r", Record: r, Step: entitlement.Create})
			f, _ := fault.As(err)
			require.Equal(t, fault.CodeStillPending, f.Code)
			require.Equal(t, "id-1", f.EntitlementID)
			require.Equal(t, []string{name}, target.calls, "nothing is written meanwhile")
		})
	}
}

// Another's call may be under way when ours comes: ours is refused, waits, and
// is made once the other has settled.
func TestStepWaitsForACallUnderWay(t *testing.T) {
	t.Parallel()
	m, target := setup()
	there := same(record())
	there.Status = entitlement.Active
	target.held["ext-1"], target.accept = there, true
	target.refuse = &fault.Fault{Kind: fault.Final, Code: fault.CodeConflict, Message: "has a call pending"}
	task := Task{Route: "r", Record: record(), Step: entitlement.Suspend, EntitlementID: "id-1"}
	_, err := m.Do(t.Context(), task)
	f, _ := fault.As(err)
	require.Equal(t, fault.CodeStillPending, f.Code)
	require.Equal(t, fault.Retryable, f.Kind)

	task.Accepted, target.accept = true, false
	res, err := m.Do(t.Context(), task)
	require.NoError(t, err)
	require.Empty(t, res.Remaining)
	require.Equal(t, []string{"suspend", "get", "get", "suspend"}, target.calls)
	require.Equal(t, target.requests[0], target.requests[1], "one call, one identifier")
}

// What settles elsewhere is another's, and left alone.
func TestCallUnderWayThatLeadsElsewhere(t *testing.T) {
	t.Parallel()
	m, target := setup()
	there := same(record())
	there.Status = entitlement.Cancelled
	target.held["ext-1"] = there
	_, err := m.Do(t.Context(), Task{Route: "r", Record: record(), Step: entitlement.Suspend, EntitlementID: "id-1", Accepted: true})
	f, _ := fault.As(err)
	require.Equal(t, fault.CodeTargetDiffers, f.Code)
	require.Equal(t, []string{"get"}, target.calls)
}
