package dashboard

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// migrationPage is a migration as its page shows it to one kind of reader.
type migrationPage struct {
	S        migration.Summary
	State    state
	Trouble  string
	Pace     paceView
	Moving   bool // records are being carried, so rate and time left have a meaning
	PlanHash string
	Elapsed  string
	Says     string // for screen readers, changes seldom
	Bar      []segment
	Chart    chart
	Funnel   []stage
	Steps    []stepRow
	Statuses []statusRow
	Gauges   []gauge
	Groups   []groupRow
	Audit    []migration.AuditEntry // the latest first
	Files    []fileRow
	Actions  []action
	UI       string // of Temporal; empty: no link
}

// pageOf puts a page together for those who may steer and see all, or not.
func (s *Server) pageOf(st standing, v variant) migrationPage {
	p := migrationPage{
		S: st.summary, State: stateOf(&st.summary), Trouble: st.trouble,
		Pace: st.pace, Moving: st.open && st.summary.Phase == migration.Migrating, PlanHash: st.plan.Hash,
	}
	p.Elapsed = elapsed(&st)
	p.Bar = barOf(&p.S)
	p.Says = announcement(&st, p.State)
	p.Chart = chartOf(st.pace.Slots)
	p.Funnel = funnelOf(&p.S)
	p.Steps = stepsOf(&p.S, st.plan)
	p.Statuses = statusesOf(&p.S)
	p.Gauges = gaugesOf(&p.S)
	p.Groups = groupsOf(&p.S)
	p.Audit = slices.Clone(p.S.Audit)
	slices.Reverse(p.Audit)
	p.Files = filesOf(&st, v)
	if v.steers && st.open {
		p.Actions = actionsFor(p.S.Phase)
	}
	if v.all && s.temporalUI != "" {
		p.UI = s.temporalUI + "/namespaces/" + url.PathEscape(s.namespace) + "/workflows/" + url.PathEscape(p.S.Migration)
	}
	return p
}

func elapsed(st *standing) string {
	s := &st.summary
	switch {
	case s.StartedAt == nil:
		return ""
	case s.FinishedAt != nil:
		return "took " + span(s.FinishedAt.Sub(*s.StartedAt))
	case st.open:
		return "for " + span(st.at.Sub(*s.StartedAt))
	}
	return ""
}

// announcement changes when a tenth of the file is done, not with each record.
func announcement(st *standing, is state) string {
	text := is.Word + "."
	if s := &st.summary; st.open && s.Records > 0 {
		text += fmt.Sprintf(" %d %% of the records are finished.", 10*(10*s.Outcomes.Finished()/s.Records))
	}
	return text
}

// Waves says what the trial waves have to do with the limits.
func (p *migrationPage) Waves() string {
	switch t := p.S.Limits.Tripped; {
	case t != nil && t.Rule == migration.RuleCanary:
		return "A trial wave failed, which stopped the run."
	case p.S.Settings.Waves && p.S.Result == "":
		return "The first records go in trial waves. A wave of which too many fail stops the run."
	}
	return ""
}

// stage is one row of the funnel.
type stage struct {
	Name  string
	Count int
	Share float64 // of the first stage, 0 to 100
	Lost  string  // what became of those who didn't come this far
}

// funnelOf shows how far records have come, from what the summary counts.
// Partial records are those that failed with something done at the target, so
// together with the migrated ones they are those that were created.
func funnelOf(s *migration.Summary) []stage {
	if s.Records == 0 {
		return nil
	}
	o := s.Outcomes
	migrated := o.Migrated + o.AlreadyMigrated
	tried := o.Finished()
	created := migrated + s.Partial
	rows := []stage{
		{Name: "In the file", Count: s.Records},
		{Name: "Attempted to the end", Count: tried, Lost: lost(s.Records-tried, s, "not attempted", "still to do")},
		{Name: "Created at the target", Count: created, Lost: lostWord(tried-created, "failed before")},
		{Name: "In their final status", Count: migrated, Lost: lostWord(created-migrated, "half-way")},
	}
	for i := range rows {
		rows[i].Share = 100 * float64(rows[i].Count) / float64(s.Records)
	}
	return rows
}

func lost(n int, s *migration.Summary, over, running string) string {
	if s.Result != "" {
		return lostWord(n, over)
	}
	return lostWord(n, running)
}

func lostWord(n int, word string) string {
	if n <= 0 {
		return ""
	}
	return number(n) + " " + word
}

// stepRow is one lifecycle step over all records.
type stepRow struct {
	Step    entitlement.Step
	Planned int
	Failed  int
}

// stepsOf counts the steps that the plan has and the records that failed at
// each.
func stepsOf(s *migration.Summary, plan planned) []stepRow {
	failed := map[entitlement.Step]int{}
	for _, g := range s.Errors {
		if !notAttempted(g.Code) {
			failed[entitlement.Step(g.Step)] += g.Count
		}
	}
	var rows []stepRow
	for _, step := range []entitlement.Step{
		entitlement.Create, entitlement.Activate, entitlement.Suspend, entitlement.Cancel, entitlement.Revoke,
	} {
		if plan.Steps[step]+failed[step] > 0 {
			rows = append(rows, stepRow{step, plan.Steps[step], failed[step]})
		}
	}
	return rows
}

// notAttempted reports whether a code is that of records that were not tried.
func notAttempted(code string) bool {
	switch code {
	case fault.CodeStoppedByLimit, fault.CodeAborted, fault.CodeInAnotherMigration:
		return true
	}
	return false
}

// statusRow is one of the four groups that partners check.
type statusRow struct {
	Name, Note string
	migration.StatusCount
	Verdict string
	Tone    tone
}

func statusesOf(s *migration.Summary) []statusRow {
	rows := []statusRow{
		{Name: "Pending", StatusCount: s.Statuses.Pending},
		{Name: "Active", Note: "with ACTIVE-ENDING", StatusCount: s.Statuses.Active},
		{Name: "Suspended", StatusCount: s.Statuses.Suspended},
		{Name: "Terminated", Note: "CANCELLED and REVOKED", StatusCount: s.Statuses.Terminated},
	}
	for i := range rows {
		rows[i].Verdict, rows[i].Tone = verdict(rows[i].StatusCount)
		if rows[i].Found == nil && s.Result != "" {
			rows[i].Verdict = "not read back"
		}
	}
	return rows
}

// FoundCount is how many were found; 0 before anybody looked.
func (r statusRow) FoundCount() int { return or(r.Found, 0) }

// verdict compares what was found with what was migrated, and that with what
// was expected.
func verdict(c migration.StatusCount) (string, tone) {
	switch {
	case c.Found == nil:
		return "not read back yet", waiting
	case *c.Found < c.Migrated:
		return number(c.Migrated-*c.Found) + " missing", bad
	case *c.Found > c.Migrated:
		return number(*c.Found-c.Migrated) + " too many", bad
	case c.Migrated < c.Expected:
		return number(c.Expected-c.Migrated) + " not migrated", doubt
	case c.Migrated > c.Expected:
		return number(c.Migrated-c.Expected) + " too many", doubt
	case c.Expected == 0:
		return "none", waiting
	}
	return "all there", good
}

// groupRow is a kind of error with what to do about it.
type groupRow struct {
	migration.ErrorGroup
	Hint string
}

func groupsOf(s *migration.Summary) []groupRow {
	rows := make([]groupRow, 0, len(s.Errors))
	for _, g := range s.Errors {
		rows = append(rows, groupRow{g, migration.Hint(g.Code)})
	}
	return rows
}

// fileRow is a file with what a reader should know of it.
type fileRow struct {
	file
	What   string
	MayGet bool
}

var fileWords = map[string]string{
	migration.FileReload:      "a migration file of the records that are left",
	migration.FileErrors:      "why each of them is left, a row a record",
	migration.FileCorrelation: "each migrated record compared with the target",
	migration.FileSummary:     "what this page shows, for programs",
	migration.FileValidation:  "problems and warnings of the source file",
	migration.FilePlan:        "what the run was going to do",
	migration.FileAudit:       "everything that operators did",
	migration.FileBatches:     "how the records were cut into batches",
	migration.FileClaim:       "who took the id",
	migration.FileRecords:     "the source as it was accepted",
}

func filesOf(st *standing, v variant) []fileRow {
	rows := make([]fileRow, 0, len(st.files))
	for _, f := range st.files {
		rows = append(rows, fileRow{f, fileWords[f.Name], v.steers || !f.Personal})
	}
	return rows
}

// problemRow is a code of the validation with its count.
type problemRow struct {
	Code    string
	Count   int
	Warning bool
}

// Problems are the codes of what validation found, errors first, the most
// frequent first.
func (p *migrationPage) Problems() []problemRow {
	if p.S.Problems == nil {
		return nil
	}
	var rows []problemRow
	for code, n := range p.S.Problems.ByCode {
		rows = append(rows, problemRow{code, n, false})
	}
	for code, n := range p.S.Problems.Warnings {
		rows = append(rows, problemRow{code, n, true})
	}
	slices.SortFunc(rows, func(a, b problemRow) int {
		if a.Warning != b.Warning {
			if b.Warning {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Code, b.Code))
	})
	return rows
}
