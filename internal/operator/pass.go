package operator

import (
	"time"

	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/figures"
)

// Pass is how far an activity of the root has come that goes through a whole
// file, as its last heartbeat told.
type Pass struct {
	Activity string    // its registered name
	Attempt  int       // from 1
	At       time.Time // of the heartbeat; workers pass on some of them only
	Bytes    int64     // of the source as stored, that an import has read
	Records  int64     // that it has read
	Batch    int       // that another pass is at, from 1
}

// passTold is how long a heartbeat is believed.
const passTold = 15 * time.Second

// Fresh reports whether there is a pass, and it was told of lately.
func (p *Pass) Fresh(now time.Time) bool { return p != nil && now.Sub(p.At) <= passTold }

// Says puts it into words.
func (p *Pass) Says() string {
	if p.Batch > 0 {
		return "batch " + figures.Number(p.Batch)
	}
	return figures.Plural(int(p.Records), "record") + " read"
}

// passOf finds the pass among a root's pending activities; nil if there is
// none, or none that has told anything.
func passOf(pending []*workflowpb.PendingActivityInfo) *Pass {
	for _, a := range pending {
		p := Pass{Activity: a.GetActivityType().GetName(), Attempt: int(a.GetAttempt()), At: a.GetLastHeartbeatTime().AsTime()}
		if p.read(a.GetHeartbeatDetails()) {
			return &p
		}
	}
	return nil
}

func (p *Pass) read(details *commonpb.Payloads) bool {
	switch p.Activity {
	case activities.ImportFileName:
		var progress activities.ImportProgress
		ok := decodeFirst(details, &progress) && progress.Records > 0
		p.Bytes, p.Records = progress.Bytes, progress.Records
		return ok
	case activities.WriteReportsName, activities.ReconcileName:
		return decodeFirst(details, &p.Batch) && p.Batch > 0
	}
	return false
}
