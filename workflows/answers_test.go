package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// What a create has made is known by its id from then on: nothing that comes
// after calls the create again, and the record's outcome names it.
func TestWhatACreateMadeIsKept(t *testing.T) {
	t.Parallel()
	made := fault.Fault{Code: fault.CodeTargetDiffers, Message: "another externalEntitlementId", EntitlementID: "made-id", Made: true}
	final, away := made, made
	final.Kind = fault.Final
	away.Kind, away.Code, away.Unclear = fault.Retryable, fault.CodeTimeout, true
	for name, c := range map[string]struct {
		answers []answer
		code    string
	}{
		"differs":                   {[]answer{{fault: &final}}, fault.CodeTargetDiffers},
		"away, then differs":        {[]answer{{fault: &away}, {fault: &fault.Fault{Kind: fault.Final, Code: fault.CodeTargetDiffers}}}, fault.CodeTargetDiffers},
		"away for the whole budget": {[]answer{{fault: &away}, retryable(false)}, fault.CodeTargetUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, s := recordEnv(t, c.answers...)
			out := carry(t, env, recordInput())
			require.Equal(t, c.code, out.Code)
			require.True(t, out.Partial())
			require.Equal(t, "made-id", out.EntitlementID)
			require.Equal(t, entitlement.Create, out.Step)
			for _, call := range s.calls[1:] {
				require.True(t, call.Accepted)
				require.Equal(t, "made-id", call.EntitlementID)
			}
		})
	}
	env, _ := recordEnv(t, answer{fault: &away}, retryable(false))
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, Control{Stop: fault.CodeAborted}) }, time.Minute)
	out := carry(t, env, recordInput())
	require.Equal(t, fault.CodeInterrupted, out.Code)
	require.Equal(t, "made-id", out.EntitlementID)
}

// A page in an answer's place, while echo passes, is tried a few times and not
// for the whole budget; a page that everybody gets is an outage.
func TestARecordThatIsTurnedAwayAloneEndsSoon(t *testing.T) {
	t.Parallel()
	page := fault.Fault{Kind: fault.Retryable, Code: fault.CodeGateway, HTTPStatus: 200, Unclear: true, Alone: true, Message: "a page"}
	env, s := recordEnv(t, answer{fault: &page})
	out := carry(t, env, recordInput())
	require.Equal(t, fault.CodeGateway, out.Code)
	require.False(t, out.Retryable)
	require.Len(t, s.calls, maxRefusals)

	all := page
	all.Alone = false
	env, s = recordEnv(t, answer{fault: &page}, answer{fault: &page}, answer{fault: &page}, answer{fault: &page}, answer{fault: &all},
		answer{fault: &page}, answer{fault: &page}, answer{fault: &page}, answer{fault: &page}, answer{})
	require.Equal(t, migration.Migrated, carry(t, env, recordInput()).Fate, "only in a row")
	require.Len(t, s.calls, 11)
}

// Whatever the run was held for, the record's budget stands still.
func TestRefusedCredentialsCostNothingOfTheBudget(t *testing.T) {
	t.Parallel()
	refused := answer{fault: &fault.Fault{Kind: fault.Unauthorized, Code: fault.CodeUnauthorized, Message: "no"}}
	env, s := recordEnv(t, refused, retryable(false), retryable(false), answer{})
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, Control{Hold: true}) }, time.Minute)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, Control{}) }, 48*time.Hour)
	require.Equal(t, migration.Migrated, carry(t, env, recordInput()).Fate)
	require.Len(t, s.calls, 5)
}

// A later call of a step says that an earlier one may be under way still.
func TestAnUnclearCallIsTold(t *testing.T) {
	t.Parallel()
	env, s := recordEnv(t, retryable(true), answer{})
	carry(t, env, recordInput())
	require.Equal(t, []bool{false, true, false}, []bool{s.calls[0].Unclear, s.calls[1].Unclear, s.calls[2].Unclear})
}

// One record that something before the target turns away fails, counts, and
// holds nobody up.
func TestARecordThatIsTurnedAwayHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	o := outageEnv(t)
	o.settings.Limits = migration.Limits{Consecutive: 10}
	o.refuse = func(in activities.PerformStepInput) error {
		if in.Record != 7 {
			return nil
		}
		return &fault.Fault{Kind: fault.Final, Code: fault.CodeGateway, HTTPStatus: 403, Alone: true, Message: "create: status 403"}
	}
	o.run(t)
	require.Equal(t, map[migration.Fate]int{migration.Migrated: fileRecords - 1, migration.Failed: 1}, o.fates)
}

// A hold names the record and the call that led to it, and what to do.
func TestAHoldNamesItsCause(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trouble Trouble
		says    []string
		itself  bool // it goes on by itself
	}{
		"credentials": {
			Trouble{Code: fault.CodeUnauthorized, Refused: true, Message: "create: status 401"},
			[]string{"the target refuses the credentials (record 7, ext-7, at create: " + "create: status 401)", "target.username"},
			false,
		},
		"a redirect": {
			Trouble{Code: fault.CodeGateway, Refused: true, Message: "create: status 301 redirects to https://new.example.com/v2"},
			[]string{"record 7, ext-7, at create: " + "create: status 301 redirects to https://new.example.com/v2", "target.base_url"},
			true,
		},
		"an outage": {
			Trouble{Code: fault.CodeServiceUnavailable, Message: "create: status 503"},
			[]string{"(record 7, ext-7, at create: SERVICE_UNAVAILABLE: create: status 503)", "goes on by itself"},
			true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := fileEnv(t)
			b.settings.Concurrency.Batches, b.settings.HoldAfterSeconds = 1, 0
			probes := 0
			b.RegisterActivityWithOptions(func(context.Context) error {
				if probes++; probes <= 3 && name == "an outage" { // all of the quick tries
					return fault.Activity(&fault.Fault{Kind: fault.Retryable, Code: fault.CodeTimeout})
				}
				return nil
			}, activity.RegisterOptions{Name: activities.ProbeTargetName})
			b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
				if in.Number == 1 {
					c.trouble.Record, c.trouble.External, c.trouble.Call = 7, "ext-7", "create"
					c.trouble.stamp, c.trouble.Batch, c.trouble.Since = stampOf(ctx, in), in.Number, workflow.Now(ctx)
					workflow.SignalExternalWorkflow(ctx, "acme-1", "", signalTrouble, c.trouble)
				}
				return done(in, 0), workflow.Sleep(ctx, 10*time.Minute)
			}
			if !c.itself {
				b.RegisterDelayedCallback(func() {
					require.Equal(t, migration.Paused, b.query(t).Phase)
					b.update(t, UpdateResume, OperatorAction{By: "kim"}, true)
				}, time.Minute)
			}
			sum := b.run(t)
			require.Equal(t, migration.Completed, sum.Result)
			require.Equal(t, "hold", sum.Audit[0].Action)
			for _, says := range c.says {
				require.Contains(t, sum.Audit[0].Reason, says)
			}
		})
	}
}

// What a record tells of its trouble is enough to name its call.
func TestARecordTellsWhichCallWasRefused(t *testing.T) {
	t.Parallel()
	env := quietEnv()
	sc := &script{t: t, answers: []answer{{}, {fault: &fault.Fault{Kind: fault.Unauthorized, Code: fault.CodeGateway, Message: "no"}}, {}}}
	env.RegisterActivityWithOptions(sc.perform, activity.RegisterOptions{Name: activities.PerformStepName})
	RegisterWorkflows(env)
	var told Trouble
	env.OnSignalExternalWorkflow(mock.Anything, BatchID("m", 1), mock.Anything, signalTrouble, mock.Anything).
		Run(func(args mock.Arguments) { told, _ = args.Get(4).(Trouble) }).Return(nil)
	beChild(env, EntitlementID("acme-nova", "ext-7"), BatchID("m", 1))
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, Control{}) }, time.Minute)
	require.Equal(t, migration.Migrated, carry(t, env, recordInput()).Fate)
	told.Since = time.Time{}
	require.Equal(t, Trouble{Code: fault.CodeGateway, Message: "no", Record: 7, Refused: true, Call: "activate", External: "ext-7"}, told)
}
