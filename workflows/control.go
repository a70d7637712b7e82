package workflows

import (
	"fmt"
	"time"
)

// Signals between a migration's own workflows.
const (
	signalControl = "control" // root → batch → record
	signalTally   = "tally"   // batch → root
	signalTrouble = "trouble" // record → batch → root
)

// Control is what the root tells its batches, and they their records. It is
// always the whole state, so that one that is lost is made good by the next.
// Signals can overtake each other on their way, so each has its number, and an
// older one than was heard changes nothing.
type Control struct {
	stamp

	Number            int     `json:"number,omitempty"` // of the root's broadcast, from 1
	Hold              bool    `json:"hold"`             // start nothing, repeat nothing
	Stop              string  `json:"stop,omitempty"`   // why nothing more is to be done: a fault code
	Width             int     `json:"width"`            // records under way in a batch
	Consecutive       int     `json:"consecutive"`      // the limit that a batch judges itself
	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`
	Releases          int     `json:"releases,omitempty"` // how often the run went on: makes each release a news
	Resumes           int     `json:"resumes,omitempty"`  // of these, how often it had been held: wakes the records that wait

	At       time.Time `json:"at,omitzero"`        // of the broadcast
	Leftover string    `json:"leftover,omitempty"` // run id of a sender that tells what earlier runs have begun
}

// forRecords is what of it concerns a record that is under way.
func (c Control) forRecords() Control {
	c.Number, c.Width, c.Consecutive = 0, 0, 0
	c.Run, c.At = "", time.Time{}
	return c
}

// Trouble is what a record or batch can't judge alone: the credentials are
// refused, the target has been away for long, or the work bucket says no.
type Trouble struct {
	stamp

	Batch   int       `json:"batch,omitempty"` // that tells the root of it
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Record  int       `json:"record"`
	Since   time.Time `json:"since"` // when the call was made; of an outage, its first failure

	// Store says that it is the work bucket's, and that waiting won't help.
	Store bool `json:"store,omitempty"`
	// Refused says that every call to the target is turned away, and that
	// somebody has to repair something.
	Refused bool `json:"refused,omitempty"`
	// Call is the step or the activity that met it, and External the record's
	// external id, where it is about one.
	Call     string `json:"call,omitempty"`
	External string `json:"external,omitempty"`
}

// where names the call that met a trouble, for people.
func (t Trouble) where() string {
	switch {
	case t.External != "":
		return fmt.Sprintf("record %d, %s, at %s", t.Record, t.External, t.Call)
	case t.Call != "":
		return fmt.Sprintf("the batch that begins with record %d, at %s", t.Record, t.Call)
	default:
		return fmt.Sprintf("record %d", t.Record)
	}
}
