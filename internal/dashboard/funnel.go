package dashboard

import (
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/figures"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// stage is one row of the funnel: how many records came so far. Shares are of
// all records, 0 to 100.
type stage struct {
	Name    string
	Count   int
	Of      int // that were to come so far; 0: all
	Planned float64
	Done    float64
	Failed  float64
	Lost    []string // what became of those who didn't
}

// stepNames say what is true of a record after a step.
var stepNames = map[entitlement.Step]string{
	entitlement.Create:   "Created",
	entitlement.Activate: "Activated",
	entitlement.Suspend:  "Suspended",
	entitlement.Cancel:   "Cancelled",
	entitlement.Revoke:   "Revoked",
}

// funnelOf shows how far records have come, step by step.
func funnelOf(s *migration.Summary) []stage {
	if s.Records == 0 {
		return nil
	}
	if s.Steps == (migration.StepCounts{}) {
		return coarse(s)
	}
	rows := []stage{{Name: "In the file", Count: s.Records, Planned: 100, Done: 100}}
	for _, step := range entitlement.AllSteps() {
		c := s.Steps.Of(step)
		if c.Planned+c.Done+c.Failed == 0 {
			continue
		}
		rows = append(rows, stage{
			Name: stepNames[step], Count: c.Done, Of: c.Planned,
			Planned: share(c.Planned, s.Records), Done: share(c.Done, s.Records), Failed: share(c.Failed, s.Records),
			Lost: some(lostWord(c.Failed, "failed here"), lost(c.Planned-c.Done-c.Failed, s, "not reached", "not reached so far")),
		})
	}
	return append(rows, settled(s, ""))
}

// settled is the funnel's last row.
func settled(s *migration.Summary, lost string) stage {
	n := s.Outcomes.Migrated + s.Outcomes.AlreadyMigrated
	return stage{Name: "In their final status", Count: n, Planned: 100, Done: share(n, s.Records), Lost: some(lost)}
}

// coarse is the funnel of a summary that counts no steps, as earlier releases
// wrote them. Partial records are those that failed with something done at the
// target, so together with the migrated ones they are those that were created.
func coarse(s *migration.Summary) []stage {
	tried := s.Outcomes.Finished()
	migrated := s.Outcomes.Migrated + s.Outcomes.AlreadyMigrated
	created := migrated + s.Partial
	return []stage{
		{Name: "In the file", Count: s.Records, Planned: 100, Done: 100},
		{
			Name: "Attempted to the end", Count: tried, Planned: 100, Done: share(tried, s.Records),
			Lost: some(lost(s.Records-tried, s, "not attempted", "still to do")),
		},
		{
			Name: "Created at the target", Count: created, Planned: 100, Done: share(created, s.Records),
			Lost: some(lostWord(tried-created, "failed before")),
		},
		settled(s, lostWord(created-migrated, "half-way")),
	}
}

func share(n, of int) float64 { return min(100, 100*float64(n)/float64(of)) }

// lost words those who didn't come so far, once the run is over and before.
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
	return figures.Number(n) + " " + word
}

// some are the texts that say anything.
func some(texts ...string) []string {
	var all []string
	for _, text := range texts {
		if text != "" {
			all = append(all, text)
		}
	}
	return all
}
