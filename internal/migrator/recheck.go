package migrator

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// statusConflict is HTTP's 409, with whatever code.
const statusConflict = 409

// recheckCreate looks what a create without a clear success has left: the
// target may have this very entitlement, from before or by this call.
func (m *Migrator) recheckCreate(ctx context.Context, t Task, refusal error) (Result, error) {
	f, ok := fault.As(refusal)
	switch {
	case !ok:
		return Result{}, refusal
	case f.Made:
		return m.lookAtMade(ctx, t, f)
	case !mayExist(f) && !mayHavePassed(f):
		return Result{}, refusal
	}
	found, alike, err := m.find(ctx, t.Record)
	if err == nil && len(found) == 0 && f.Code == fault.CodeAlreadyExists && f.EntitlementID != "" {
		found, err = m.getNamed(ctx, f.EntitlementID)
	}
	if err != nil {
		return Result{}, lookFailed(f, err)
	}
	if len(found) > 0 {
		return m.takeUp(t, found)
	}
	if err := lookalike(t.Record, alike); err != nil {
		if other, ok := fault.As(err); ok {
			other.Made = f.Unclear // it wasn't there before the create
		}
		return Result{}, err
	}
	return Result{}, nothingMade(f)
}

// mayExist reports whether a create may be refused because the target has the
// entitlement already.
func mayExist(f *fault.Fault) bool {
	switch f.Code {
	case fault.CodeAlreadyExists, fault.CodeConflict, fault.CodeCustomerLimit:
		return true
	}
	return underWay(f)
}

// underWay reports whether a refusal says that another call for the same is
// still at work. A create has no state with which anything else could conflict.
func underWay(f *fault.Fault) bool {
	return f.Code == fault.CodeConflict ||
		f.Kind == fault.Final && f.HTTPStatus == statusConflict && f.Code != fault.CodeAlreadyExists && f.Code != fault.CodeCustomerLimit
}

// mayHavePassed reports whether a write was answered by something that says
// nothing of its effect, so that one look settles it: a success that isn't
// understood, or what somebody before the target has put in its answer's place.
func mayHavePassed(f *fault.Fault) bool {
	answered := f.HTTPStatus >= 200 && f.HTTPStatus < 400
	return f.Unclear && answered || f.Alone
}

// nothingMade is what becomes of a create after which the target has nothing:
// a call under way is waited for, all else is as it was said.
func nothingMade(f *fault.Fault) error {
	if !underWay(f) {
		return f
	}
	waits := *f
	waits.Kind, waits.Unclear = fault.Retryable, true
	return &waits
}

// lookFailed is the fault of a look after a write: the write stays as unclear as
// it was, and what was refused for good needs no look.
func lookFailed(write *fault.Fault, err error) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	if f.Kind == fault.Final && write.Kind == fault.Final && write.Alone {
		return write
	}
	failed := *f
	failed.Unclear = f.Unclear || write.Unclear
	failed.Made = write.Made
	if write.Made {
		failed.EntitlementID = write.EntitlementID
	}
	return &failed
}

// getNamed reads an entitlement by an id that the target has named; none if it
// doesn't know it.
func (m *Migrator) getNamed(ctx context.Context, id string) ([]entitlement.Entitlement, error) {
	e, err := m.target.Get(ctx, id)
	if f, ok := fault.As(err); ok && f.Kind == fault.Final {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []entitlement.Entitlement{e}, nil
}

// lookAtMade reads what a create has made whose answer was odd. It is the
// record's, or it is left as it is; nothing is ever made in its place.
func (m *Migrator) lookAtMade(ctx context.Context, t Task, made *fault.Fault) (Result, error) {
	found, err := m.target.Get(ctx, made.EntitlementID)
	switch f, _ := fault.As(err); {
	case err == nil:
	case f != nil && f.Code == fault.CodeNotFound:
		return Result{}, madeOther(made.EntitlementID, "the target answered the create with an entitlementId that it doesn't know")
	case f != nil && f.Code == fault.CodeUnexpected:
		return Result{}, madeOther(made.EntitlementID, "the target has created an entitlement that isn't understood ("+f.Message[:f.OwnWords]+")")
	default:
		return Result{}, lookFailed(made, err)
	}
	res, err := m.judge(t, found)
	if f, ok := fault.As(err); ok {
		f.Made = true
		return Result{}, f
	}
	if !found.Settled {
		return Result{}, stillPending(made.EntitlementID)
	}
	res.Found = false
	return res, nil
}

// madeOther is the fault of a create that has made something else than it was
// asked for.
func madeOther(id, message string) error {
	return inOwnWords(&fault.Fault{
		Kind: fault.Final, Code: fault.CodeTargetDiffers, EntitlementID: id, Made: true, Message: message,
	})
}

// contradictions names what the answer to a create says otherwise than it was
// asked. What it leaves out, and dates, are left to the reconciliation.
func contradictions(r *entitlement.Record, made entitlement.Entitlement) []string {
	var fields []string
	for _, f := range []struct{ name, want, have string }{
		{entitlement.FieldExternalEntitlementID, r.ExternalEntitlementID, made.ExternalEntitlementID},
		{entitlement.FieldCustomerIdentifier, r.CustomerIdentifier, made.CustomerIdentifier},
		{entitlement.FieldMerchantAccountKey, r.MerchantAccountKey, made.MerchantAccountKey},
		{entitlement.FieldProductKey, r.ProductKey, made.ProductKey},
	} {
		if f.have != "" && f.have != f.want {
			fields = append(fields, f.name)
		}
	}
	if r.OfferKey != "" && made.OfferKey != "" && made.OfferKey != r.OfferKey {
		fields = append(fields, entitlement.FieldOfferKey)
	}
	return fields
}

// recheckStep looks whether a step without a clear success was done all the
// same, or whether somebody else has moved the entitlement elsewhere.
func (m *Migrator) recheckStep(ctx context.Context, t Task, refusal error) (Result, error) {
	f, ok := fault.As(refusal)
	if !ok || f.Code != fault.CodeConflict && f.Code != fault.CodeAlreadyExists && !mayHavePassed(f) {
		return Result{}, refusal
	}
	found, err := m.target.Get(ctx, t.EntitlementID)
	if err != nil {
		return Result{}, lookFailed(f, err)
	}
	res, err := m.judge(t, found)
	if err != nil {
		return Result{}, err
	}
	if !found.Settled {
		return Result{}, stillPending(t.EntitlementID)
	}
	if contains(res.Remaining, t.Step) {
		return Result{}, notDone(t, f)
	}
	res.Found = false
	return res, nil
}

// notDone is what becomes of a step that the target shows as not done. A
// conflict after a call that may be under way still is that call's.
func notDone(t Task, f *fault.Fault) error {
	if !t.Unclear || f.Code != fault.CodeConflict {
		return f
	}
	waits := *f
	waits.Kind, waits.Unclear = fault.Retryable, true
	return &waits
}
