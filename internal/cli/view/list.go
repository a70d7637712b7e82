package view

import (
	"fmt"
	"io"
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// Entry is one migration of a list. State is a result, or of one that is open
// Running, or PAUSED or AWAITING_APPROVAL where it waits for a person.
type Entry struct {
	Migration  string             `json:"migration"`
	State      string             `json:"state"`
	Phase      migration.Phase    `json:"phase"` // of an open one; empty if nobody answers for it, and then its counts are 0
	File       string             `json:"file"`
	Route      string             `json:"route"`
	Records    int                `json:"records"`
	Outcomes   migration.Outcomes `json:"outcomes"`
	StartedAt  *time.Time         `json:"startedAt"`
	FinishedAt *time.Time         `json:"finishedAt"`
	Reason     string             `json:"reason"`
	Purged     *migration.Purge   `json:"purged,omitempty"`
}

// Running is the state of an open migration that waits for nobody.
const Running = "RUNNING"

// OpenState is the state of an open migration in a phase.
func OpenState(phase migration.Phase) string {
	switch phase {
	case migration.Paused, migration.AwaitingApproval:
		return string(phase)
	default:
		return Running
	}
}

// Open reports whether the migration has not ended.
func (e *Entry) Open() bool {
	return e.State == Running || e.State == OpenState(migration.Phase(e.State))
}

// List writes a line for each entry.
func List(w io.Writer, style Style, entries []Entry) {
	if len(entries) == 0 {
		fmt.Fprintln(w, "There are no migrations.")
		return
	}
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, "MIGRATION\tSTARTED\tRECORDS\tFAILED\tROUTE\tSTATE")
		for _, e := range entries {
			// Colour comes last: the columns count its bytes.
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", Plain(e.Migration), Moment(e.StartedAt),
				count(e, e.Records), count(e, e.Outcomes.Failed), orDash(e.Route), state(style, e)+reason(e))
		}
	})
}

func count(e Entry, n int) string {
	if e.Open() && e.Phase == "" {
		return "-"
	}
	return fmt.Sprint(n)
}

// state is the phase of an open migration, if anybody told it, or a result.
func state(style Style, e Entry) string {
	switch {
	case e.Open() && e.Phase != "":
		return Plain(string(e.Phase))
	case e.Open():
		return Plain(e.State)
	}
	text := style.result(migration.Result(e.State))
	if e.Purged != nil {
		text += ", purged"
	}
	return text
}

// reason says why a migration could not begin: no other command is needed to
// see what to correct.
func reason(e Entry) string {
	if e.State != string(migration.NotStarted) || e.Reason == "" {
		return ""
	}
	return " (" + Plain(e.Reason) + ")"
}
