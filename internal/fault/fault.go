// Package fault holds the one error type with which Ferry speaks of a call
// that went wrong: a stable code, whether trying again can help, and whether
// the call may have taken effect all the same. Adapters make faults, the step
// logic judges them, and only this package turns them into Temporal errors.
// A fault never carries personal data or a secret.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what can be done about a fault.
type Kind int

const (
	// Final faults stay what they are however often the call is repeated.
	Final Kind = iota
	// Retryable faults may pass by waiting.
	Retryable
	// Unauthorized faults are nobody's record: the credentials are refused, or
	// something before the target turns every call away, its echo too. The whole
	// run waits for an operator.
	Unauthorized
)

// Fault is one failed call. Code is stable and documented in docs/errors.md.
type Fault struct {
	Kind          Kind
	Code          string
	Message       string
	HTTPStatus    int           // 0: no answer came
	RetryAfter    time.Duration // what the target asked for; 0: nothing
	Unclear       bool          // the call may have taken effect
	EntitlementID string        // of ALREADY_EXISTS, where the target names it
	// Made says that the call itself made EntitlementID: it must never be
	// followed by another create.
	Made bool
	// Alone says that the target's echo passed right after: what is turned away
	// is this call, not every one.
	Alone bool
	// OwnWords is how many bytes of Message, from its start, are Ferry's own
	// words or the network's. What follows is quoted from the target, and nothing
	// else needs a record's values taken out.
	OwnWords int
	Cause    error
}

// Error gives the code and the message.
func (f *Fault) Error() string { return fmt.Sprintf("%s: %s", f.Code, f.Message) }

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// As finds the fault in an error chain.
func As(err error) (*Fault, bool) {
	var f *Fault
	ok := errors.As(err, &f)
	return f, ok
}
