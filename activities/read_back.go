package activities

import (
	"context"
	"slices"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/reconcile"
)

// ReadBackInput names consecutive batches.
type ReadBackInput struct {
	Migration string `json:"migration"`
	From      int    `json:"from"` // batch numbers, both included
	To        int    `json:"to"`
	Skip      []int  `json:"skip,omitempty"` // batches that are still under way

	Written *migration.Written `json:"written,omitempty"` // what the batches' outcomes add up to

	Route             string  `json:"route,omitempty"`
	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`
}

// ReadBackResult is how migrated records look at the target.
type ReadBackResult struct {
	Checked    int      `json:"checked"`
	Different  int      `json:"different"`
	Examples   []string `json:"examples"`   // external ids
	Comparison string   `json:"comparison"` // of the first example
}

// ReadBack compares the migrated records of some batches with the target,
// which is how a wave is judged before the next one opens.
func (a *Activities) ReadBack(ctx context.Context, in ReadBackInput) (*ReadBackResult, error) {
	ctx, stop := withPulse(ctx)
	defer stop()
	ctx = a.pace.of(ctx, in.Migration, in.Route, in.RequestsPerSecond)
	plan, err := a.plans.get(ctx, in.Migration)
	if err != nil {
		return nil, fault.Activity(err)
	}
	res := &ReadBackResult{}
	w := walk{activities: a, check: migration.NewCheck(in.Written), ask: reconcile.WasMigrated, each: func(e *entry) error {
		if !e.asked {
			return nil
		}
		if e.unread != nil {
			if err := a.findByID(ctx, e); err != nil {
				return err
			}
		}
		res.add(a.judge(e, false))
		return nil
	}}
	for _, b := range plan.Batches {
		if b.Number < in.From || b.Number > in.To || slices.Contains(in.Skip, b.Number) {
			continue
		}
		heartbeat(ctx, b.Number)
		if err := w.batch(ctx, batchRef(in.Migration, b)); err != nil {
			return nil, fault.Activity(err)
		}
	}
	if err := w.flush(ctx); err != nil {
		return nil, fault.Activity(err)
	}
	return res, nil
}

func (r *ReadBackResult) add(v reconcile.Verdict) {
	r.Checked++
	i := slices.IndexFunc(v.Rows, func(d migration.Difference) bool { return d.Result != migrationfile.CorrelationOK })
	if i < 0 {
		return
	}
	r.Different++
	if r.Comparison == "" {
		r.Comparison = v.Rows[i].Result
	}
	if len(r.Examples) < migration.MaxErrorExamples {
		r.Examples = append(r.Examples, v.Rows[i].ExternalEntitlementID)
	}
}
