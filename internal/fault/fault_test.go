package fault

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
)

// carried is an error as it arrives on the other side of a server.
func carried(err error) error {
	c := temporal.GetDefaultFailureConverter()
	return c.FailureToError(c.ErrorToFailure(err))
}

func appOf(t *testing.T, err error) *temporal.ApplicationError {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	return app
}

func TestFaultInAChain(t *testing.T) {
	t.Parallel()
	cause := errors.New("reset by peer")
	f := &Fault{Code: CodeConnection, Message: "create: the connection broke", Cause: cause}
	err := fmt.Errorf("record 7: %w", f)
	got, ok := As(err)
	require.True(t, ok)
	require.Same(t, f, got)
	require.ErrorIs(t, err, cause)
	require.EqualError(t, f, "CONNECTION: create: the connection broke")
	_, ok = As(cause)
	require.False(t, ok)
	_, ok = As(nil)
	require.False(t, ok)
}

func TestFaultCrossesABorderWhole(t *testing.T) {
	t.Parallel()
	for _, f := range []Fault{
		{Kind: Final, Code: CodeNotAvailable, Message: "no", HTTPStatus: 422},
		{Kind: Final, Code: CodeTargetDiffers, Message: "another productKey", EntitlementID: "e-1"},
		{Kind: Unauthorized, Code: CodeUnauthorized, Message: "who are you?", HTTPStatus: 401},
		{Kind: Retryable, Code: CodeTooManyRequests, Message: "wait", HTTPStatus: 429, RetryAfter: 90 * time.Second},
		{Kind: Retryable, Code: CodeTimeout, Message: "no answer in time", Unclear: true},
		{Kind: Retryable, Code: CodeStillPending, Message: "accepted", HTTPStatus: 202, Unclear: true, EntitlementID: "e-2"},
	} {
		for name, border := range map[string]func(error) error{"Activity": Activity, "Once": Once, "Quick": Quick} {
			given := f
			given.Cause = errors.New("cust-private")
			err := carried(border(fmt.Errorf("record 7, cust-private: %w", &given)))
			require.NotContains(t, err.Error(), "private", "neither the cause nor what is around the fault is told")
			got := *FromActivity(fmt.Errorf("activity: %w", err))
			require.Error(t, got.Cause)
			got.Cause = nil
			require.Equal(t, f, got, name)
		}
	}
}

// Who tries again: Temporal by its caller's policy (Activity), nobody (Once),
// or a few quick tries where they can help (Quick).
func TestWhoTriesAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault           Fault
		activity, quick bool // are tried again
		delay           time.Duration
	}{
		"final":             {Fault{Kind: Final, Code: CodeBadRequest, RetryAfter: time.Second}, false, false, 0},
		"unauthorized":      {Fault{Kind: Unauthorized, Code: CodeUnauthorized}, false, false, 0},
		"hiccup":            {Fault{Kind: Retryable, Code: CodeConnection}, true, true, 0},
		"short wait":        {Fault{Kind: Retryable, Code: CodeTooManyRequests, RetryAfter: QuickRetryLimit}, true, true, QuickRetryLimit},
		"long wait":         {Fault{Kind: Retryable, Code: CodeTooManyRequests, RetryAfter: QuickRetryLimit + 1}, true, false, QuickRetryLimit + 1},
		"slow target":       {Fault{Kind: Retryable, Code: CodeTimeout}, true, false, 0},
		"accepted":          {Fault{Kind: Retryable, Code: CodeStillPending}, true, false, 0},
		"not its turn":      {Fault{Kind: Retryable, Code: CodePaced}, true, false, 0},
		"the store is away": {Fault{Kind: Retryable, Code: CodeStoreFault}, true, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			always, quick, once := appOf(t, Activity(&c.fault)), appOf(t, Quick(&c.fault)), appOf(t, Once(&c.fault))
			require.Equal(t, c.activity, !always.NonRetryable())
			require.Equal(t, c.quick, !quick.NonRetryable())
			require.True(t, once.NonRetryable())
			require.Equal(t, c.delay, always.NextRetryDelay())
			require.Equal(t, c.fault.Code, always.Type())
		})
	}
}

func TestNoErrorIsNone(t *testing.T) {
	t.Parallel()
	require.NoError(t, Activity(nil))
	require.NoError(t, Once(nil))
	require.NoError(t, Quick(nil))
}

// An error that is no fault may say anything, so it says nothing; and nobody
// knows what the call did.
func TestUnknownErrorsAreToldWithoutTheirText(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errors.New("cust-private"), context.Canceled, context.DeadlineExceeded} {
		for _, border := range []func(error) error{Activity, Once, Quick} {
			got := FromActivity(carried(border(err)))
			require.Equal(t, CodeUnexpected, got.Code)
			require.Equal(t, Retryable, got.Kind)
			require.True(t, got.Unclear)
			require.NotContains(t, got.Cause.Error(), err.Error())
		}
	}
}

func TestFromActivityOfWhatIsNoFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want Fault
	}{
		"timeout": {
			temporal.NewTimeoutError(enums.TIMEOUT_TYPE_START_TO_CLOSE, nil),
			Fault{Kind: Retryable, Code: CodeTimeout, Message: "no answer in time", Unclear: true},
		},
		"lost worker": {
			temporal.NewHeartbeatTimeoutError(),
			Fault{Kind: Retryable, Code: CodeTimeout, Message: "the worker stopped reporting", Unclear: true},
		},
		"cancelled": {
			temporal.NewCanceledError(),
			Fault{Kind: Retryable, Code: CodeUnexpected, Message: "an error that Ferry did not expect", Unclear: true},
		},
		"panic": {
			temporal.NewApplicationError("cust-private", "PanicError"),
			Fault{Kind: Retryable, Code: CodeUnexpected, Message: "an error that Ferry did not expect", Unclear: true},
		},
		"another's error": {
			temporal.NewApplicationError("boom", "Else"),
			Fault{Kind: Retryable, Code: "Else", Message: "boom", Unclear: true},
		},
		"another's final error": {
			temporal.NewNonRetryableApplicationError("bad argument", "TypeError", nil),
			Fault{Kind: Final, Code: "TypeError", Message: "bad argument", Unclear: true},
		},
		"details of another shape": {
			temporal.NewNonRetryableApplicationError("boom", "Else", nil, "text"),
			Fault{Kind: Final, Code: "Else", Message: "boom", Unclear: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := *FromActivity(carried(c.err))
			require.Error(t, got.Cause)
			got.Cause = nil
			require.Equal(t, c.want, got)
		})
	}
}

type fate struct {
	Record int    `json:"record"`
	Code   string `json:"code"`
}

func TestRecordCarriesItsOutcome(t *testing.T) {
	t.Parallel()
	want := fate{7, CodeTargetDiffers}
	err := carried(Record(CodeTargetDiffers, "another productKey", want))
	app := appOf(t, err)
	require.Equal(t, CodeTargetDiffers, app.Type())
	require.True(t, app.NonRetryable())
	var got fate
	require.True(t, Outcome(fmt.Errorf("child: %w", err), &got))
	require.Equal(t, want, got)

	require.False(t, Outcome(carried(temporal.NewApplicationError("boom", "Else")), &got), "it has none")
	require.False(t, Outcome(errors.New("terminated"), &got), "an operator ended it")
	require.False(t, Outcome(carried(temporal.NewApplicationError("boom", "Else", "text")), &got))
}

func TestRunFailsForGood(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Final, Retryable, Unauthorized} {
		err := carried(Run(&Fault{Kind: kind, Code: CodeFileNotFound, Message: "there is no such object", HTTPStatus: 404}))
		require.True(t, appOf(t, err).NonRetryable())
		got := FromActivity(err)
		require.Equal(t, Final, got.Kind)
		require.Equal(t, CodeFileNotFound, got.Code)
		require.Equal(t, 404, got.HTTPStatus)
	}
}
