package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// ProbeTarget asks the target's echo whether it is back. Its caller lets
// Temporal repeat it for as long as it isn't, at its caller's own pace.
func (a *Activities) ProbeTarget(ctx context.Context) error {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	err := a.target.Echo(ctx)
	a.meter.Probe(activity.GetInfo(ctx).ScheduledTime, err)
	return fault.Activity(asProbed(err))
}

// asProbed is the fault of a probe: whatever the target asks to wait, only the
// probe finds out when it is back; and what stands in its place meanwhile, such
// as a page for maintenance, may go as it came.
func asProbed(err error) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	probed := *f
	probed.RetryAfter = 0
	if f.Kind == fault.Unauthorized && f.Code == fault.CodeGateway {
		probed.Kind = fault.Retryable
	}
	return &probed
}
