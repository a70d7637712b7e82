package dashboard

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/f0a90b9a/ferry/internal/figures"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/pace"
)

// migrationPage is a migration as its page shows it to one kind of reader.
type migrationPage struct {
	S        migration.Summary
	State    state
	Trouble  string
	Pace     pace.Reading
	Moving   bool // records are being carried, so rate and time left have a meaning
	PlanHash string
	Elapsed  string
	Says     string // for screen readers, changes seldom
	Bar      []segment
	Chart    chart
	Passing  *passing // nil: no pass over the whole file
	Funnel   []stage
	Statuses []statusRow
	Gauges   []gauge
	Groups   []groupRow
	Audit    []migration.AuditEntry // the latest first
	Files    []fileRow
	Batches  bool // they can be listed with their outcomes
	Again    []reconciled
	More     int // that aren't shown
	Actions  []action
	UI       string // of Temporal; empty: no link
}

// pageOf puts a page together for those who may steer and see all, or not.
func (s *Server) pageOf(st standing, v variant) migrationPage {
	p := migrationPage{
		S: st.summary, State: stateOf(&st.summary), Trouble: st.trouble,
		Pace: st.pace, Moving: st.open && st.summary.Phase == migration.Migrating, PlanHash: st.planHash(),
	}
	p.Elapsed = elapsed(&st)
	p.Bar = barOf(&p.S)
	p.Says = announcement(&st, p.State)
	p.Chart = chartOf(st.pace.Slots)
	p.Passing = st.passing
	p.Funnel = funnelOf(&p.S)
	p.Statuses = statusesOf(&p.S)
	p.Gauges = gaugesOf(&p.S)
	p.Groups = groupsOf(&p.S)
	p.Audit = slices.Clone(p.S.Audit)
	slices.Reverse(p.Audit)
	p.Files = filesOf(&st, v)
	p.Batches = slices.ContainsFunc(st.files, func(f file) bool { return f.Name == migration.FileBatches })
	p.Again, p.More = st.reconciled, st.moreReconciled
	if v.steers {
		p.Actions = actionsFor(&st)
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
		return "took " + figures.Span(s.FinishedAt.Sub(*s.StartedAt))
	case st.open:
		return "for " + figures.Span(st.at.Sub(*s.StartedAt))
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
		return figures.Number(c.Migrated-*c.Found) + " missing", bad
	case *c.Found > c.Migrated:
		return figures.Number(*c.Found-c.Migrated) + " too many", bad
	case c.Migrated < c.Expected:
		return figures.Number(c.Expected-c.Migrated) + " not migrated", doubt
	case c.Migrated > c.Expected:
		return figures.Number(c.Migrated-c.Expected) + " too many", doubt
	case c.Expected == 0:
		return "none", waiting
	}
	return "all there", good
}

// groupRow is a kind of error with what to do about it.
type groupRow struct {
	migration.ErrorGroup
	Hint string
	// EndsRun is true for the first of those that only wait for the others: the
	// run ended before them.
	EndsRun bool
}

func groupsOf(s *migration.Summary) []groupRow {
	rows := make([]groupRow, 0, len(s.Errors))
	causes, consequences := migration.Causes(s.Errors)
	for _, g := range causes {
		rows = append(rows, groupRow{ErrorGroup: g, Hint: g.Hint()})
	}
	for i, g := range consequences {
		rows = append(rows, groupRow{ErrorGroup: g, Hint: g.Hint(), EndsRun: i == 0})
	}
	return rows
}

// fileRow is a file with what a reader should know of it.
type fileRow struct {
	file
	What   string
	MayGet bool
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
