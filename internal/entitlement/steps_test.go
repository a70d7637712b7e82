package entitlement

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSteps(t *testing.T) {
	t.Parallel()
	for status, want := range map[Status][]Step{
		Pending:      {Create},
		Active:       {Create, Activate},
		ActiveEnding: {Create, Activate, Cancel},
		Suspended:    {Create, Activate, Suspend},
		Cancelled:    {Create, Activate, Cancel},
		Revoked:      {Create, Activate, Revoke},
		"FAILED":     nil,
	} {
		require.Equal(t, want, Steps(record(t, status), now), status)
	}
	for status, want := range map[Status][]Step{
		Cancelled: {Create, Cancel},
		Revoked:   {Create, Revoke},
	} {
		r := record(t, status)
		r.DateActivated = nil
		require.Equal(t, want, Steps(r, now), "%s, never activated", status)
	}
}

func TestActiveEndingEnds(t *testing.T) {
	t.Parallel()
	r := record(t, ActiveEnding)
	require.Equal(t, ActiveEnding, ExpectedStatus(r, r.DateEnded.Add(-1)))
	require.Equal(t, Cancelled, ExpectedStatus(r, *r.DateEnded))
	require.Equal(t, []Step{Create, Activate, Cancel}, Steps(r, *at(31)))
	require.Equal(t, ActiveEnding, StatusAfter(r, Cancel, now))
	require.Equal(t, Cancelled, StatusAfter(r, Cancel, *at(31)))
}

// A clock that is behind doesn't make a cancelled record an ending one.
func TestCancelledIsCancelledByAnyClock(t *testing.T) {
	t.Parallel()
	r := record(t, Cancelled)
	require.Equal(t, Cancelled, StatusAfter(r, Cancel, *at(-50)))
}

func TestLastStepLeadsToTheExpectedStatus(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord(t)
		when := *at(rapid.IntRange(0, 600).Draw(t, "days later"))
		steps := Steps(r, when)
		require.Equal(t, Create, steps[0])
		require.Equal(t, ExpectedStatus(r, when), StatusAfter(r, steps[len(steps)-1], when))
	})
}

func TestStatusGroup(t *testing.T) {
	t.Parallel()
	for status, want := range map[Status]string{
		Pending: "PENDING", Active: "ACTIVE", ActiveEnding: "ACTIVE", Suspended: "SUSPENDED",
		Cancelled: "TERMINATED", Revoked: "TERMINATED", "active": "", "": "",
	} {
		require.Equal(t, want, StatusGroup(status), status)
		require.Equal(t, want != "", status.Known(), status)
	}
}
