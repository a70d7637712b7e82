package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// approvalLimit is how long an approval may take: whoever gave it is waiting,
// and must not learn later that it counted after all.
const approvalLimit = 8 * time.Second

// awaitApproval holds the run until somebody has approved its plan, or it is
// stopped. What has been done so far stands before the reason.
func (r *fileRun) awaitApproval(so string) {
	r.Approved, r.soFar = false, so
	r.Reason = r.whatToApprove()
	r.enter(migration.AwaitingApproval)
	_ = workflow.Await(r.ctx, func() bool { return r.Approved || r.Stop != "" })
	if r.Approved && r.Stop == "" && !r.Hold {
		r.Reason = ""
	}
}

func (r *fileRun) whatToApprove() string {
	return r.soFar + migration.AwaitsPlan(r.PlanHash)
}

// awaiting reports whether an approval is waited for.
func (r *fileRun) awaiting() bool {
	return r.phase == migration.AwaitingApproval && !r.Approved && r.Stop == ""
}

// replan names the plan anew after its settings were changed, so that nobody
// approves what they have not seen.
func (r *fileRun) replan() {
	if r.Behaviour >= behaviourWary {
		r.PlanHash = migration.HashPlan(r.PlanBase, r.Settings)
	} else {
		r.PlanHash = migration.HashPlanAsFirst(r.PlanBase, r.Settings)
	}
	if r.awaiting() && !r.Hold {
		r.Reason = r.whatToApprove()
		r.describe()
	}
}

func (r *fileRun) updateApprove() error {
	return workflow.SetUpdateHandlerWithOptions(r.ctx, UpdateApprove, r.approve,
		workflow.UpdateHandlerOptions{Description: describeUpdate(UpdateApprove), Validator: func(a asked[ApproveInput], more converter.RawValue) error {
			if err := errors.Join(a.check(UpdateApprove, more), a.input.Check()); err != nil {
				return err
			}
			return r.mayApprove(a.input)
		}})
}

func (r *fileRun) mayApprove(in ApproveInput) error {
	if !r.awaiting() {
		return fmt.Errorf("migration %s is not waiting for approval (phase %s)", r.id, r.shown())
	}
	if in.Plan != r.PlanHash {
		return fmt.Errorf("plan %q is not the plan of migration %s, which is %s (look at plan.json and the settings that 'ferry status' shows, and approve that)",
			cut(in.Plan), r.id, r.PlanHash)
	}
	return nil
}

// approve lets the run go on if the target's rules for the route are still
// those that the file was checked against.
func (r *fileRun) approve(ctx workflow.Context, a asked[ApproveInput], _ converter.RawValue) (*Summary, error) {
	in := a.input
	err := workflow.ExecuteActivity(withLimit(ctx, approvalLimit), activities.CheckPlanName, activities.CheckPlanInput{
		Migration: r.id, Route: r.in.Route,
	}).Get(ctx, nil)
	if err != nil {
		f := fault.FromActivity(err)
		return nil, fault.Run(&fault.Fault{Code: f.Code, Message: "not approved: " + f.Message})
	}
	// Others may have been quicker while the rules were read.
	if err := r.mayApprove(in); err != nil {
		return nil, errors.Join(errors.New("not approved"), err)
	}
	r.note(UpdateApprove, in.OperatorAction, "plan "+in.Plan)
	r.Approved = true
	if !r.Hold { // the answer tells how it stands now
		r.Reason = ""
	}
	return r.summary(), nil
}
