package chaos

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// setupAudit gives the evidence of a run in which nothing went wrong: the
// refused records are left, all else is migrated.
func setupAudit(t *testing.T) (*auditor, *[]Finding) {
	t.Helper()
	f, err := NewFile(5, 100)
	require.NoError(t, err)
	var found []Finding
	a := &auditor{
		records: f.Records,
		evidence: &evidence{
			outcomes: map[string]migration.Outcome{}, target: map[string][]map[string]any{},
			effects: map[effect]int{}, steps: map[entitlement.Step]int{},
			stats: sandbox.Stats{Effective: map[string]int64{}},
		},
		find: func(kind Verdict, record int, what string) { found = append(found, Finding{kind, record, what}) },
	}
	for i := range f.Records {
		a.done(&f.Records[i])
	}
	for step, n := range a.steps {
		a.stats.Effective[string(step)] = int64(n)
	}
	a.summary.Records = len(f.Records)
	for _, o := range a.outcomes {
		a.summary.Outcomes.Add(o.Fate, 1)
	}
	zero := 0
	a.summary.Statuses = migration.CountStatuses(migration.ByGroup{}, migration.ByGroup{}, &migration.ByGroup{Pending: zero})
	a.written = a.summary
	return a, &found
}

// done adds what a run that went well leaves of a record.
func (a *auditor) done(r *Record) {
	steps := r.before(r.Refused)
	o := migration.Outcome{
		Record: r.Number, ExternalEntitlementID: r.External, Fate: migration.Migrated, StepsDone: r.Steps[:steps],
	}
	for _, step := range o.StepsDone {
		a.effects[effect{r.External, step}]++
		a.steps[step]++
	}
	if steps > 0 {
		there := maps.Clone(r.Fields)
		for ours, theirs := range atTarget {
			if value, ok := there[ours]; ok {
				delete(there, ours)
				there[theirs] = value
			}
		}
		o.EntitlementID = "id-" + r.External
		there["entitlementId"], there["status"] = o.EntitlementID, string(r.statusAfter(steps))
		a.target[r.External] = []map[string]any{there}
	}
	if r.Refused == "" {
		a.matches = append(a.matches, map[string]string{
			"ExternalEntitlementId": r.External, "CorrelationResult": "OK: Entitlement data matches",
		})
	} else {
		o.Fate, o.Step, o.Code = migration.Failed, r.Refused, fault.CodeNotAvailable
		again := maps.Clone(r.Fields)
		partial := "false"
		if o.Partial() {
			again["entitlementId"], partial = o.EntitlementID, "true"
		}
		a.reload = append(a.reload, again)
		a.errors = append(a.errors, map[string]string{
			"externalEntitlementId": r.External, "outcome": "FAILED", "step": string(o.Step), "code": o.Code,
			"partial": partial, "retryable": "false", "hint": "repair it",
		})
	}
	a.outcomes[r.External] = o
}

func TestGoodRunHasNoFindings(t *testing.T) {
	t.Parallel()
	a, found := setupAudit(t)
	a.judge()
	require.Empty(t, *found)
	require.Len(t, a.left, 4)
}

// A check that can't fail proves nothing: each of these must be found.
func TestAuditFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(a *auditor, good, failed *Record)
		want  Verdict
	}{
		"no entitlement":         {func(a *auditor, r, _ *Record) { delete(a.target, r.External) }, Lost},
		"two entitlements":       {func(a *auditor, r, _ *Record) { a.target[r.External] = append(a.target[r.External], a.at(r)) }, Doubled},
		"duplicate in the books": {func(a *auditor, _, _ *Record) { a.stats.DuplicateExternalIDs = 1 }, Doubled},
		"step twice":             {func(a *auditor, r, _ *Record) { a.effects[effect{r.External, entitlement.Create}]++ }, Doubled},
		"create too many":        {func(a *auditor, _, _ *Record) { a.stats.Effective["create"]++ }, Doubled},
		"books disagree":         {func(a *auditor, _, _ *Record) { a.stats.Effective["activate"]++ }, Wrong},
		"another product":        {func(a *auditor, r, _ *Record) { a.at(r)["productKey"] = "other" }, Wrong},
		"another customer":       {func(a *auditor, r, _ *Record) { a.at(r)["customerIdentifier"] = "other" }, Wrong},
		"another date":           {func(a *auditor, r, _ *Record) { a.at(r)["dateCreated"] = "2020-01-01T00:00:00Z" }, Wrong},
		"a date too many":        {func(a *auditor, r, _ *Record) { a.at(r)["dateEnded"] = "2020-01-01T00:00:00Z" }, Wrong},
		"no date":                {func(a *auditor, r, _ *Record) { delete(a.at(r), "dateCreated") }, Wrong},
		"further back":           {func(a *auditor, r, _ *Record) { a.at(r)["status"] = "PENDING" }, Wrong},
		"still pending":          {func(a *auditor, r, _ *Record) { a.at(r)["pendingAction"] = "cancel" }, Wrong},
		"failed too far":         {func(a *auditor, _, f *Record) { a.at(f)["status"] = text(f.Fields, "status") }, Wrong},
		"other partial id":       {func(a *auditor, _, f *Record) { a.at(f)["entitlementId"] = "other" }, Wrong},
		"no fate":                {func(a *auditor, _, _ *Record) { a.summary.Records++ }, Lost},
		"summary differs":        {func(a *auditor, _, _ *Record) { a.written.Outcomes.Migrated-- }, Wrong},
		"wrong count":            {func(a *auditor, _, _ *Record) { a.summary.Outcomes.Migrated--; a.summary.Outcomes.AlreadyMigrated++ }, Wrong},
		"not in reload":          {func(a *auditor, _, _ *Record) { a.reload = a.reload[1:] }, Lost},
		"not in errors":          {func(a *auditor, _, _ *Record) { a.errors = a.errors[1:] }, Lost},
		"reload without a field": {func(a *auditor, _, _ *Record) { delete(a.reload[0], "status") }, Lost},
		"reload of other data":   {func(a *auditor, _, _ *Record) { a.reload[0]["productKey"] = "other" }, Wrong},
		"errors of other code":   {func(a *auditor, _, _ *Record) { a.errors[0]["code"] = "CONFLICT" }, Wrong},
		"not read back":          {func(a *auditor, _, _ *Record) { a.matches = a.matches[1:] }, Wrong},
		"read back twice":        {func(a *auditor, _, _ *Record) { a.matches = append(a.matches, a.matches[0]) }, Wrong},
		"mismatch":               {func(a *auditor, _, _ *Record) { a.matches[0]["CorrelationResult"] = "Error" }, Wrong},
		"failed for good": {func(a *auditor, r, _ *Record) {
			a.outcomes[r.External] = migration.Outcome{Fate: migration.Failed, Code: fault.CodeTargetDiffers}
		}, Wrong},
		"already migrated": {func(a *auditor, r, _ *Record) {
			o := a.outcomes[r.External]
			o.Fate = migration.AlreadyMigrated
			a.outcomes[r.External] = o
		}, Wrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, found := setupAudit(t)
			c.spoil(a, a.pick(func(r *Record) bool {
				return r.Refused == "" && len(r.Steps) == 2 && text(r.Fields, "status") == "ACTIVE"
			}),
				a.pick(func(r *Record) bool { return r.Refused != "" && r.before(r.Refused) > 0 }))
			a.judge()
			verdicts := map[Verdict]bool{}
			for _, f := range *found {
				verdicts[f.Kind] = true
			}
			require.True(t, verdicts[c.want], "%v", *found)
		})
	}
}

func (a *auditor) at(r *Record) map[string]any { return a.target[r.External][0] }

func (a *auditor) pick(wanted func(*Record) bool) *Record {
	for i := range a.records {
		if wanted(&a.records[i]) {
			return &a.records[i]
		}
	}
	panic("the file has no such record")
}

// A record that gave up on an unclear answer may be there or not; both are
// true, another status isn't.
func TestUnclearFailureMayHaveBeenDone(t *testing.T) {
	t.Parallel()
	for status, bad := range map[string]bool{"": false, "PENDING": false, "ACTIVE": false, "SUSPENDED": true} {
		a, found := setupAudit(t)
		r := a.pick(func(r *Record) bool { return r.Refused == "" && text(r.Fields, "status") == "ACTIVE" })
		a.at(r)["status"] = status
		if status == "" {
			delete(a.target, r.External)
		}
		o := migration.Outcome{Fate: migration.Failed, Code: fault.CodeTargetUnavailable, Step: entitlement.Create, Retryable: true}
		require.True(t, a.record(r, &o))
		require.Equal(t, bad, len(*found) > 0, "%s: %v", status, *found)
	}
}
