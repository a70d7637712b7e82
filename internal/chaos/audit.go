package chaos

import (
	"context"
	"fmt"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// audit holds a migration of some records against what it says of itself and
// against the target. It gives the records that are left to do.
func (t *trial) audit(ctx context.Context, sum migration.Summary, records []Record, repaired bool) ([]Record, error) {
	e, err := t.collect(ctx, sum)
	if err != nil {
		return nil, err
	}
	a := auditor{evidence: e, records: records, repaired: repaired, find: t.find}
	a.judge()
	t.report.Writes = total(e.steps)
	return a.left, nil
}

// auditEnd holds the target against the whole file, once nothing is left.
func (t *trial) auditEnd(ctx context.Context) error {
	e := &evidence{}
	if err := t.readTarget(ctx, e); err != nil {
		return err
	}
	a := auditor{evidence: e, find: t.find}
	a.books()
	for _, r := range t.file.Records {
		a.onTarget(&r, len(r.Steps), len(r.Steps))
	}
	for external := range e.target {
		a.nothingElse(external, t.file.Records)
	}
	t.report.Writes = total(e.steps)
	return nil
}

// auditor judges one migration.
type auditor struct {
	*evidence
	records  []Record
	repaired bool // nothing is refused any more
	left     []Record
	find     func(kind Verdict, record int, what string)
}

func (a *auditor) judge() {
	a.conservation()
	a.books()
	counted := migration.Outcomes{}
	for i := range a.records {
		r := &a.records[i]
		o, known := a.outcomes[r.External]
		if !known {
			// A batch that was never opened has no outcomes; the reload file
			// has its records.
			o = migration.Outcome{Fate: migration.NotAttempted, Retryable: true}
		}
		counted.Add(o.Fate, 1)
		if a.record(r, &o) {
			a.left = append(a.left, *r)
		}
	}
	if counted != a.summary.Outcomes {
		a.find(Wrong, 0, fmt.Sprintf("the outcomes count %+v, the summary says %+v", counted, a.summary.Outcomes))
	}
	a.leftover()
	a.correlation(counted.Migrated + counted.AlreadyMigrated)
}

// conservation is the law that no record is ever without a fate.
func (a *auditor) conservation() {
	s := &a.summary
	if s.Records != len(a.records) || s.Outcomes.Total() != len(a.records) {
		a.find(Lost, 0, fmt.Sprintf("%d records have %d fates, and the summary counts %d",
			len(a.records), s.Outcomes.Total(), s.Records))
	}
	if a.written.Outcomes != s.Outcomes || a.written.Result != s.Result || a.written.Records != s.Records {
		a.find(Wrong, 0, "summary.json is not the workflow's result")
	}
	for name, c := range map[string]migration.StatusCount{
		"PENDING": s.Statuses.Pending, "ACTIVE": s.Statuses.Active,
		"SUSPENDED": s.Statuses.Suspended, "TERMINATED": s.Statuses.Terminated,
	} {
		if c.Found == nil || *c.Found != c.Migrated {
			a.find(Wrong, 0, "the summary's counts of "+name+" disagree")
		}
	}
}

// books holds the target's own books to what is on it, and to ours.
func (a *auditor) books() {
	if n := a.stats.DuplicateExternalIDs; n != 0 {
		a.find(Doubled, 0, fmt.Sprintf("the target has %d duplicates of external ids", n))
	}
	entitlements := 0
	for _, same := range a.target {
		entitlements += len(same)
	}
	if n := a.stats.Effective["create"]; n != int64(entitlements) {
		a.find(Doubled, 0, fmt.Sprintf("%d creates took effect for %d entitlements", n, entitlements))
	}
	for step, n := range a.stats.Effective {
		if int(n) != a.steps[entitlement.Step(step)] {
			a.find(Wrong, 0, fmt.Sprintf("the target counts %d effective %ss, the gate %d", n, step, a.steps[entitlement.Step(step)]))
		}
	}
	for e, n := range a.effects {
		if n > 1 {
			a.find(Doubled, 0, fmt.Sprintf("%s took effect %d times for %s", e.Step, n, e.External))
		}
	}
}

// record judges one record's fate; true if it is left to do.
func (a *auditor) record(r *Record, o *migration.Outcome) (left bool) {
	refused := (r.Refused != "" || r.Forbidden != "") && !a.repaired
	switch o.Fate {
	case migration.Migrated, migration.AlreadyMigrated:
		if refused {
			a.find(Wrong, r.Number, "it is migrated although a step is refused")
		}
		if o.Fate == migration.AlreadyMigrated && !a.repaired {
			a.find(Wrong, r.Number, "nobody but this run can have migrated it, and it says ALREADY_MIGRATED")
		}
		a.onTarget(r, len(r.Steps), len(r.Steps))
		return false
	case migration.NotAttempted:
		if len(a.target[r.External]) > 0 && !a.repaired {
			a.find(Wrong, r.Number, "it is on the target and counts as not attempted")
		}
		return true
	case migration.Failed:
		a.failed(r, o, refused)
		return true
	}
	a.find(Lost, r.Number, fmt.Sprintf("it has the fate %q", o.Fate))
	return true
}

// failed holds a failure to what is true at the target.
func (a *auditor) failed(r *Record, o *migration.Outcome, refused bool) {
	if o.Code == fault.CodeNotAvailable {
		if !refused || o.Step != r.Refused || o.Retryable {
			a.find(Wrong, r.Number, "it fails as refused at "+string(o.Step)+", which nobody refuses for good")
		}
		a.onTarget(r, r.before(o.Step), r.before(o.Step))
		a.partial(r, o)
		return
	}
	if o.Code == fault.CodeGateway && r.Forbidden != "" && !a.repaired {
		if o.Step != r.Forbidden || o.Retryable {
			a.find(Wrong, r.Number, "it fails as forbidden at "+string(o.Step)+", which no firewall refuses")
		}
		a.onTarget(r, r.before(o.Step), r.before(o.Step))
		a.partial(r, o)
		return
	}
	if !o.Retryable {
		a.find(Wrong, r.Number, "it failed for good: "+o.Code+" at "+string(o.Step))
	}
	// What gave up on an unclear answer may have been done all the same.
	a.onTarget(r, len(o.StepsDone), len(r.Steps))
	if o.EntitlementID != "" {
		a.partial(r, o)
	}
}

// partial holds the id that a failure names to the target's.
func (a *auditor) partial(r *Record, o *migration.Outcome) {
	id := ""
	if there := a.target[r.External]; len(there) > 0 {
		id = text(there[0], "entitlementId")
	}
	if o.EntitlementID != id {
		a.find(Wrong, r.Number, "its outcome names another entitlementId than the target has")
	}
	if len(o.StepsDone) > 0 && o.Code == fault.CodeNotAvailable && len(o.StepsDone) != r.before(o.Step) {
		a.find(Wrong, r.Number, "its outcome names other steps than were done")
	}
}

// onTarget holds the target's entitlement to the record, with at least and at
// most so many steps done.
func (a *auditor) onTarget(r *Record, least, most int) {
	there := a.target[r.External]
	switch {
	case len(there) > 1:
		a.find(Doubled, r.Number, fmt.Sprintf("the target has it %d times", len(there)))
	case len(there) == 0 && least > 0:
		a.find(Lost, r.Number, "it should be on the target and isn't")
	case len(there) == 1 && most == 0:
		a.find(Wrong, r.Number, "it is on the target and shouldn't be")
	}
	if len(there) == 0 || most == 0 {
		return
	}
	if !reached(r, text(there[0], "status"), least, most) {
		a.find(Wrong, r.Number, "its status at the target is "+text(there[0], "status"))
	}
	for _, field := range differences(r, there[0]) {
		a.find(Wrong, r.Number, field+" differs at the target")
	}
}

func reached(r *Record, status string, least, most int) bool {
	for done := least; done <= most; done++ {
		if string(r.statusAfter(done)) == status && status != "" {
			return true
		}
	}
	return false
}

func (a *auditor) nothingElse(external string, records []Record) {
	for i := range records {
		if records[i].External == external {
			return
		}
	}
	a.find(Wrong, 0, "the target has an entitlement that is in no file: "+external)
}
