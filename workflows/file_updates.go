package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// handle registers the queries and the updates.
func (r *fileRun) handle() error {
	err := workflow.SetQueryHandlerWithOptions(r.ctx, QueryProgress, func() (Summary, error) { return *r.summary(), nil },
		workflow.QueryHandlerOptions{Description: describeProgress})
	errWritten := workflow.SetQueryHandlerWithOptions(r.ctx, QueryWritten, func() (*migration.Written, error) { return r.wrote(), nil },
		workflow.QueryHandlerOptions{Description: describeWritten})
	errs := []error{err, errWritten, r.updateApprove(), r.updateLimits(), r.updateConcurrency()}
	for _, act := range r.operatorActs() {
		errs = append(errs, r.update(act))
	}
	return errors.Join(errs...)
}

func sentence(a OperatorAction) string {
	if a.Reason == "" {
		return a.By
	}
	return a.By + ": " + a.Reason
}

func (r *fileRun) update(act operatorAct) error {
	return workflow.SetUpdateHandlerWithOptions(r.ctx, act.name,
		func(_ workflow.Context, a asked[OperatorAction], _ converter.RawValue) (*Summary, error) {
			r.note(act.name, a.input, "")
			act.do(a.input)
			return r.summary(), nil
		},
		workflow.UpdateHandlerOptions{Description: describeUpdate(act.name), Validator: func(a asked[OperatorAction], more converter.RawValue) error {
			if err := a.check(act.name, more); err != nil {
				return err
			}
			return errors.Join(a.input.Check(), act.may())
		}})
}

func (r *fileRun) updateLimits() error {
	return workflow.SetUpdateHandlerWithOptions(r.ctx, UpdateSetLimits,
		func(_ workflow.Context, a asked[SetLimitsInput], _ converter.RawValue) (*Summary, error) {
			r.change(UpdateSetLimits, a.input.OperatorAction, a.input.with(r.Settings))
			r.recheckLimits()
			return r.summary(), nil
		},
		workflow.UpdateHandlerOptions{
			Description: describeUpdate(UpdateSetLimits),
			Validator: func(a asked[SetLimitsInput], more converter.RawValue) error {
				return r.mayTake(a.check(UpdateSetLimits, more), a.input.Check(), a.input.with(r.Settings))
			},
		})
}

func (r *fileRun) updateConcurrency() error {
	return workflow.SetUpdateHandlerWithOptions(r.ctx, UpdateSetConcurrency,
		func(_ workflow.Context, a asked[SetConcurrencyInput], _ converter.RawValue) (*Summary, error) {
			r.change(UpdateSetConcurrency, a.input.OperatorAction, a.input.with(r.Settings))
			return r.summary(), nil
		},
		workflow.UpdateHandlerOptions{
			Description: describeUpdate(UpdateSetConcurrency),
			Validator: func(a asked[SetConcurrencyInput], more converter.RawValue) error {
				return r.mayTake(a.check(UpdateSetConcurrency, more), a.input.Check(), a.input.with(r.Settings))
			},
		})
}

// mayTake refuses settings that are wrong, come too late or change nothing.
func (r *fileRun) mayTake(read, wrong error, s migration.Settings) error {
	if read != nil {
		return read
	}
	if err := errors.Join(wrong, r.mayChange()); err != nil {
		return err
	}
	return r.mayBecome(s)
}

// change goes by other settings from here on.
func (r *fileRun) change(update string, a OperatorAction, s migration.Settings) {
	r.note(update, a, changes(r.Settings, s))
	r.Settings = s
	r.replan()
	r.broadcast()
}

func (r *fileRun) note(action string, a OperatorAction, detail string) {
	r.Audit = append(r.Audit, migration.AuditEntry{
		At: workflow.Now(r.ctx).UTC(), By: a.By, Action: action, Reason: a.Reason, Detail: detail,
	})
}

func (r *fileRun) mayPause() error {
	if r.Hold {
		return fmt.Errorf("migration %s is paused already (%s)", r.id, r.Reason)
	}
	return r.mayChange()
}

func (r *fileRun) mayResume() error {
	if !r.Hold {
		return fmt.Errorf("migration %s is not paused (phase %s)", r.id, r.shown())
	}
	return nil
}

func (r *fileRun) mayAbort() error {
	if r.phase == migration.Reporting {
		return fmt.Errorf("migration %s is writing its reports, which nothing interrupts", r.id)
	}
	if r.phase == migration.Reconciling {
		return nil
	}
	return r.mayChange()
}

// mayChange refuses what would come too late.
func (r *fileRun) mayChange() error {
	if r.Stop != "" || r.result != "" {
		return fmt.Errorf("migration %s is stopping already (%s)", r.id, r.Reason)
	}
	switch r.phase {
	case migration.Reporting, migration.Reconciling, migration.Done:
		return fmt.Errorf("migration %s has nothing left to migrate (phase %s)", r.id, r.phase)
	default:
		return nil
	}
}
