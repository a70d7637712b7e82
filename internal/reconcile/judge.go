package reconcile

import (
	"slices"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// Pair is a record with its outcome, beside what the platform has under its
// external id.
type Pair struct {
	Record  *entitlement.Record
	Outcome migration.Outcome
	Found   []entitlement.Entitlement
	Now     time.Time
	// Unread is the code of the fault for which nothing could be read under the
	// external id; what is in Found then was read by its own id. Empty: all was.
	Unread string
	// Later is true when the run is over, so that a reload may have migrated,
	// perhaps corrected, what the run did not.
	Later bool
}

// Verdict is what is to be said of a pair.
type Verdict struct {
	// Due is the status group in which a migrated record is to be now; empty
	// for one that was not migrated.
	Due string
	// Found is the status group of a migrated record's entitlement; empty if it
	// is not there.
	Found string
	// Since is true for a record that the run did not migrate and that is there
	// all the same: as it should be or, later, in whatever way.
	Since bool
	// Rows are those of correlation.csv: the record's own first, if it has one,
	// then one for each entitlement besides.
	Rows []migration.Difference
}

// Same reports whether the platform has what it should.
func (v *Verdict) Same() bool {
	return !slices.ContainsFunc(v.Rows, func(d migration.Difference) bool { return d.Result != migrationfile.CorrelationOK })
}

// AsLeft reports whether the platform has what the run left, so that a second
// look can tell nothing new.
func (v *Verdict) AsLeft() bool { return v.Same() && !v.Since }

// Count adds a verdict to a correlation.
func (v *Verdict) Count(c *migration.Correlation) {
	if v.Due != "" {
		c.Checked++
		c.Expected.Add(v.Due, 1)
		c.Found.Add(v.Found, 1)
	}
	if v.Since {
		c.Since++
	}
	for i, row := range v.Rows {
		switch {
		case row.Result == migrationfile.CorrelationOK:
			continue
		case i == 0 && v.Due != "":
			c.Differing++
		default:
			c.Extra++
		}
		c.Tell(row)
	}
}

// WasMigrated reports whether a record should be at the platform by its outcome.
func WasMigrated(o *migration.Outcome) bool {
	return o.Fate == migration.Migrated || o.Fate == migration.AlreadyMigrated
}

// Judge compares a pair. For a migrated record every field is held to the file
// (see entitlement.Compare), with the status that is due now: an ACTIVE-ENDING
// whose end has passed is due as CANCELLED, and one that has run out (its
// dateExpiry has passed) may have been ended by the platform. What the platform
// has under the external id besides is extra. Of a record that was not migrated
// nothing is expected but what its outcome tells.
func Judge(p Pair) Verdict {
	if WasMigrated(&p.Outcome) {
		return p.migrated()
	}
	return p.other()
}

func (p *Pair) migrated() Verdict {
	due := entitlement.ExpectedStatus(p.Record, p.Now)
	v := Verdict{Due: entitlement.StatusGroup(due)}
	own := p.own()
	if own < 0 && p.Unread != "" {
		v.add(p, p.Outcome.EntitlementID, migrationfile.CorrelationUnread(p.Unread), []string{"unread"})
		return v
	}
	if own < 0 {
		v.add(p, p.Outcome.EntitlementID, migrationfile.CorrelationMissing, []string{"missing"})
		return v
	}
	there := p.Found[own]
	v.Found = entitlement.StatusGroup(there.Status)
	fields := p.fields(there)
	if ranOut(p.Record, there, p.Now) {
		v.Due = entitlement.GroupTerminated
		fields = slices.DeleteFunc(fields, func(f string) bool {
			return f == entitlement.FieldStatus || f == entitlement.FieldDateEnded
		})
	}
	v.add(p, p.Outcome.EntitlementID, migrationfile.CorrelationResult(fields), fields)
	for i, e := range p.Found {
		if i != own {
			v.add(p, e.EntitlementID, migrationfile.CorrelationExtra, nil)
		}
	}
	return v
}

// other judges a record that was not migrated. What errors.csv tells of it
// already, a partial record's entitlement or somebody else's under its id, is
// nothing new.
func (p *Pair) other() Verdict {
	var v Verdict
	for _, e := range p.Found {
		partial := p.Outcome.EntitlementID != "" && strings.EqualFold(e.EntitlementID, p.Outcome.EntitlementID)
		c := entitlement.Compare(p.Record, e, p.Now)
		switch {
		case c.Done() && !v.Since:
			v.Since = true
			v.add(p, e.EntitlementID, migrationfile.CorrelationOK, nil)
		case partial || toldOf(p.Outcome.Code):
		case p.Later:
			v.Since = true
		default:
			v.add(p, e.EntitlementID, migrationfile.CorrelationExtra, nil)
		}
	}
	return v
}

// toldOf reports whether a code says that the platform has an entitlement under
// the id that is not the run's.
func toldOf(code string) bool {
	return code == fault.CodeTargetDiffers || code == fault.CodeAlreadyExists || code == fault.CodeInAnotherMigration
}

// own finds the entitlement that the outcome names, or else the record's by
// what it is like; -1 if there is none at all.
func (p *Pair) own() int {
	named := func(id string) int {
		return slices.IndexFunc(p.Found, func(e entitlement.Entitlement) bool { return strings.EqualFold(e.EntitlementID, id) })
	}
	if i := named(p.Outcome.EntitlementID); i >= 0 || len(p.Found) == 0 {
		return i
	}
	if e, _, ok := entitlement.Choose(p.Record, p.Found, p.Now); ok {
		return named(e.EntitlementID)
	}
	return 0
}

// fields names all that differs.
func (p *Pair) fields(there entitlement.Entitlement) []string {
	c := entitlement.Compare(p.Record, there, p.Now)
	fields := c.Differences
	if len(c.Remaining) > 0 {
		fields = append(fields, entitlement.FieldStatus)
	}
	sameID := strings.EqualFold(there.EntitlementID, p.Outcome.EntitlementID)
	if !sameID && !slices.Contains(fields, entitlement.FieldEntitlementID) {
		fields = append(fields, entitlement.FieldEntitlementID)
	}
	return fields
}

// ranOut reports whether the platform has ended a living entitlement when it
// expired, as platforms do by themselves.
func ranOut(r *entitlement.Record, there entitlement.Entitlement, now time.Time) bool {
	expired := r.Status.Living() && r.DateExpiry != nil && !r.DateExpiry.After(now)
	over := there.Status.Known() && !there.Status.Living()
	if !expired || !over {
		return false
	}
	expiry := r.DateExpiry.Truncate(entitlement.Precision)
	return there.DateEnded == nil || !there.DateEnded.Truncate(entitlement.Precision).Before(expiry)
}

func (v *Verdict) add(p *Pair, entitlementID, result string, fields []string) {
	v.Rows = append(v.Rows, migration.Difference{
		Record: p.Outcome.Record, ExternalEntitlementID: p.Outcome.ExternalEntitlementID,
		EntitlementID: entitlementID, Result: result, Fields: fields,
	})
}
