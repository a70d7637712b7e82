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
// migrated and of which nothing is at the target yet. Every code of
// docs/errors.md has one; an unknown code of the target gets the general one.
// Followed to the letter, and then reloaded, it migrates the record.
func Hint(code string) string {
	if h, ok := hints[code]; ok {
		return h
	}
	return "ask the platform what this answer means for this record, then reload it"
}

// HintAt is Hint for a record that failed at a step: once its entitlement is at
// the target, the record can't be changed any more in what the create has sent.
func HintAt(code string, exists bool) string {
	if h, ok := hintsOnceThere[code]; ok && exists {
		return h
	}
	if _, known := hints[code]; !known && exists {
		return "it exists at the target (entitlementId): ask the platform what this answer means and have it repaired there, then reload it as it is"
	}
	return Hint(code)
}

// Hint is what can be done about the record.
func (o *Outcome) Hint() string { return HintAt(o.Code, o.Partial()) }

// Hint is what can be done about the group's records. All steps but the create
// are made at an entitlement that is there.
func (g *ErrorGroup) Hint() string { return HintAt(g.Code, g.Step != "" && g.Step != "create") }

var hints = map[string]string{
	fault.CodeBadRequest:          "correct the record in reload.json as the message says, then reload with that file",
	fault.CodeNotAvailable:        "have the platform enable this step for this product on the route, or correct product or status in reload.json and reload with that file",
	fault.CodeNotFound:            "the target lost sight of the entitlement: have the platform find it again, then reload it as it is",
	fault.CodeAlreadyExists:       "the id is taken at the target, which doesn't show by what: have the platform find out and show it, then reload it as it is",
	fault.CodeConflict:            "the entitlement's state at the target forbids this step: have its state put right there, then reload it as it is",
	fault.CodeCustomerLimit:       "the customer already has as many entitlements as the route allows: have one ended at the target, or leave the record out; then reload",
	fault.CodeGateway:             "something before the target (a firewall, a gateway) refuses this record: have it let through and reload it as it is, or change what it takes offence at in reload.json and reload with that file",
	fault.CodeTargetUnavailable:   "the target could not be reached for this record: reload it as it is when the target is well",
	fault.CodeTargetDiffers:       "the target has this id with other content, which Ferry never overwrites: give the fields that the message names the target's values in reload.json and reload with that file, or have them changed at the target and reload it as it is",
	fault.CodeEntitlementNotFound: "correct entitlementId in reload.json, or remove it there only if you know that nothing was created; then reload with that file",
	fault.CodeStillPending:        "the target has not finished the step: when it has, reload it as it is; it goes on from there",
	fault.CodeInterrupted:         "the run was stopped half-way through this record: reload it as it is; it goes on from there",
	fault.CodeOperatorStopped:     "the record's workflow was ended by hand: reload it as it is; it goes on from where it stands",
	fault.CodeInAnotherMigration:  "wait until the other migration has ended, then reload it as it is",
	fault.CodeStoppedByLimit:      "not tried yet: reload it as it is; '--only not-attempted' reloads it without those that failed",
	fault.CodeAborted:             "not tried yet: reload it as it is when the migration is to go on",
	fault.CodeStoreFault:          "the work bucket could not be read or written: repair it, then reload it as it is",
}

// hintsOnceThere are those of a record whose entitlement is at the target, where
// they are others.
var hintsOnceThere = map[string]string{
	fault.CodeBadRequest: "it exists at the target (entitlementId), so product, customer and dates can be changed there only: " +
		"have the platform put right what the message says, then reload it as it is",
	fault.CodeNotAvailable: "it exists at the target (entitlementId), so product, customer and dates can be changed there only: " +
		"have the platform enable this step for its product on the route, then reload it as it is",
	fault.CodeTargetUnavailable: "the target could not be reached for this record half-way: reload it as it is when the target is well; it goes on from there",
}
