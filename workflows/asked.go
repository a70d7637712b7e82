package workflows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/converter"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// asked is an update's input, read strictly: a misspelt field would otherwise
// be passed over, and the update complete without having changed anything. What
// is wrong is kept for the validator, which can say it with a remedy.
type asked[T any] struct {
	input   T
	problem string
}

// UnmarshalJSON never fails: see problem.
func (a *asked[T]) UnmarshalJSON(b []byte) error {
	if err := decodeStrictly(b, &a.input); err != nil {
		a.problem = err.Error()
	}
	return nil
}

// decodeStrictly refuses fields that there are not. What an error quotes of the
// input is cut.
func decodeStrictly(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return errors.New(cut(strings.TrimPrefix(err.Error(), "json: ")))
	}
	return nil
}

// maxQuoted is how much of an input an error quotes at most, in bytes.
const maxQuoted = 200

func cut(text string) string { return cutAt(text, maxQuoted) }

func cutAt(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// inOneLine is an error of several, for a place that shows one line.
func inOneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// check refuses what an update does not take. A second input would be passed
// over, too.
func (a asked[T]) check(update string, surplus converter.RawValue) error {
	if a.problem != "" {
		return fmt.Errorf("%s can't use this input: %s (it takes: %s)", update, a.problem, describeUpdate(update))
	}
	if surplus.Payload() != nil {
		return fmt.Errorf("%s takes one input, and several were given: put all into one JSON object", update)
	}
	return nil
}

// Check refuses what can't stand in an audit trail.
func (a OperatorAction) Check() error {
	return errors.Join(migration.CheckBy(a.By), migration.CheckReason(a.Reason))
}

// maxPlan is longer than any hash of a plan.
const maxPlan = 100

// Check refuses what can't stand in an audit trail, and what is no plan's hash.
func (in ApproveInput) Check() error {
	return errors.Join(in.OperatorAction.Check(), checkLength("plan", in.Plan, maxPlan))
}
