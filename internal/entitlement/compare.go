package entitlement

import (
	"slices"
	"time"
)

// Precision is how finely dates are compared with the target's: both sides are
// truncated to it, since a target need not keep more than milliseconds.
const Precision = time.Millisecond

// Comparison says how the target's entitlement relates to a record.
type Comparison struct {
	// Differences are JSON names of fields, in the record's order; never
	// values. Empty: it is the record's entitlement.
	Differences []string
	// Remaining are the steps still to do; empty with no Differences: it is
	// in the record's state. Meaningless where "status" is a difference.
	Remaining []Step
}

// Same reports whether the target holds the record's entitlement, be it in the
// record's state or further back.
func (c Comparison) Same() bool { return len(c.Differences) == 0 }

// Done reports whether the target holds the record's entitlement in the
// record's state.
func (c Comparison) Done() bool { return c.Same() && len(c.Remaining) == 0 }

// Compare holds an entitlement found at the target against a record: ids,
// customer, merchant, product, offer, every date, and whether its status lies
// on the record's way.
//
// The status is on the way if some of the record's steps, in order, lead to
// it; the others remain. An ACTIVE-ENDING found where CANCELLED is due
// counts as that: the platform turns it by itself, by its own clock. A SUSPENDED
// one, which no step of a CANCELLED or REVOKED record leads to, is on the way of
// those that end out of a suspension (a dateSuspended and no dateResumed). Any
// other status is the difference "status", e.g. SUSPENDED or CANCELLED for an
// ACTIVE record, or ACTIVE for a PENDING one.
//
// Create carries all dates, so the target has each from PENDING on, and one
// that it lacks is a difference; only the date of a step that remains
// (activate: dateActivated, suspend: dateSuspended, cancel and revoke:
// dateEnded) may still be unset. A date that the target has and the record
// hasn't is a difference too, but for dateExpiry, which a platform may set by
// a rule of its own; so may it set an offer where the record names none.
//
// What the target says of a field and isn't understood is a difference, too,
// unless any value would do.
func Compare(r *Record, found Entitlement, now time.Time) Comparison {
	var c Comparison
	text := func(field, want, have string, openIfEmpty bool) {
		if want != have && (want != "" || !openIfEmpty) {
			c.Differences = append(c.Differences, field)
		}
	}
	odd := func(field string) {
		if found.IsOdd(field) && !slices.Contains(c.Differences, field) {
			c.Differences = append(c.Differences, field)
		}
	}
	text(FieldExternalEntitlementID, r.ExternalEntitlementID, found.ExternalEntitlementID, false)
	odd(FieldExternalEntitlementID)
	text(FieldEntitlementID, r.EntitlementID, found.EntitlementID, true)
	odd(FieldEntitlementID)
	text(FieldCustomerIdentifier, r.CustomerIdentifier, found.CustomerIdentifier, false)
	text(FieldMerchantAccountKey, r.MerchantAccountKey, found.MerchantAccountKey, false)
	text(FieldProductKey, r.ProductKey, found.ProductKey, false)
	text(FieldOfferKey, r.OfferKey, found.OfferKey, true)

	remaining, onTheWay := remainingSteps(r, found.Status, now)
	if !onTheWay {
		c.Differences = append(c.Differences, FieldStatus)
	}
	c.Remaining = remaining
	c.compareDates(r, &found)
	odd(FieldPendingAction)
	return c
}

func remainingSteps(r *Record, found Status, now time.Time) ([]Step, bool) {
	steps := Steps(r, now)
	if found == ActiveEnding && ExpectedStatus(r, now) == Cancelled {
		found = Cancelled
	}
	for i, step := range steps {
		if StatusAfter(r, step, now) == found {
			return steps[i+1:], true
		}
	}
	if found == Suspended && endsSuspended(r) {
		return steps[len(steps)-1:], true
	}
	return nil, false
}

// endsSuspended reports whether the record's entitlement was suspended until it
// ended.
func endsSuspended(r *Record) bool {
	ended := r.Status == Cancelled || r.Status == Revoked
	return ended && r.DateActivated != nil && r.DateSuspended != nil && r.DateResumed == nil
}

func (c *Comparison) compareDates(r *Record, found *Entitlement) {
	have := datesOf(&Record{
		DateCreated: found.DateCreated, DateActivated: found.DateActivated,
		DateSuspended: found.DateSuspended, DateResumed: found.DateResumed,
		DateEnded: found.DateEnded, DateExpiry: found.DateExpiry,
	})
	for i, want := range datesOf(r) {
		openIfEmpty := want.field == FieldDateExpiry && want.at == nil
		if !c.sameDate(want.field, want.at, have[i].at) || found.IsOdd(want.field) && !openIfEmpty {
			c.Differences = append(c.Differences, want.field)
		}
	}
}

func (c *Comparison) sameDate(field string, want, have *time.Time) bool {
	switch {
	case want == nil && have == nil:
		return true
	case want == nil:
		return field == FieldDateExpiry
	case have == nil:
		return slices.ContainsFunc(c.Remaining, func(s Step) bool { return dateOf(s) == field })
	}
	return want.Truncate(Precision).Equal(have.Truncate(Precision))
}

// dateOf names the date that a step carries to the target; create has them
// all and is blamed for none.
func dateOf(s Step) string {
	switch s {
	case Activate:
		return FieldDateActivated
	case Suspend:
		return FieldDateSuspended
	case Cancel, Revoke:
		return FieldDateEnded
	default:
		return ""
	}
}

type namedDate struct {
	field string
	at    *time.Time
}

// datesOf lists a record's dates in the order of the file format.
func datesOf(r *Record) []namedDate {
	return []namedDate{
		{FieldDateCreated, r.DateCreated},
		{FieldDateActivated, r.DateActivated},
		{FieldDateSuspended, r.DateSuspended},
		{FieldDateResumed, r.DateResumed},
		{FieldDateEnded, r.DateEnded},
		{FieldDateExpiry, r.DateExpiry},
	}
}
