package view

import (
	"fmt"
	"io"
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// Entry is one migration of a list. State is RUNNING or a result; the counts
// of a running one are 0.
type Entry struct {
	Migration  string             `json:"migration"`
	State      string             `json:"state"`
	File       string             `json:"file"`
	Route      string             `json:"route"`
	Records    int                `json:"records"`
	Outcomes   migration.Outcomes `json:"outcomes"`
	StartedAt  *time.Time         `json:"startedAt"`
	FinishedAt *time.Time         `json:"finishedAt"`
	Reason     string             `json:"reason"`
	Purged     *migration.Purge   `json:"purged,omitempty"`
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
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", plain(e.Migration), Moment(e.StartedAt),
				count(e, e.Records), count(e, e.Outcomes.Failed), orDash(e.Route), state(style, e))
		}
	})
}

func count(e Entry, n int) string {
	if e.State == running {
		return "-"
	}
	return fmt.Sprint(n)
}

const running = "RUNNING"

func state(style Style, e Entry) string {
	if e.State == running {
		return running
	}
	text := style.result(migration.Result(e.State))
	if e.Purged != nil {
		text += ", purged"
	}
	return text
}
