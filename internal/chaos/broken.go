package chaos

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// broken is a stack as a director breaks it, with the target of one run.
type broken struct {
	*Stack
	target *sandbox.Server
}

// KillWorkers ends the workers as a crash would; new ones take their place.
func (b broken) KillWorkers() { b.crew.kill() }

// DrainWorkers has the workers stop in order; new ones take their place.
func (b broken) DrainWorkers() { b.crew.drain() }

// FreezeWorkers holds the workers while another takes over.
func (b broken) FreezeWorkers() (thaw func()) { return b.crew.freeze() }

// KillTemporal ends Temporal as a crash would.
func (b broken) KillTemporal() { b.temporal.Kill() }

// RestartTemporal starts it on its database, at its address.
func (b broken) RestartTemporal(ctx context.Context) error {
	if b.temporal.Running() { // another fault was faster
		return nil
	}
	return b.temporal.Restart(ctx)
}

// KillStore ends the S3 server as a crash would.
func (b broken) KillStore() { b.s3.Kill() }

// RestartStore starts it on its folder, at its address.
func (b broken) RestartStore(ctx context.Context) error {
	if b.s3.Running() {
		return nil
	}
	return b.s3.Restart(ctx)
}

// Outage has the target refuse every call, or serve again.
func (b broken) Outage(on bool) {
	_ = b.target.ChangeFaults(func(f *sandbox.Faults) error {
		f.Outage, f.HTML = on, on
		return nil
	})
}

// Net puts trouble on a wire; two of a kind at once are one.
func (b broken) Net(n Net) (mend func()) {
	mend, err := b.wires.trouble(n)
	if err != nil {
		return func() {}
	}
	return mend
}
