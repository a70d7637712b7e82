package activities

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrator"
)

// counting is a target that counts its calls.
type counting struct {
	Target
	calls int
}

func (c *counting) called() (entitlement.Entitlement, error) {
	c.calls++
	return entitlement.Entitlement{}, nil
}

func (c *counting) Create(context.Context, string, *entitlement.Record) (entitlement.Entitlement, error) {
	return c.called()
}

func (c *counting) Activate(context.Context, string, string, time.Time) (entitlement.Entitlement, error) {
	return c.called()
}

func (c *counting) Suspend(context.Context, string, string, time.Time) (entitlement.Entitlement, error) {
	return c.called()
}

func (c *counting) Cancel(context.Context, string, string, migrator.Ending) (entitlement.Entitlement, error) {
	return c.called()
}

func (c *counting) Revoke(context.Context, string, string, migrator.Ending) (entitlement.Entitlement, error) {
	return c.called()
}

func (c *counting) Get(context.Context, string) (entitlement.Entitlement, error) { return c.called() }

func (c *counting) Find(context.Context, string, []string) ([]entitlement.Entitlement, error) {
	_, err := c.called()
	return nil, err
}

// everyCall makes each call of a migrator's target once.
func everyCall(ctx context.Context, target migrator.Target) []error {
	errs := make([]error, 7)
	_, errs[0] = target.Create(ctx, "id", nil)
	_, errs[1] = target.Activate(ctx, "id", "e", start)
	_, errs[2] = target.Suspend(ctx, "id", "e", start)
	_, errs[3] = target.Cancel(ctx, "id", "e", migrator.Ending{})
	_, errs[4] = target.Revoke(ctx, "id", "e", migrator.Ending{})
	_, errs[5] = target.Get(ctx, "e")
	_, errs[6] = target.Find(ctx, "m", nil)
	return errs
}

func TestPaceHoldsBackEveryCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := &counting{}
		ctx := newPace(200, noMeter{}).of(t.Context(), "acme", "acme-nova", 2)
		began := time.Now()
		for _, err := range everyCall(ctx, pacedTarget{target, noMeter{}}) {
			require.NoError(t, err)
		}
		require.Equal(t, 7, target.calls)
		require.Equal(t, 3*time.Second, time.Since(began), "seven calls, two a second, the first at once")
	})
}

// turns is how long so many calls wait.
func turns(t *testing.T, ctx context.Context, n int) time.Duration { //nolint:revive // t comes first in this package's tests
	t.Helper()
	began := time.Now()
	for range n {
		require.NoError(t, await(ctx))
	}
	return time.Since(began)
}

func TestPaceIsEachMigrationsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPace(200, noMeter{})
		one, other := p.of(t.Context(), "one", "acme-nova", 1), p.of(t.Context(), "other", "acme-nova", 1)
		require.Zero(t, turns(t, one, 1))
		require.Zero(t, turns(t, other, 1), "the other's call cost nothing")
		require.Equal(t, time.Second, turns(t, p.of(t.Context(), "one", "acme-nova", 1), 1), "all of a migration's activities share its pace")
		require.Zero(t, turns(t, p.of(t.Context(), "free", "acme-nova", 0), 100))
		require.Zero(t, turns(t, t.Context(), 100))
	})
}

func TestPaceChangesWhileItRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPace(200, noMeter{})
		under := p.of(t.Context(), "acme", "acme-nova", 1)
		require.Zero(t, turns(t, under, 1))
		p.of(t.Context(), "acme", "acme-nova", 10)
		require.Equal(t, time.Second, turns(t, under, 10), "what is under way keeps the new pace")
		require.Zero(t, turns(t, p.of(t.Context(), "acme", "acme-nova", 0), 50))
		require.Zero(t, turns(t, p.of(t.Context(), "acme", "acme-nova", 1), 1))
		require.Equal(t, time.Second, turns(t, p.of(t.Context(), "acme", "acme-nova", 1), 1))
		require.Len(t, p.limiters, 1)
		p.of(t.Context(), "acme", "acme-nova", 0)
		require.Empty(t, p.limiters, "a migration without a pace leaves nothing")
	})
}

func TestPaceMakesNoCallWhoseTurnCannotCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := &counting{}
		ctx, cancel := context.WithTimeout(newPace(200, noMeter{}).of(t.Context(), "acme", "acme-nova", 0.01), time.Minute)
		defer cancel()
		require.NoError(t, await(ctx))
		for _, err := range everyCall(ctx, pacedTarget{target, noMeter{}}) {
			f, ok := fault.As(err)
			require.True(t, ok, "%v", err)
			require.Equal(t, fault.CodePaced, f.Code)
			require.Equal(t, fault.Retryable, f.Kind)
			require.False(t, f.Unclear, "nothing was sent")
		}
		require.Zero(t, target.calls)
	})
}

// The pace of the input reaches the calls, in every activity that reads or
// writes the target on a migration's account.
func TestActivitiesKeepThePace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.one(nil)
	ref := BatchRef{Migration: "acme", Number: 1, First: 1, Count: 1, At: in.Batch}
	o := outcome(1, "MIGRATED")
	o.EntitlementID = someID
	b.write(ref, "", o)
	slow := 1e-4 // a call in three hours: beyond any activity's time
	run[any](b, PerformStepName, in)
	in.Step, in.RequestsPerSecond = entitlement.Activate, slow
	run[any](b, LookUpBatchName, LookUpBatchInput{BatchRef: ref, RequestsPerSecond: slow}) // the one call of the first hours
	calls := b.stats().Calls
	for name, in := range map[string]any{
		PerformStepName:    in,
		LookUpBatchName:    LookUpBatchInput{BatchRef: ref, RequestsPerSecond: slow},
		ResolveRecordsName: ResolveRecordsInput{BatchRef: ref, RequestsPerSecond: slow},
		ReadBackName:       ReadBackInput{Migration: "acme", From: 1, To: 1, RequestsPerSecond: slow},
		ReconcileName:      ReconcileInput{Migration: "acme", RequestsPerSecond: slow},
	} {
		f := refused(b, name, in)
		require.Equal(t, fault.CodePaced, f.Code, name)
		require.Equal(t, fault.Retryable, f.Kind, name)
	}
	require.Equal(t, calls, b.stats().Calls)
	_, local := b.failing(in)
	require.True(t, local.NonRetryable(), "a quick retry comes no nearer to its turn")
}
