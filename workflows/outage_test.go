package workflows

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// outage is a target that is away for a while, by simulated time.
type outage struct {
	*fileBundle

	midway   bool // it was there for the looking up
	deny     func(activity string) error
	refuse   func(activities.PerformStepInput) error // nil: nothing is refused
	mu       sync.Mutex
	from, to time.Time
	turned   []time.Time // calls away, but for probes
	fates    map[migration.Fate]int
}

// outageEnv is a file of ten batches whose three workflows are the real ones.
func outageEnv(t *testing.T) *outage {
	t.Helper()
	o := &outage{deny: func(string) error { return nil }, fates: map[migration.Fate]int{}, fileBundle: &fileBundle{
		TestWorkflowEnvironment: quietEnv(),
		settings: migration.Settings{
			Limits: migration.Limits{Consecutive: 1}, BatchSize: 10,
			Concurrency:        migration.Concurrency{Batches: 1, PerBatch: 5},
			RetryBudgetSeconds: 900, HoldAfterSeconds: 120, ContinueAfterEvents: 1000,
		},
		waves: []migrationfile.Wave{{Number: 1, FirstBatch: 1, LastBatch: 10, Records: fileRecords}},
	}}
	RegisterWorkflows(o)
	o.register()
	on := func(name string, f any) { o.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	on(activities.LoadBatchName, func(_ context.Context, in activities.BatchRef) ([]activities.BatchRecord, error) {
		if err := o.deny(activities.LoadBatchName); err != nil {
			return nil, err
		}
		var out []activities.BatchRecord
		for i := range in.Count {
			out = append(out, activities.BatchRecord{
				Record: in.First + i, ExternalEntitlementID: fmt.Sprintf("ext-%d", in.First+i),
				Status: entitlement.Pending, Steps: []entitlement.Step{entitlement.Create},
			})
		}
		return out, nil
	})
	on(activities.LookUpBatchName, func(context.Context, activities.LookUpBatchInput) ([]int, error) {
		if o.midway {
			return nil, nil
		}
		return nil, fault.Activity(o.call())
	})
	on(activities.PerformStepName, func(_ context.Context, in activities.PerformStepInput) (*activities.PerformStepResult, error) {
		if o.refuse != nil {
			if err := o.refuse(in); err != nil {
				return nil, fault.Once(err)
			}
		}
		return &activities.PerformStepResult{EntitlementID: "id", Done: []entitlement.Step{entitlement.Create}}, fault.Once(o.call())
	})
	on(activities.ProbeTargetName, func(context.Context) error {
		if o.away() {
			return fault.Activity(gone())
		}
		return nil
	})
	o.OnActivity(activities.WriteOutcomesName, mock.Anything, mock.Anything).Return(o.write)
	return o
}

func gone() error {
	return &fault.Fault{Kind: fault.Retryable, Code: fault.CodeServiceUnavailable, Message: "away"}
}

func (o *outage) away() bool { return o.Now().After(o.from) && o.Now().Before(o.to) }

func (o *outage) call() error {
	if !o.away() {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.turned = append(o.turned, o.Now())
	return gone()
}

func (o *outage) write(_ context.Context, in activities.WriteOutcomesInput) error {
	if err := o.deny(activities.WriteOutcomesName); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, out := range in.Outcomes {
		o.fates[out.Fate]++
	}
	return nil
}

// Four times a record's budget without a target: the run holds itself, calls
// for nothing but its probe and goes on by itself, and no record fails.
func TestHourWithoutATargetFailsNoRecord(t *testing.T) {
	t.Parallel()
	for name, midway := range map[string]bool{"before a batch": false, "with records under way": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := outageEnv(t)
			o.midway = midway
			o.from, o.to = o.Now().Add(-time.Second), o.Now().Add(hour)
			held := o.Now().Add(10 * time.Minute)
			paused := func() { require.Equal(t, migration.Paused, o.query(t).Phase) }
			o.RegisterDelayedCallback(paused, 10*time.Minute)
			o.RegisterDelayedCallback(paused, 59*time.Minute)
			sum := o.run(t)
			require.Equal(t, map[migration.Fate]int{migration.Migrated: fileRecords}, o.fates)
			require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
			require.Len(t, sum.Audit, 2)
			require.Equal(t, []string{"hold", "release"}, []string{sum.Audit[0].Action, sum.Audit[1].Action})
			require.NotEmpty(t, o.turned)
			for _, at := range o.turned {
				require.True(t, at.Before(held), "a call, and so events, at %s while the run was held", at)
			}
		})
	}
}

// A work bucket that says no, such as to credentials that were turned, is no
// record's fault: the run pauses with the reason, and once it is repaired and
// resumed every record has the fate that it had.
func TestABucketThatSaysNoPausesTheRun(t *testing.T) {
	t.Parallel()
	for _, name := range []string{activities.LoadBatchName, activities.WriteOutcomesName} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := outageEnv(t)
			repaired, asked := false, 0
			denied := failsAt(name, fault.Fault{Kind: fault.Final, Code: fault.CodeFileUnreadable, Message: "the store denies access"})
			o.deny = func(activity string) error {
				if repaired || denied(activity) == nil {
					return nil
				}
				asked++
				return denied(activity)
			}
			paused := func(by time.Duration) {
				o.RegisterDelayedCallback(func() {
					s := o.query(t)
					require.Equal(t, migration.Paused, s.Phase)
					require.Contains(t, s.Reason, "FILE_UNREADABLE: batch 1, "+name+": the store denies access (repair it, then resume)")
				}, by)
			}
			paused(hour)
			o.RegisterDelayedCallback(func() { o.update(t, UpdateResume, OperatorAction{By: "kim"}, true) }, hour+time.Minute)
			paused(hour + 2*time.Minute) // it wasn't repaired
			o.RegisterDelayedCallback(func() {
				repaired = true
				o.update(t, UpdateResume, OperatorAction{By: "kim"}, true)
			}, 2*hour)
			sum := o.run(t)
			require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
			require.Equal(t, map[migration.Fate]int{migration.Migrated: fileRecords}, o.fates)
			require.Equal(t, 2, asked, "once for each time that the run went on")
			require.Zero(t, o.resolved, "no batch is started again for it")
		})
	}
}
