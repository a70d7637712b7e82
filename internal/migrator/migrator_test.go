package migrator

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// memory is a target that keeps entitlements in a map, answers the next write
// with a fault if one is set, and counts calls.
type memory struct {
	held     map[string]entitlement.Entitlement // by external id
	refuse   *fault.Fault                       // the next write
	effect   bool                               // the refused write takes effect all the same
	accept   bool                               // writes are answered 202 and change nothing yet
	unique   bool
	calls    []string
	requests []string
}

func (m *memory) write(call, request string, do func() entitlement.Entitlement) (entitlement.Entitlement, error) {
	m.calls, m.requests = append(m.calls, call), append(m.requests, request)
	if f := m.refuse; f != nil {
		m.refuse = nil
		if m.effect {
			do()
		}
		return entitlement.Entitlement{}, f
	}
	if m.accept {
		return entitlement.Entitlement{EntitlementID: "id-1"}, nil
	}
	e := do()
	e.Settled = true
	return e, nil
}

func (m *memory) Create(_ context.Context, request string, r *entitlement.Record) (entitlement.Entitlement, error) {
	if _, ok := m.held[r.ExternalEntitlementID]; ok && m.unique && m.refuse == nil {
		m.refuse = &fault.Fault{Kind: fault.Final, Code: fault.CodeAlreadyExists, Message: "there already"}
	}
	return m.write("create", request, func() entitlement.Entitlement {
		e := same(r)
		m.held[r.ExternalEntitlementID] = e
		return e
	})
}

func (m *memory) to(call, request, id string, s entitlement.Status) (entitlement.Entitlement, error) {
	return m.write(call, request, func() entitlement.Entitlement {
		for ext, e := range m.held {
			if e.EntitlementID == id {
				e.Status = s
				m.held[ext] = e
				return e
			}
		}
		return entitlement.Entitlement{}
	})
}

func (m *memory) Activate(_ context.Context, request, id string, _ time.Time) (entitlement.Entitlement, error) {
	return m.to("activate", request, id, entitlement.Active)
}

func (m *memory) Suspend(_ context.Context, request, id string, _ time.Time) (entitlement.Entitlement, error) {
	return m.to("suspend", request, id, entitlement.Suspended)
}

func (m *memory) Cancel(_ context.Context, request, id string, _ Ending) (entitlement.Entitlement, error) {
	return m.to("cancel", request, id, entitlement.Cancelled)
}

func (m *memory) Revoke(_ context.Context, request, id string, _ Ending) (entitlement.Entitlement, error) {
	return m.to("revoke", request, id, entitlement.Revoked)
}

func (m *memory) Get(_ context.Context, id string) (entitlement.Entitlement, error) {
	m.calls = append(m.calls, "get")
	for _, e := range m.held {
		if e.EntitlementID == id {
			e.Settled = !m.accept
			return e, nil
		}
	}
	return entitlement.Entitlement{}, &fault.Fault{Kind: fault.Final, Code: fault.CodeNotFound, Message: "unknown"}
}

func (m *memory) Find(_ context.Context, _ string, ids []string) ([]entitlement.Entitlement, error) {
	m.calls = append(m.calls, "find")
	var out []entitlement.Entitlement
	for _, id := range ids {
		if e, ok := m.held[id]; ok {
			e.Settled = !m.accept
			out = append(out, e)
		}
	}
	return out, nil
}

func record() *entitlement.Record {
	return &entitlement.Record{
		ExternalEntitlementID: "ext-1", CustomerIdentifier: "cust-secret", MerchantAccountKey: "nova-music",
		ProductKey: "nova-basic", Status: entitlement.Suspended,
		DateCreated: new(now.AddDate(-1, 0, 0)), DateActivated: new(now.AddDate(-1, 0, 1)), DateSuspended: new(now.AddDate(0, -1, 0)),
	}
}

// same is the record's entitlement as create leaves it.
func same(r *entitlement.Record) entitlement.Entitlement {
	return entitlement.Entitlement{
		EntitlementID: "id-1", ExternalEntitlementID: r.ExternalEntitlementID, CustomerIdentifier: r.CustomerIdentifier,
		MerchantAccountKey: r.MerchantAccountKey, ProductKey: r.ProductKey, Status: entitlement.Pending,
		DateCreated: r.DateCreated, DateActivated: r.DateActivated, DateSuspended: r.DateSuspended,
	}
}

func setup() (*Migrator, *memory) {
	m := &memory{held: map[string]entitlement.Entitlement{}, unique: true}
	return New(m, func() time.Time { return now }), m
}

// carry does what a driver does: step after step until none remains.
func carry(t *testing.T, m *Migrator, task Task) (Result, *fault.Fault) {
	t.Helper()
	var last Result
	steps := entitlement.Steps(task.Record, now)
	for len(steps) > 0 {
		task.Step = steps[0]
		res, err := m.Do(t.Context(), task)
		if err != nil {
			f, ok := fault.As(err)
			require.True(t, ok, "%v", err)
			return last, f
		}
		last, steps, task.EntitlementID = res, res.Remaining, res.EntitlementID
	}
	return last, nil
}

func TestRecordGoesThroughItsSteps(t *testing.T) {
	t.Parallel()
	m, target := setup()
	res, f := carry(t, m, Task{Route: "r", Record: record()})
	require.Nil(t, f)
	require.Equal(t, []string{"find", "create", "activate", "suspend"}, target.calls)
	require.Equal(t, "id-1", res.EntitlementID)
	require.Len(t, res.Done, 3)
	require.False(t, res.Found)
}

func TestLookFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status entitlement.Status
		calls  []string
	}{
		"created":   {entitlement.Pending, []string{"find", "activate", "suspend"}},
		"activated": {entitlement.Active, []string{"find", "suspend"}},
		"done":      {entitlement.Suspended, []string{"find"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, target := setup()
			there := same(record())
			there.Status = c.status
			target.held["ext-1"] = there
			_, f := carry(t, m, Task{Route: "r", Record: record()})
			require.Nil(t, f)
			require.Equal(t, c.calls, target.calls)
		})
	}
}

// Somebody else's create comes between the look and ours.
func TestRefusedCreateIsNoFailureIfItIsThere(t *testing.T) {
	t.Parallel()
	for _, code := range []string{fault.CodeAlreadyExists, fault.CodeConflict, fault.CodeCustomerLimit} {
		m, target := setup()
		target.refuse, target.effect = &fault.Fault{Kind: fault.Final, Code: code, Message: "no"}, true
		_, f := carry(t, m, Task{Route: "r", Record: record()})
		require.Nil(t, f, code)
		require.Equal(t, []string{"find", "create", "find", "activate", "suspend"}, target.calls)
	}
	m, target := setup()
	target.refuse = &fault.Fault{Kind: fault.Final, Code: fault.CodeCustomerLimit, Message: "no"}
	_, f := carry(t, m, Task{Route: "r", Record: record()})
	require.Equal(t, fault.CodeCustomerLimit, f.Code, "the customer's other entitlement is none of Ferry's")
	require.Equal(t, []string{"find", "create", "find"}, target.calls)
}

func TestOtherContentIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*entitlement.Entitlement){
		"productKey":  func(e *entitlement.Entitlement) { e.ProductKey = "nova-family" },
		"status":      func(e *entitlement.Entitlement) { e.Status = entitlement.Cancelled },
		"dateCreated": func(e *entitlement.Entitlement) { e.DateCreated = new(now) },
	} {
		m, target := setup()
		there := same(record())
		change(&there)
		target.held["ext-1"] = there
		_, f := carry(t, m, Task{Route: "r", Record: record()})
		require.NotNil(t, f, name)
		require.Equal(t, fault.CodeTargetDiffers, f.Code)
		require.Contains(t, f.Message, name)
		require.Equal(t, []string{"find"}, target.calls, "nothing is written")
	}
}

func TestRecordThatNamesItsEntitlementIsNeverCreatedAnew(t *testing.T) {
	t.Parallel()
	m, target := setup()
	r := record()
	r.EntitlementID = "id-1"
	_, f := carry(t, m, Task{Route: "r", Record: r})
	require.Equal(t, fault.CodeEntitlementNotFound, f.Code)
	require.Equal(t, []string{"get"}, target.calls)

	there := same(r)
	there.Status = entitlement.Active
	target.held["ext-1"], target.calls = there, nil
	res, f := carry(t, m, Task{Route: "r", Record: r})
	require.Nil(t, f)
	require.Equal(t, []string{"get", "suspend"}, target.calls)
	require.Len(t, res.Done, 3)
}

func TestStepThatWasDoneIsTakenAsDone(t *testing.T) {
	t.Parallel()
	m, target := setup()
	there := same(record())
	there.Status = entitlement.Suspended
	target.held["ext-1"] = there
	target.refuse = &fault.Fault{Kind: fault.Final, Code: fault.CodeConflict, Message: "is suspended"}
	res, err := m.Do(t.Context(), Task{Route: "r", Record: record(), Step: entitlement.Suspend, EntitlementID: "id-1"})
	require.NoError(t, err)
	require.Empty(t, res.Remaining)
	require.False(t, res.Found, "the step is this run's")
}

// A refusal is no progress: what is where it was before the step has not taken
// it.
func TestRefusedStepThatWasNotDoneIsRefused(t *testing.T) {
	t.Parallel()
	for step, status := range map[entitlement.Step]entitlement.Status{
		entitlement.Activate: entitlement.Pending, entitlement.Suspend: entitlement.Active,
	} {
		m, target := setup()
		there := same(record())
		there.Status = status
		target.held["ext-1"] = there
		target.refuse = &fault.Fault{Kind: fault.Final, Code: fault.CodeConflict, Message: "no"}
		res, err := m.Do(t.Context(), Task{Route: "r", Record: record(), Step: step, EntitlementID: "id-1"})
		f, _ := fault.As(err)
		require.NotNil(t, f, "%s: %v", step, res)
		require.Equal(t, fault.CodeConflict, f.Code)
		require.Equal(t, fault.Final, f.Kind)
		require.Equal(t, []string{string(step), "get"}, target.calls)
	}
}

func TestEntitlementThatOthersEndedIsLeftAlone(t *testing.T) {
	t.Parallel()
	m, target := setup()
	there := same(record())
	there.Status = entitlement.Revoked
	target.held["ext-1"] = there
	target.refuse = &fault.Fault{Kind: fault.Final, Code: fault.CodeConflict, Message: "is revoked"}
	_, err := m.Do(t.Context(), Task{Route: "r", Record: record(), Step: entitlement.Activate, EntitlementID: "id-1"})
	f, _ := fault.As(err)
	require.Equal(t, fault.CodeTargetDiffers, f.Code)
}

func TestIdentifierIsTheCallsAndNothingElse(t *testing.T) {
	t.Parallel()
	base := RequestID("r", record(), entitlement.Create, "")
	require.Equal(t, base, RequestID("r", record(), entitlement.Create, ""))
	require.NotEqual(t, base, RequestID("other", record(), entitlement.Create, ""))
	require.NotEqual(t, base, RequestID("r", record(), entitlement.Activate, ""))
	ended := record()
	ended.DateActivated, ended.DateSuspended, ended.DateEnded = &now, &now, &now
	says := map[string]entitlement.Step{}
	for _, step := range []entitlement.Step{entitlement.Activate, entitlement.Suspend, entitlement.Cancel, entitlement.Revoke} {
		id := RequestID("r", ended, step, "id")
		require.NotContains(t, says, id, "%s says the same as %s and is another call", step, says[id])
		says[id] = step
	}
	corrected := record()
	corrected.ProductKey = "nova-family"
	require.NotEqual(t, base, RequestID("r", corrected, entitlement.Create, ""))
	require.Equal(t, RequestID("r", record(), entitlement.Activate, "id"), RequestID("r", corrected, entitlement.Activate, "id"),
		"what a call doesn't say is no part of it")
	zoned := record()
	zoned.DateCreated = new(zoned.DateCreated.In(time.FixedZone("", 3600)))
	require.Equal(t, base, RequestID("r", zoned, entitlement.Create, ""), "one instant is one call")
}

func TestFaultsAreFreeOfTheRecordsValues(t *testing.T) {
	t.Parallel()
	m, target := setup()
	target.refuse = &fault.Fault{Kind: fault.Final, Code: fault.CodeBadRequest, Message: "customer cust-secret is unknown"}
	_, f := carry(t, m, Task{Route: "r", Record: record()})
	require.NotContains(t, f.Message, "cust-secret")
	require.Contains(t, f.Message, "is unknown")
	require.NoError(t, f.Cause)
}
