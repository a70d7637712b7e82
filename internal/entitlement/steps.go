package entitlement

import "time"

// Groups in which entitlements are counted before and after a migration.
const (
	GroupPending    = "PENDING"
	GroupActive     = "ACTIVE" // with ACTIVE-ENDING
	GroupSuspended  = "SUSPENDED"
	GroupTerminated = "TERMINATED" // CANCELLED and REVOKED
)

// AllStatuses lists the statuses a record may have, in lifecycle order.
func AllStatuses() []Status {
	return []Status{Pending, Active, ActiveEnding, Suspended, Cancelled, Revoked}
}

// AllSteps lists the steps a record may need, in lifecycle order.
func AllSteps() []Step { return []Step{Create, Activate, Suspend, Cancel, Revoke} }

// Known reports whether s is one of the six statuses, spelled exactly.
func (s Status) Known() bool { return StatusGroup(s) != "" }

// StatusGroup names the group that a status is counted in; empty for an
// unknown status.
func StatusGroup(s Status) string {
	switch s {
	case Pending:
		return GroupPending
	case Active, ActiveEnding:
		return GroupActive
	case Suspended:
		return GroupSuspended
	case Cancelled, Revoked:
		return GroupTerminated
	}
	return ""
}

// ExpectedStatus is the status that the record's entitlement has once all its
// steps are done: the record's own, but CANCELLED for an ACTIVE-ENDING whose
// end is not after now.
func ExpectedStatus(r *Record, now time.Time) Status {
	if r.Status == ActiveEnding && endPassed(r, now) {
		return Cancelled
	}
	return r.Status
}

// Steps lists the calls that carry a record to its status, in order. Now
// matters to no record's steps today: an ACTIVE-ENDING whose end has passed is
// CANCELLED, by the same calls. An unknown status has no steps.
func Steps(r *Record, now time.Time) []Step {
	switch ExpectedStatus(r, now) {
	case Pending:
		return []Step{Create}
	case Active:
		return []Step{Create, Activate}
	case ActiveEnding:
		return []Step{Create, Activate, Cancel}
	case Suspended:
		return []Step{Create, Activate, Suspend}
	case Cancelled:
		return ended(r, Cancel)
	case Revoked:
		return ended(r, Revoke)
	}
	return nil
}

// ended goes through ACTIVE only if the entitlement ever was: a PENDING one
// can be terminated too.
func ended(r *Record, last Step) []Step {
	if r.DateActivated == nil {
		return []Step{Create, last}
	}
	return []Step{Create, Activate, last}
}

// StatusAfter is the status of the record's entitlement right after a step.
// Cancel leads to ACTIVE-ENDING for such a record while its end lies after now,
// else to CANCELLED. It is empty for a step that Ferry doesn't know.
func StatusAfter(r *Record, s Step, now time.Time) Status {
	switch s {
	case Create:
		return Pending
	case Activate:
		return Active
	case Suspend:
		return Suspended
	case Cancel:
		if ExpectedStatus(r, now) == ActiveEnding {
			return ActiveEnding
		}
		return Cancelled
	case Revoke:
		return Revoked
	}
	return ""
}

func endPassed(r *Record, now time.Time) bool {
	return r.DateEnded != nil && !r.DateEnded.After(now)
}
