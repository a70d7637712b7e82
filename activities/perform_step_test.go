package activities

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// one stages a record of its own and gives its first step.
func (b *bundle) one(change map[string]any) PerformStepInput {
	b.t.Helper()
	ref := b.stage("acme", array(sound(1, change)))[0]
	return b.task(ref, run[[]BatchRecord](b, LoadBatchName, ref)[0])
}

// failing runs a step as an ordinary and as a local activity; both must fail.
func (b *bundle) failing(in PerformStepInput) (ordinary, local *temporal.ApplicationError) {
	b.t.Helper()
	_, err := b.env().ExecuteActivity(PerformStepName, in)
	require.ErrorAs(b.t, err, &ordinary)
	_, err = b.env().ExecuteLocalActivity(b.acts.PerformStep, in)
	require.ErrorAs(b.t, err, &local)
	return ordinary, local
}

func TestPerformStepCarriesARecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.one(nil)
	all := []entitlement.Step{entitlement.Create, entitlement.Activate, entitlement.Suspend}
	for i, status := range []entitlement.Status{entitlement.Pending, entitlement.Active, entitlement.Suspended} {
		in.Step = all[i]
		value, err := b.env().ExecuteLocalActivity(b.acts.PerformStep, in)
		require.NoError(t, err)
		var res PerformStepResult
		require.NoError(t, value.Get(&res))
		there := b.at("ext-0001")
		require.Equal(t, status, there.Status)
		require.Equal(t, there.EntitlementID, res.EntitlementID)
		require.Equal(t, all[:i+1], res.Done)
		require.Len(t, res.Remaining, 2-i)
		require.False(t, res.Found)
		in.EntitlementID = res.EntitlementID
	}
}

// What the caller decides on must come through the activity's border, and who
// retries must be clear: nobody (ordinary), or a few quick tries (local).
func TestPerformStepFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		record map[string]any
		faults func(*sandbox.Faults)
		want   fault.Fault
		quick  bool          // a local activity is tried again
		delay  time.Duration // that it is told to wait
	}{
		"final": {
			record: map[string]any{"productKey": "nova-fail-activate"},
			want:   fault.Fault{Kind: fault.Final, Code: fault.CodeNotAvailable, HTTPStatus: 422},
		},
		"unauthorized": {
			faults: func(f *sandbox.Faults) { f.Unauthorized = true },
			want:   fault.Fault{Kind: fault.Unauthorized, Code: fault.CodeUnauthorized, HTTPStatus: 401},
		},
		"server error": {
			faults: func(f *sandbox.Faults) { f.ErrorRate = 1 },
			want:   fault.Fault{Kind: fault.Retryable, Code: fault.CodeInternalError, HTTPStatus: 500, Unclear: true},
			quick:  true,
		},
		"short throttle": {
			faults: func(f *sandbox.Faults) { f.ThrottleRate, f.RetryAfterSeconds = 1, 2 },
			want: fault.Fault{
				Kind: fault.Retryable, Code: fault.CodeTooManyRequests, HTTPStatus: 429, RetryAfter: 2 * time.Second,
			},
			quick: true, delay: 2 * time.Second,
		},
		"long throttle": {
			faults: func(f *sandbox.Faults) { f.ThrottleRate, f.RetryAfterSeconds = 1, 3 },
			want: fault.Fault{
				Kind: fault.Retryable, Code: fault.CodeTooManyRequests, HTTPStatus: 429, RetryAfter: 3 * time.Second,
			},
			delay: 3 * time.Second,
		},
		"gateway": {
			faults: func(f *sandbox.Faults) { f.Outage, f.HTML, f.RetryAfterSeconds = true, true, 0 },
			want:   fault.Fault{Kind: fault.Retryable, Code: fault.CodeGateway, HTTPStatus: 503, Unclear: true},
			quick:  true,
		},
		"lost answer": {
			faults: func(f *sandbox.Faults) { f.LostAnswerRate = 1 },
			want:   fault.Fault{Kind: fault.Retryable, Code: fault.CodeConnection, Unclear: true},
			quick:  true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			in := b.one(c.record)
			in.EntitlementID = run[PerformStepResult](b, PerformStepName, in).EntitlementID
			in.Step = entitlement.Activate
			if c.faults != nil {
				b.faults(c.faults)
			}
			ordinary, local := b.failing(in)
			require.True(t, ordinary.NonRetryable(), "the workflow decides")
			require.Equal(t, !c.quick, local.NonRetryable())
			if c.delay > 0 {
				require.Equal(t, c.delay, local.NextRetryDelay())
			}
			for _, app := range []*temporal.ApplicationError{ordinary, local} {
				got := *fault.FromActivity(app)
				require.NotEmpty(t, got.Message)
				for _, value := range personal {
					require.NotContains(t, got.Message, value)
				}
				got.Message, got.Cause = "", nil
				require.Equal(t, c.want, got)
			}
		})
	}
}

func TestPerformStepPollsWhatWasAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *sandbox.Faults) { f.AcceptedRate, f.SettleAfterMs = 1, 1000 })
	in := b.one(nil)
	ordinary, local := b.failing(in)
	require.True(t, local.NonRetryable(), "a quick retry can't help")
	f := fault.FromActivity(ordinary)
	require.Equal(t, fault.CodeStillPending, f.Code)
	require.Equal(t, fault.Retryable, f.Kind)
	require.True(t, f.Unclear)
	require.NotEmpty(t, f.EntitlementID, "the workflow polls by it")

	in.Accepted, in.EntitlementID = true, f.EntitlementID
	requireFault(t, refused(b, PerformStepName, in), fault.Retryable, fault.CodeStillPending)
	b.clock.forward(2 * time.Second)
	res := run[PerformStepResult](b, PerformStepName, in)
	require.Equal(t, []entitlement.Step{entitlement.Create}, res.Done)
	require.Equal(t, int64(1), b.stats().Effective["create"])
}

func TestPerformStepFindsAnothersEntitlement(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.one(nil)
	other := *b.decoded(in)
	other.ProductKey = "nova-premium"
	made, err := b.target.Create(t.Context(), "by-hand", &other)
	require.NoError(t, err)
	f := refused(b, PerformStepName, in)
	requireFault(t, f, fault.Final, fault.CodeTargetDiffers)
	require.Equal(t, made.EntitlementID, f.EntitlementID)
	require.Contains(t, f.Message, "another productKey")
	require.NotContains(t, f.Message, "nova-premium")
}

// decoded is the record of a step.
func (b *bundle) decoded(in PerformStepInput) *entitlement.Record {
	b.t.Helper()
	r, err := b.acts.record(b.t.Context(), in.RecordRef)
	require.NoError(b.t, err)
	return r
}

// ended is a record that counts against no customer's limit.
var ended = map[string]any{
	"status": "CANCELLED", "dateActivated": nil, "dateSuspended": nil, "dateEnded": "2025-01-01T00:00:00Z",
}

// careless makes the sandbox forget all identifiers and take doubles, so that
// only a look at it helps.
func (b *bundle) careless() {
	b.t.Helper()
	b.faults(func(f *sandbox.Faults) { f.UniqueExternalIDs = false })
	_, err := b.box.Forget()
	require.NoError(b.t, err)
}

// A create may be the second whenever it comes: the first worker may be lost
// with the answer.
func TestPerformStepLooksBeforeEveryCreate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.one(ended)
	first := run[PerformStepResult](b, PerformStepName, in)
	require.False(t, first.Found)
	b.careless()
	again := run[PerformStepResult](b, PerformStepName, in)
	require.True(t, again.Found)
	require.Equal(t, first.EntitlementID, again.EntitlementID)
	require.Equal(t, first.Remaining, again.Remaining)
	require.Equal(t, int64(1), b.stats().Calls["create"])
}

func TestPerformStepFindsWhatALostAnswerLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.one(ended)
	b.faults(func(f *sandbox.Faults) { f.LostAnswerRate = 1 })
	require.True(t, refused(b, PerformStepName, in).Unclear)
	b.faults(func(f *sandbox.Faults) { f.LostAnswerRate = 0 })
	b.careless()
	require.True(t, run[PerformStepResult](b, PerformStepName, in).Found)
	require.Equal(t, int64(1), b.stats().Effective["create"])
}

// Where the target remembers identifiers, the steps after the create are
// repeated under the same one.
func TestPerformStepRepeatsUnderTheSameIdentifier(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.one(nil)
	in.EntitlementID = run[PerformStepResult](b, PerformStepName, in).EntitlementID
	in.Step = entitlement.Activate
	b.faults(func(f *sandbox.Faults) { f.LostAnswerRate = 1 })
	_ = refused(b, PerformStepName, in)
	b.faults(func(f *sandbox.Faults) { f.LostAnswerRate = 0 })
	run[any](b, PerformStepName, in)
	stats := b.stats()
	require.Equal(t, int64(1), stats.Effective["activate"])
	require.Equal(t, int64(1), stats.Replayed)
}

// A step never works on another record than its workflow's, whose id is what
// keeps two runs from one entitlement.
func TestPerformStepRefusesRecordsThatWereChanged(t *testing.T) {
	t.Parallel()
	changes := tampered()
	changes["another record"] = func(body []byte) []byte {
		return bytes.Replace(body, []byte("ext-0001"), []byte("ext-0009"), 1)
	}
	for name, change := range changes {
		if name == "a line less" {
			continue // there is one line
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			in := b.one(nil)
			sane := b.file("acme", migration.FileRecords)
			b.put(folder+migration.FileRecords, change(bytes.Clone(sane)))
			b.acts.ranges = newRangeCache(b.store) // another worker
			ordinary, local := b.failing(in)
			require.True(t, local.NonRetryable())
			f := fault.FromActivity(ordinary)
			require.Equal(t, fault.CodeStoreFault, f.Code)
			require.Equal(t, fault.Final, f.Kind)
			require.Contains(t, f.Message, "record 1 in records.ndjson")
			require.NotContains(t, f.Message, "private")
			require.Zero(t, b.stats().Calls["create"])
			b.put(folder+migration.FileRecords, sane)
			run[any](b, PerformStepName, in)
		})
	}
}

func TestPerformStepWaitsForTheStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.one(nil)
	m := newMemory()
	m.fail = away()
	b.acts.ranges = newRangeCache(m)
	ordinary, local := b.failing(in)
	require.False(t, local.NonRetryable())
	require.Equal(t, fault.CodeStoreFault, fault.FromActivity(ordinary).Code)
	require.Equal(t, fault.Retryable, fault.FromActivity(ordinary).Kind)
}

func TestProbeTarget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.env().ExecuteActivity(ProbeTargetName)
	require.NoError(t, err)
	b.faults(func(f *sandbox.Faults) { f.Outage = true })
	_, err = b.env().ExecuteActivity(ProbeTargetName)
	requireFault(t, fault.FromActivity(err), fault.Retryable, fault.CodeServiceUnavailable)
}
