package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/figures"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/redact"
)

// findTimeout bounds the search for a record in all of a migration's outcomes.
const findTimeout = 30 * time.Second

// recordPage is what became of one record.
type recordPage struct {
	Migration string
	ID        string // externalEntitlementId
	Asked     bool
	Run       *operator.RecordRun // nil: Temporal has nothing of it
	Outcome   *migration.Outcome  // nil: there is none yet
	Hint      string
	Elsewhere bool             // the run is another migration's
	Purged    *migration.Purge // nil: what was known of it is still there
	Trouble   []string
	Events    []eventRow
}

// eventRow is one line of a record's timeline.
type eventRow struct {
	At   time.Time
	What string
	More string
	Tone tone
}

func (s *Server) showRecord(w http.ResponseWriter, r *http.Request) {
	v, ok := s.seen(w, r)
	if !ok {
		return
	}
	defer v.leave()
	id := r.URL.Query().Get("id")
	page := recordPage{Migration: v.id(), ID: id, Asked: id != "", Purged: v.summary.Purged}
	status := http.StatusOK
	if n := utf8.RuneCountInString(id); n > entitlement.MaxIDLength {
		page.ID, page.Asked, status = "", false, http.StatusBadRequest
		page.Trouble = append(page.Trouble, fmt.Sprintf("An externalEntitlementId has at most %d characters; this has %d.", entitlement.MaxIDLength, n))
	}
	if page.Asked {
		s.lookUp(r.Context(), &page, v.summary.Route)
		if page.Run == nil && page.Outcome == nil && len(page.Trouble) == 0 {
			status = http.StatusNotFound
			if id != strings.TrimSpace(id) {
				page.Trouble = append(page.Trouble, "The id that was asked for begins or ends with a blank, which counts.")
			}
		}
	}
	title := "A record of " + page.Migration
	if page.Asked {
		title = id
	}
	s.show(w, r, status, "record.html", frame{Title: title, Body: &page})
}

// Typed is what the field holds: the id, unless a browser's field would change
// it.
func (p *recordPage) Typed() string {
	if redact.Visible(p.ID) != p.ID {
		return ""
	}
	return p.ID
}

// lookUp asks Temporal for the record's history and the bucket for its fate.
func (s *Server) lookUp(ctx context.Context, p *recordPage, route string) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	record := 0
	run, err := s.engine.Record(ctx, route, p.ID)
	switch {
	case errors.Is(err, operator.ErrUnknown):
	case err != nil:
		p.Trouble = append(p.Trouble, words(err))
	default:
		p.Run, p.Elsewhere = &run, run.Migration != p.Migration
		if !p.Elsewhere {
			record, p.Outcome = run.Record, run.Outcome
		}
		p.Events = timeline(&run)
	}
	if p.Outcome == nil {
		if p.Outcome, err = s.past.outcomeOf(ctx, p.Migration, p.ID, record); err != nil {
			p.Trouble = append(p.Trouble, words(err))
		}
	}
	if p.Outcome != nil && p.Outcome.Code != "" {
		p.Hint = p.Outcome.Hint()
	}
}

// timeline puts what happened to a record into words.
func timeline(run *operator.RecordRun) []eventRow {
	rows := make([]eventRow, 0, len(run.Events))
	for _, e := range run.Events {
		row := eventRow{At: e.At, Tone: waiting}
		step := string(e.Step)
		switch e.Kind {
		case operator.TakenUp:
			row.What, row.Tone = "Taken up by migration "+run.Migration, busy
		case operator.StepDone:
			row.What, row.Tone = step+" done", good
		case operator.StepFound:
			row.What, row.Tone = step+" found done at the target", good
		case operator.StepFailed:
			row.What, row.More, row.Tone = step+" failed: "+e.Code, e.Message, bad
		case operator.Waiting:
			row.What = "Waits " + figures.Span(e.Wait) + " before the next attempt"
		case operator.Held:
			row.What = "Held with the run"
		case operator.Released:
			row.What = "Released with the run"
		case operator.ToldToStop:
			row.What = "Told to stop: " + e.Code
		case operator.Ended:
			row.What, row.Tone = ending(run)
		}
		if e.Tries > 1 {
			row.More = joined(row.More, figures.Plural(e.Tries, "call")+" in quick succession")
		}
		rows = append(rows, row)
	}
	return rows
}

func ending(run *operator.RecordRun) (string, tone) {
	if run.Outcome == nil {
		return "Closed from outside (" + string(run.State) + ")", bad
	}
	switch run.Outcome.Fate {
	case migration.Migrated, migration.AlreadyMigrated:
		return "Ended: " + string(run.Outcome.Fate), good
	case migration.Failed, migration.NotAttempted:
	}
	return "Ended: " + string(run.Outcome.Fate), bad
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + " – " + b
}
