package dashboard

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// action is one thing an operator may do with a migration.
type action struct {
	Name   string // as in addresses
	Button string
	Title  string
	Says   string // what it does
	Do     string // on the button that does it
	Done   string // after it
	Danger bool
	update string            // of the workflow; empty: it does not change the migration itself
	phases []migration.Phase // in which it is offered, of a running one
	// input makes the update's input from the form.
	input func(form url.Values, by workflows.OperatorAction) (any, error)
}

// nameReload is the one action on a migration that is over.
const nameReload = "reload"

var (
	early  = []migration.Phase{migration.Checking, migration.Importing}
	atWork = append(slices.Clone(early), migration.AwaitingApproval, migration.Migrating)
	alive  = append(slices.Clone(atWork), migration.Paused)
)

var actions = []action{
	{
		Name: "pause", Button: "Pause", Title: "Pause this migration?", Do: "Pause now", Done: "The migration is paused.",
		Says:   "Nothing new is started until somebody resumes it. What is under way finishes.",
		update: workflows.UpdatePause, phases: atWork, input: alone,
	},
	{
		Name: "resume", Button: "Resume", Title: "Resume this migration?", Do: "Resume now", Done: "The migration goes on.",
		Says:   "It goes on where it was held.",
		update: workflows.UpdateResume, phases: []migration.Phase{migration.Paused}, input: alone,
	},
	{
		Name: "approve", Button: "Approve", Title: "Approve this plan?", Do: "Approve the plan", Done: "The plan is approved.",
		Says:   "Records are sent to the target from here on.",
		update: workflows.UpdateApprove, phases: []migration.Phase{migration.AwaitingApproval}, input: approval,
	},
	{
		Name: "limits", Button: "Limits", Title: "Change the error limits", Do: "Change the limits", Done: "The limits are changed.",
		Says:   "The run stops when a limit is reached. 0 switches one off.",
		update: workflows.UpdateSetLimits, phases: alive, input: limitsInput,
	},
	{
		Name: "concurrency", Button: "Concurrency", Title: "Change how much is under way", Do: "Change the concurrency", Done: "The concurrency is changed.",
		Says:   "More goes faster, as far as the target bears it.",
		update: workflows.UpdateSetConcurrency, phases: alive, input: concurrencyInput,
	},
	{
		Name: "abort", Button: "Abort", Title: "Abort this migration?", Do: "Abort for good", Done: "The migration is being ended.",
		Says: "It ends here and can't be resumed. What is under way finishes, the reports are written, and the rest goes into " +
			"reload.json. While it reconciles, the comparison ends.",
		Danger: true,
		update: workflows.UpdateAbort, phases: append(slices.Clone(alive), migration.Reconciling), input: confirmed,
	},
	{
		Name: nameReload, Button: "Reload", Title: "Migrate what is left over?", Do: "Start the reload", Done: "The reload has started.",
		Says: "A new migration of this one’s reload.json starts, as the file is. Records that are half-way go on at their next step. " +
			"Repair the cause first; a corrected copy of the file is started with ‘ferry reload --upload’.",
		input: alone,
	},
}

// actionsFor lists what may be done with a migration as it stands.
func actionsFor(st *standing) []action {
	return slices.DeleteFunc(slices.Clone(actions), func(a action) bool {
		if a.Name == nameReload {
			return !st.reloadable()
		}
		return !st.open || !slices.Contains(a.phases, st.summary.Phase)
	})
}

func actionNamed(name string) (action, bool) {
	i := slices.IndexFunc(actions, func(a action) bool { return a.Name == name })
	if i < 0 {
		return action{}, false
	}
	return actions[i], true
}

func alone(_ url.Values, by workflows.OperatorAction) (any, error) { return by, nil }

func confirmed(form url.Values, by workflows.OperatorAction) (any, error) {
	if form.Get("confirm") != "yes" {
		return nil, errors.New("tick the box to confirm that it ends for good")
	}
	return by, nil
}

func approval(form url.Values, by workflows.OperatorAction) (any, error) {
	if form.Get("plan") == "" {
		return nil, errors.New("the plan's hash is missing")
	}
	return workflows.ApproveInput{OperatorAction: by, Plan: form.Get("plan")}, nil
}

func limitsInput(form url.Values, by workflows.OperatorAction) (any, error) {
	limits, err := limitsOf(form)
	if err == nil && limits == nil {
		err = errors.New("no limit is given")
	}
	if err != nil {
		return nil, err
	}
	return workflows.SetLimitsInput{OperatorAction: by, Limits: *limits}, nil
}

// limitsOf reads the limits of a form; nil if none is filled in.
func limitsOf(form url.Values) (*workflows.LimitsInput, error) {
	var in workflows.LimitsInput
	err := errors.Join(
		whole(form, "consecutive", &in.Consecutive), decimal(form, "errorRate", &in.ErrorRate),
		whole(form, "minSample", &in.MinSample), whole(form, "maxFailures", &in.MaxFailures),
	)
	if err != nil || in == (workflows.LimitsInput{}) {
		return nil, err
	}
	if in.ErrorRate != nil {
		*in.ErrorRate /= 100 // people speak of percents
	}
	return &in, in.Check()
}

func concurrencyInput(form url.Values, by workflows.OperatorAction) (any, error) {
	width, rps, err := widthOf(form)
	if err == nil && width == nil && rps == nil {
		err = errors.New("nothing is given")
	}
	if err != nil {
		return nil, err
	}
	in := workflows.SetConcurrencyInput{OperatorAction: by, RequestsPerSecond: rps}
	if width != nil {
		in.Concurrency = *width
	}
	return in, nil
}

// widthOf reads concurrency and pace of a form; nil where not filled in.
func widthOf(form url.Values) (*workflows.ConcurrencyInput, *float64, error) {
	var in workflows.ConcurrencyInput
	var rps *float64
	err := errors.Join(
		whole(form, "batches", &in.Batches), whole(form, "perBatch", &in.PerBatch), decimal(form, "requestsPerSecond", &rps),
	)
	if err == nil && rps != nil {
		err = migration.CheckRequestsPerSecond(*rps)
	}
	if err != nil || in == (workflows.ConcurrencyInput{}) {
		return nil, rps, err
	}
	return &in, rps, in.Check()
}

func whole(form url.Values, name string, into **int) error {
	text := strings.TrimSpace(form.Get(name))
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("%s: %q is not a whole number", name, text)
	}
	*into = &n
	return nil
}

func decimal(form url.Values, name string, into **float64) error {
	text := strings.TrimSpace(form.Get(name))
	if text == "" {
		return nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) {
		return fmt.Errorf("%s: %q is not a number", name, text)
	}
	*into = &x
	return nil
}

func or[T any](value *T, other T) T {
	if value == nil {
		return other
	}
	return *value
}

// by is who asks: the user who has signed in, whatever the form says.
func by(u *User, form url.Values) (workflows.OperatorAction, error) {
	name := u.Name
	if name == "" {
		name = strings.TrimSpace(form.Get("by"))
	}
	if name == "" {
		return workflows.OperatorAction{}, errors.New("say who asks for it")
	}
	asks := workflows.OperatorAction{By: name, Reason: strings.TrimSpace(form.Get("reason"))}
	return asks, asks.Check()
}

// statusFor is the HTTP status of an update that went wrong.
func statusFor(err error) int {
	if full, is := errors.AsType[*fullError](err); is {
		return full.status
	}
	switch {
	case errors.Is(err, operator.ErrRefused), errors.Is(err, operator.ErrIDUsed):
		return http.StatusConflict
	case errors.Is(err, operator.ErrUnknown):
		return http.StatusNotFound
	}
	return http.StatusServiceUnavailable
}
