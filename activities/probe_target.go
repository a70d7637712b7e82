package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// ProbeTarget asks the target's echo whether it is back. Its caller lets
// Temporal repeat it for as long as it isn't.
func (a *Activities) ProbeTarget(ctx context.Context) error {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	err := a.target.Echo(ctx)
	a.meter.Probe(activity.GetInfo(ctx).ScheduledTime, err)
	return fault.Activity(err)
}
