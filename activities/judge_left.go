package activities

import (
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrator"
)

// What befell a record that was left without an outcome.
const (
	endedByHand  = "the record's workflow was ended by hand before it had an outcome"
	endedByForce = "the run was ended by force before this record was finished"
	leftOut      = "the run was ended by force, and the target has nothing of this record"
)

// leftRecord is a record that was left without an outcome, beside what the
// target has of it.
type leftRecord struct {
	stagedRecord
	found   []entitlement.Entitlement
	unread  *fault.Fault // why nothing could be read; nil: it was. Its text may be about others
	begun   bool         // its workflow is known to have begun
	halfWay string       // what befell it
}

// left is what was seen of a record. trouble is the fault of a look-up that
// ended before it came to all.
func (s *sighted) left(r stagedRecord, trouble *fault.Fault) leftRecord {
	id := r.decoded.ExternalEntitlementID
	l := leftRecord{stagedRecord: r, found: s.found[id], unread: s.unread[id]}
	if l.unread == nil && len(l.found) == 0 {
		l.unread = trouble
	}
	return l
}

// judgeLeft gives a record that was left without an outcome the one that the
// target shows: in its right state MIGRATED; further back FAILED with
// OPERATOR_STOPPED, or STILL_PENDING while the target is at work on it, and
// with its entitlementId, so that a reload goes on from there; with other
// content, or one that isn't understood, TARGET_DIFFERS, which is never this
// record's. One that the target has nothing of, or gives no answer for, is
// FAILED with OPERATOR_STOPPED, but NOT_ATTEMPTED if there is nothing and
// nobody knows that it had begun. The outcome has no times, so that it is the
// same whenever it is made.
func judgeLeft(l leftRecord, now time.Time) migration.Outcome {
	steps := entitlement.Steps(&l.decoded, now)
	o := migration.Outcome{
		Record: l.number, ExternalEntitlementID: l.decoded.ExternalEntitlementID, Status: l.decoded.Status,
		Fate: migration.Failed, Step: steps[0], Code: fault.CodeOperatorStopped, Message: l.halfWay, Retryable: true,
	}
	there, c, known := entitlement.Choose(&l.decoded, l.found, now)
	switch {
	case l.unread != nil:
		o.Message += "; the target gives no answer for it (" + l.unread.Code + ")"
	case len(l.found) == 0 && !l.begun:
		o = notAttempted(l.stagedRecord, fault.CodeOperatorStopped)
		o.Message = leftOut
	case len(l.found) == 0:
	case !known:
		o.Code, o.Retryable, o.Message = fault.CodeTargetDiffers, false, migrator.WhyUnclear(len(l.found))
	case !c.Same():
		o.Code, o.Retryable, o.Message = fault.CodeTargetDiffers, false, migrator.WhyDiffers(there, c)
	case c.Done():
		o.Fate, o.Step, o.Code, o.Message, o.Retryable = migration.Migrated, "", "", "", false
		o.EntitlementID, o.StepsDone = there.EntitlementID, steps
	default:
		o.EntitlementID, o.Step = there.EntitlementID, c.Remaining[0]
		o.StepsDone = steps[:len(steps)-len(c.Remaining)]
		if !there.Settled {
			o.Code = fault.CodeStillPending
		}
	}
	return o
}
