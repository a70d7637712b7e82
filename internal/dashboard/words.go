package dashboard

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/f0a90b9a/ferry/internal/figures"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// words says what went wrong for whoever reads a page.
func words(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, operator.ErrNoWorker):
		return "No worker answers. The numbers are the last that were seen; the migration goes on when a worker is back."
	case errors.Is(err, context.DeadlineExceeded):
		return "There was no answer in time. The numbers are the last that were seen."
	}
	return "What is shown may be old: " + err.Error()
}

// tone is how good news are, for colours and symbols.
type tone string

const (
	good    tone = "good"
	busy    tone = "busy"
	waiting tone = "waiting"
	doubt   tone = "doubt"
	bad     tone = "bad"
)

// state is a phase or a result in words.
type state struct {
	Word string
	Says string // a sentence
	Tone tone
}

var phases = map[migration.Phase]state{
	migration.Checking:         {Word: "Checking", Says: "Looking whether the file, the route and the target's credentials are there.", Tone: busy},
	migration.Importing:        {Word: "Importing", Says: "Every record of the file is checked. Nothing has been sent to the target.", Tone: busy},
	migration.AwaitingApproval: {Word: "Waiting for approval", Says: "The file is good. Nothing is sent to the target until an operator approves the plan.", Tone: waiting},
	migration.Migrating:        {Word: "Migrating", Says: "Records are being carried to the target.", Tone: busy},
	migration.Paused:           {Word: "Paused", Says: "Nothing new is started. What was under way finishes.", Tone: waiting},
	migration.Stopping:         {Word: "Stopping", Says: "Nothing new is started. The reports follow when what is under way has finished.", Tone: waiting},
	migration.Reporting:        {Word: "Writing reports", Says: "Every record has its fate. The files are being written.", Tone: busy},
	migration.Reconciling:      {Word: "Reconciling", Says: "Every migrated record is read back from the target and compared with the file.", Tone: busy},
	migration.Done:             {Word: "Done", Says: "The migration is over.", Tone: good},
	"RUNNING":                  {Word: "Running", Says: "Open the migration to see how far it is.", Tone: busy},
}

var results = map[migration.Result]state{
	migration.Completed:             {Word: "Completed", Says: "Every record is migrated.", Tone: good},
	migration.CompletedWithFailures: {Word: "Completed with failures", Says: "Not every record is migrated and confirmed. The files below name each that is left and why.", Tone: doubt},
	migration.Rejected:              {Word: "Rejected", Says: "The file has problems, so nothing was sent to the target. validation.json has all of them.", Tone: bad},
	migration.DryRun:                {Word: "Dry run", Says: "The file is good. It was checked and planned only; nothing was sent to the target.", Tone: good},
	migration.StoppedByLimit:        {Word: "Stopped by a limit", Says: "Too many records failed, so the rest was not started. Repair the cause, then reload.", Tone: bad},
	migration.Aborted:               {Word: "Aborted", Says: "It was ended early. What was not attempted is in reload.json.", Tone: bad},
	migration.NotStarted:            {Word: "Not started", Says: "It failed before it could begin, and nothing was sent to the target. The reason says what to correct.", Tone: bad},
	migration.Interrupted:           {Word: "Interrupted", Says: "It was closed before it had a result, so the counts may lag behind the target.", Tone: bad},
}

// stateOf says how a migration stands.
func stateOf(s *migration.Summary) state {
	name := string(s.Result)
	st, known := results[s.Result]
	if s.Result == "" {
		name = string(s.Phase)
		st, known = phases[s.Phase]
	}
	if !known { // of a newer Ferry
		st = state{Word: name, Tone: doubt}
	}
	return st
}

// percent gives whole percents; 100 % and 0 % are said of all and none only.
func percent(part, whole int) string {
	if whole == 0 {
		return "0 %"
	}
	p := int(math.Round(100 * float64(part) / float64(whole)))
	if part > 0 {
		p = max(p, 1)
	}
	if part < whole {
		p = min(p, 99)
	}
	return strconv.Itoa(p) + " %"
}

// moment is a time in UTC, to the second.
func moment(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// minute is a time in UTC, to the minute.
func minute(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// instant is a time in UTC, to the millisecond.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }

func batches(n int) string {
	if n == 1 {
		return "1 batch"
	}
	return figures.Number(n) + " batches"
}
