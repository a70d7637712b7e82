package workflows

import (
	"errors"
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// Why a message is not taken. One that is only old is no cause for alarm:
// signals take their time.
var (
	errUndecodable = errors.New("does not decode")
	errForeign     = errors.New("is none of this run's")
	errSenseless   = errors.New("makes no sense")
	errOld         = errors.New("is old news")
)

// receiveMessage takes the next signal from a channel that has one, if it is a
// true message of the run's own workflows: one that decodes, and that check
// finds nothing wrong with. What isn't, is told to drop and changes nothing
// else. Runs of the first behaviour that took a nonsense before the worker was
// upgraded go on as they did.
func receiveMessage[T any](
	ctx workflow.Context, c workflow.ReceiveChannel, behaviour, limit int,
	check func(T) error, drop func(signal string, why error),
) (msg T, ok bool) {
	raw := receiveSignal(c)
	err := decodeSignal(raw, limit, false, &msg)
	if err == nil {
		err = check(msg)
	} else {
		err = errUndecodable
	}
	switch {
	case err == nil:
		return msg, true
	case errors.Is(err, errOld): //nolint:forbidigo // crosses no activity
		return msg, false
	case behaviour < behaviourWary && !dropsSince(ctx):
		return receiveAsBefore[T](ctx, c, raw), true
	}
	drop(c.Name(), err)
	return msg, false
}

// dropsSince reports whether a run of the first behaviour drops messages. It
// leaves a marker where one is dropped first.
func dropsSince(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "dropped-messages", workflow.DefaultVersion, 1) == 1
}

// receiveAsBefore takes a message without a look at it, and waits for one that
// decodes.
func receiveAsBefore[T any](ctx workflow.Context, c workflow.ReceiveChannel, raw *commonpb.Payload) T {
	var msg T
	if converter.GetDefaultDataConverter().FromPayload(raw, &msg) != nil {
		c.Receive(ctx, &msg)
	}
	return msg
}

// dropped counts messages that changed nothing, by their causes. It is all
// that is kept of them, however many they are.
type dropped struct {
	Undecodable int `json:"undecodable,omitempty"`
	Foreign     int `json:"foreign,omitempty"`
	Senseless   int `json:"senseless,omitempty"`
	Below       int `json:"below,omitempty"` // in batches and their records, by their tallies
}

func (d *dropped) add(why error) {
	switch {
	case errors.Is(why, errUndecodable): //nolint:forbidigo // crosses no activity
		d.Undecodable++
	case errors.Is(why, errForeign): //nolint:forbidigo // crosses no activity
		d.Foreign++
	default:
		d.Senseless++
	}
}

func (d dropped) sentence() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{
		{d.Undecodable, "did not decode"},
		{d.Foreign, "came from elsewhere"},
		{d.Senseless, "made no sense"},
		{d.Below, "went to batches and records"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return fmt.Sprintf("messages that are none of this run's were dropped and changed nothing: %s (see who may send signals in the namespace)",
		strings.Join(parts, ", "))
}

// actionDrop is the audit trail's word for what noteDropped tells.
const actionDrop = "drop"

// drop counts a message to the root that is none of the run's.
func (r *fileRun) drop(signal string, why error) {
	r.Dropped.add(why)
	r.noteDropped(fmt.Sprintf("the last was a %q that %v", signal, why))
}

// noteDropped keeps the audit's one entry of dropped messages up to date, so
// that a storm of them is one line. It stands where the first was dropped.
func (r *fileRun) noteDropped(last string) {
	below := r.total().Dropped
	if last == "" && below == r.Dropped.Below {
		return
	}
	r.Dropped.Below = below
	e := r.droppedEntry()
	e.Reason = r.Dropped.sentence()
	if last != "" {
		e.Detail = last
	}
}

func (r *fileRun) droppedEntry() *migration.AuditEntry {
	for i := range r.Audit {
		if r.Audit[i].Action == actionDrop && r.Audit[i].By == self {
			return &r.Audit[i]
		}
	}
	r.note(actionDrop, OperatorAction{By: self}, "")
	return &r.Audit[len(r.Audit)-1]
}

// drop counts a message to the batch that is none of the run's. The root
// learns of it by the next tally, or by the result: an answer to each would
// carry a storm further.
func (b *batchRun) drop(string, error) { b.dropped++ }

// drop counts a message to the record that is none of the run's.
func (r *recordRun) drop(string, error) { r.dropped++ }
