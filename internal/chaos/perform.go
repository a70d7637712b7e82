package chaos

import (
	"context"
	"time"
)

// restartTimeout bounds the start of a server that was killed.
const restartTimeout = 90 * time.Second

// perform does what a fault does beside the calls.
func (d *director) perform(s *shot) error {
	switch s.Kind {
	case WorkerKilled:
		d.plant.KillWorkers()
	case WorkerDrained:
		d.plant.DrainWorkers()
	case WorkerFrozen:
		d.freeze(s)
	case TemporalAndWorker:
		d.plant.KillTemporal()
		d.plant.KillWorkers()
		return d.restart(d.plant.RestartTemporal)
	case TemporalKilled:
		d.plant.KillTemporal()
		return d.restart(d.plant.RestartTemporal)
	case TemporalCut:
		d.net(NetTemporalCut, s.For)
	case TargetReset:
		d.net(NetTargetReset, s.For)
	case AnswersCut:
		d.net(NetTargetShort, s.For)
	case StoreReset:
		d.net(NetStoreReset, s.For)
	case Outage:
		d.outage(s)
	default: // hits calls, see begin
	}
	return nil
}

// restart is done even if the run ends meanwhile: the next one needs the
// server.
func (d *director) restart(start func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), restartTimeout)
	defer cancel()
	return start(ctx)
}

// freeze stops the workers without ending them, as a machine that swaps or a
// hypervisor that moves it does, until others have done some of the work.
func (d *director) freeze(s *shot) {
	thaw := d.plant.FreezeWorkers()
	defer thaw()
	d.mu.Lock()
	start := d.writes
	d.mu.Unlock()
	d.await(func() bool { return d.writes >= start+s.Amount })
}

func (d *director) net(n Net, lasts time.Duration) {
	mend := d.plant.Net(n)
	defer mend()
	timer := time.NewTimer(lasts)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.ctx.Done():
	}
}

// outage lasts until the run has held itself and asked so often whether the
// target is back.
func (d *director) outage(s *shot) {
	d.plant.Outage(true)
	defer d.plant.Outage(false)
	d.mu.Lock()
	start := d.probes
	d.mu.Unlock()
	d.await(func() bool { return d.probes >= start+s.Amount })
}

func (d *director) stopStore(s *shot) error {
	d.plant.KillStore()
	d.await(func() bool { return d.refused >= s.Amount })
	return d.restart(d.plant.RestartStore)
}
