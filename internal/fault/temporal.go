package fault

import (
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
)

// details are what a fault keeps when it crosses an activity's border.
type details struct {
	Kind          Kind          `json:"kind"`
	HTTPStatus    int           `json:"httpStatus,omitempty"`
	RetryAfter    time.Duration `json:"retryAfter,omitempty"`
	Unclear       bool          `json:"unclear,omitempty"`
	EntitlementID string        `json:"entitlementId,omitempty"`
	Made          bool          `json:"made,omitempty"`
	Alone         bool          `json:"alone,omitempty"`
}

// Activity is err as the error of an activity that Temporal itself retries: the
// fault's code is the error's type, final faults are not retried, and a
// Retry-After of at most RetryAfterLimit is the next delay. Errors that are no
// faults become UNEXPECTED ones without their text, which nobody has looked at.
func Activity(err error) error {
	if err == nil {
		return nil
	}
	return application(err, false)
}

// Once is err as the error of an activity that Temporal must not retry, because
// its caller decides.
func Once(err error) error {
	if err == nil {
		return nil
	}
	return application(err, true)
}

// RetryAfterLimit is the longest that Ferry waits for a target that is away, or
// where no operator can end the wait, whatever the target asks for.
const RetryAfterLimit = time.Minute

// QuickRetryLimit is the longest Retry-After that a quick retry waits for.
const QuickRetryLimit = 2 * time.Second

// Quick is err as the error of a local activity with a few quick retries. What
// a quick retry can't help, a slow target or one that asks for patience, is
// given back at once; so is what made an entitlement, which the retry would not
// know of.
func Quick(err error) error {
	if err == nil {
		return nil
	}
	f, _ := As(err)
	slow := f != nil && (f.Code == CodeTimeout || f.Code == CodePaced || f.Code == CodeStillPending ||
		f.Made || f.RetryAfter > QuickRetryLimit)
	return application(err, slow)
}

func application(err error, never bool) error {
	f, ok := As(err)
	if !ok {
		f = &Fault{Kind: Retryable, Code: CodeUnexpected, Message: "an error that Ferry did not expect", Unclear: true}
	}
	opts := temporal.ApplicationErrorOptions{
		NonRetryable: never || f.Kind != Retryable,
		Details: []any{details{
			Kind: f.Kind, HTTPStatus: f.HTTPStatus, RetryAfter: f.RetryAfter,
			Unclear: f.Unclear, EntitlementID: f.EntitlementID, Made: f.Made, Alone: f.Alone,
		}},
	}
	if f.Kind == Retryable {
		opts.NextRetryDelay = min(f.RetryAfter, RetryAfterLimit)
	}
	return temporal.NewApplicationErrorWithOptions(f.Message, f.Code, opts)
}

// FromActivity reads back the fault of an activity that failed. A timeout is a
// retryable fault that may have taken effect; so is anything unknown.
func FromActivity(err error) *Fault {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return fromApplication(app)
	}
	if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		return &Fault{
			Kind: Retryable, Code: CodeTimeout, Message: timeoutMessage(timeout), Unclear: true, Cause: err,
		}
	}
	return &Fault{
		Kind: Retryable, Code: CodeUnexpected, Message: "an error that Ferry did not expect", Unclear: true, Cause: err,
	}
}

func fromApplication(app *temporal.ApplicationError) *Fault {
	f := &Fault{Kind: Retryable, Code: app.Type(), Message: app.Message(), Unclear: true, Cause: app}
	var d details
	if app.HasDetails() && app.Details(&d) == nil {
		f.Kind, f.HTTPStatus, f.RetryAfter = d.Kind, d.HTTPStatus, d.RetryAfter
		f.Unclear, f.EntitlementID, f.Made, f.Alone = d.Unclear, d.EntitlementID, d.Made, d.Alone
		return f
	}
	if app.NonRetryable() {
		f.Kind = Final
	}
	return f
}

func timeoutMessage(t *temporal.TimeoutError) string {
	if t.TimeoutType() == enums.TIMEOUT_TYPE_HEARTBEAT {
		return "the worker stopped reporting"
	}
	return "no answer in time"
}

// Record is the error with which a record's workflow fails: its type is the
// code, its details the outcome, so that an operator finds and reads it in the
// Temporal UI.
func Record(code, message string, outcome any) error {
	return temporal.NewApplicationErrorWithOptions(message, code, temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Details:      []any{outcome},
	})
}

// Run is the error with which a migration fails before it could begin.
func Run(f *Fault) error {
	return temporal.NewApplicationErrorWithOptions(f.Message, f.Code, temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Details:      []any{details{Kind: Final, HTTPStatus: f.HTTPStatus}},
	})
}

// Outcome reads the details that Record put into a failed workflow's error.
func Outcome(err error, into any) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.HasDetails() && app.Details(into) == nil
}
