package entitlement

import "time"

// checkPresence holds the dates to what the status requires and rules out. A
// suspension, resumption or expiry is history to every status.
func (v *violations) checkPresence(r *Record) {
	if r.DateCreated == nil {
		v.required(FieldDateCreated, "")
	}
	why := " for status " + string(r.Status)
	switch r.Status {
	case Active, ActiveEnding, Suspended:
		if r.DateActivated == nil {
			v.required(FieldDateActivated, why)
		}
	case Pending:
		if r.DateActivated != nil {
			v.add(FieldDateActivated, CodeForbidden, "dateActivated is not allowed"+why,
				"an entitlement that was activated is not PENDING")
		}
	default: // one that is over may have been active or not
	}
	if r.Status == Suspended && r.DateSuspended == nil {
		v.required(FieldDateSuspended, why)
	}
	switch r.Status {
	case ActiveEnding, Cancelled, Revoked:
		if r.DateEnded == nil {
			v.required(FieldDateEnded, why)
		}
	case Pending, Active, Suspended:
		if r.DateEnded != nil {
			v.add(FieldDateEnded, CodeForbidden, "dateEnded is not allowed"+why,
				"use dateExpiry for a term, or status ACTIVE-ENDING, CANCELLED or REVOKED")
		}
	}
}

// checkFuture: nothing has happened yet that lies ahead of now. A record with
// an entitlementId comes from a reload, whose ACTIVE-ENDING may have ended
// since the first migration.
func (v *violations) checkFuture(r *Record, now time.Time) {
	past := func(field string, t *time.Time) {
		if t != nil && t.After(now) {
			v.add(field, CodeDateInFuture, field+" lies in the future", futureHints[field])
		}
	}
	past(FieldDateCreated, r.DateCreated)
	past(FieldDateActivated, r.DateActivated)
	past(FieldDateSuspended, r.DateSuspended)
	past(FieldDateResumed, r.DateResumed)
	if r.Status != ActiveEnding {
		past(FieldDateEnded, r.DateEnded)
	} else if endPassed(r, now) {
		*v = append(*v, Violation{
			Field: FieldDateEnded, Code: CodeEndPassed, Warning: r.EntitlementID != "",
			Message: "dateEnded of an ACTIVE-ENDING record has passed",
			Hint:    "such an entitlement is over: make it CANCELLED (in a reload it is migrated as that)",
		})
	}
	if r.Status.Known() && !r.Status.Living() {
		past(FieldDateExpiry, r.DateExpiry)
	}
}

// checkOrder compares every pair that the order of a lifecycle speaks of, so
// that a date left out between two others hides nothing.
func (v *violations) checkOrder(r *Record) {
	type date struct {
		field string
		at    *time.Time
	}
	created, activated := date{FieldDateCreated, r.DateCreated}, date{FieldDateActivated, r.DateActivated}
	suspended, resumed := date{FieldDateSuspended, r.DateSuspended}, date{FieldDateResumed, r.DateResumed}
	ended := date{FieldDateEnded, r.DateEnded}
	lastResumed, pastSuspended := date{}, suspended
	if r.Status == Suspended { // the suspension is after the last resumption
		lastResumed, pastSuspended = resumed, date{}
	}

	pairs := [...][2]date{
		{created, activated},
		{created, suspended},
		{activated, suspended},
		{lastResumed, suspended},
		{created, resumed},
		{activated, resumed},
		{pastSuspended, resumed},
		{created, ended},
		{activated, ended},
		{suspended, ended},
	}
	blamed := "" // a field is blamed once; its pairs stand together
	for _, p := range pairs {
		first, then := p[0], p[1]
		if first.at != nil && then.at != nil && first.at.After(*then.at) && blamed != then.field {
			blamed = then.field
			v.add(then.field, CodeDateOrder, then.field+" is before "+first.field, orderHint(first.field, then.field))
		}
	}
}
