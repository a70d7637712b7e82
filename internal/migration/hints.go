package migration

import "github.com/f0a90b9a/ferry/internal/fault"

// WhyNotAttempted says in words why a record was not attempted.
func WhyNotAttempted(code string) string {
	switch code {
	case fault.CodeStoppedByLimit:
		return "an error limit stopped the run before this record"
	case fault.CodeAborted:
		return "the run was aborted before this record"
	case fault.CodeOperatorStopped:
		return "the workflow was ended by hand before anything was done for this record"
	case fault.CodeInAnotherMigration:
		return "another migration is working on this entitlement"
	}
	return "the run ended before this record"
}

// Hint says what a partner or operator can do about a record that was not
// migrated. Every code of docs/errors.md has one; an unknown code of the
// target gets the general one.
func Hint(code string) string {
	if h, ok := hints[code]; ok {
		return h
	}
	return "ask the platform what this answer means for this record, then reload it"
}

var hints = map[string]string{
	fault.CodeBadRequest:          "correct the record as the message says, then reload it",
	fault.CodeNotAvailable:        "the route does not allow this step for this product: have it enabled, or correct product or status, then reload",
	fault.CodeNotFound:            "the target lost sight of the entitlement: ask the platform before reloading",
	fault.CodeAlreadyExists:       "the id is taken at the target: find out by whom before reloading",
	fault.CodeConflict:            "the entitlement's state at the target forbids this step: look at it there",
	fault.CodeCustomerLimit:       "the customer already has as many entitlements as the route allows: end one, or leave the record out",
	fault.CodeTargetUnavailable:   "the target could not be reached for this record: reload it when the target is well",
	fault.CodeTargetDiffers:       "the target has this id with other content, which Ferry never overwrites: decide which is right",
	fault.CodeEntitlementNotFound: "check the entitlementId; remove it only if you know that nothing was created",
	fault.CodeStillPending:        "the target has not finished the step: reload later, it goes on from there",
	fault.CodeInterrupted:         "the run was stopped half-way through this record: reload it, it goes on from there",
	fault.CodeOperatorStopped:     "the record's workflow was ended by hand: reload it, it goes on from where it stands",
	fault.CodeInAnotherMigration:  "wait for the other migration, then reload it if it is still missing",
	fault.CodeStoppedByLimit:      "not tried yet: repair what made the others fail, then reload",
	fault.CodeAborted:             "not tried yet: reload it when the migration is to go on",
	fault.CodeStoreFault:          "the work bucket could not be read or written: repair it, then reload",
}
