package migrator

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// oddAnswer is a success that isn't understood, to a write.
func oddAnswer() *fault.Fault {
	return &fault.Fault{Kind: fault.Retryable, Code: fault.CodeGateway, HTTPStatus: 204, Unclear: true, Message: "create: status 204"}
}

// made is the answer to a create that names an entitlement and is odd else.
func made() *fault.Fault {
	return inOwnWords(&fault.Fault{
		Kind: fault.Retryable, Code: fault.CodeUnexpected, HTTPStatus: 200, Unclear: true, Made: true, EntitlementID: "id-1",
		Message: "create: the answer makes no sense: it is about another external id",
	})
}

// One look after an odd answer settles what the write has done.
func TestOneLookSettlesAnOddAnswer(t *testing.T) {
	t.Parallel()
	for _, step := range []entitlement.Step{entitlement.Create, entitlement.Activate, entitlement.Suspend} {
		for _, effect := range []bool{true, false} {
			m, target := setup()
			task := Task{Route: "r", Record: record(), Step: entitlement.Create}
			for task.Step != step {
				res, err := m.Do(t.Context(), task)
				require.NoError(t, err)
				task.Step, task.EntitlementID = res.Remaining[0], res.EntitlementID
			}
			target.calls, target.refuse, target.effect = nil, oddAnswer(), effect
			res, err := m.Do(t.Context(), task)
			look := map[bool]string{true: "find", false: "get"}[step == entitlement.Create]
			require.Equal(t, look, target.calls[len(target.calls)-1], "%s: the look comes last", step)
			if effect {
				require.NoError(t, err)
				require.NotContains(t, res.Remaining, step)
				require.Equal(t, "id-1", res.EntitlementID)
				continue
			}
			f, _ := fault.As(err)
			require.Equal(t, fault.Retryable, f.Kind, "%s: nothing there is worth another try", step)
			require.True(t, f.Unclear)
		}
	}
}

// What is turned away before the target is final, unless a look shows that it
// came through; then only the answer was turned away.
func TestARefusalOfOneCallIsLookedInto(t *testing.T) {
	t.Parallel()
	refusal := fault.Fault{Kind: fault.Final, Code: fault.CodeGateway, HTTPStatus: 403, Alone: true, Message: "create: status 403"}
	for _, effect := range []bool{true, false} {
		m, target := setup()
		target.refuse, target.effect = new(refusal), effect
		res, err := m.Do(t.Context(), Task{Route: "r", Record: record(), Step: entitlement.Create})
		if effect {
			require.NoError(t, err)
			require.Equal(t, "id-1", res.EntitlementID)
			continue
		}
		f, _ := fault.As(err)
		require.Equal(t, fault.Final, f.Kind)
		require.Equal(t, fault.CodeGateway, f.Code)
	}
}

// A create has no state to conflict with: something is under way.
func TestAConflictAtACreateIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, conflict := range []fault.Fault{
		{Kind: fault.Final, Code: fault.CodeConflict, HTTPStatus: 409, Message: "a request with this identifier is under way"},
		{Kind: fault.Final, Code: "REQUEST_IN_PROGRESS", HTTPStatus: 409, Message: "one moment"},
	} {
		m, target := setup()
		target.refuse = new(conflict)
		task := Task{Route: "r", Record: record(), Step: entitlement.Create}
		_, err := m.Do(t.Context(), task)
		f, _ := fault.As(err)
		require.Equal(t, fault.Retryable, f.Kind)
		require.Equal(t, conflict.Code, f.Code)
		require.True(t, f.Unclear, "what is under way may take effect")

		res, err := m.Do(t.Context(), task)
		require.NoError(t, err)
		require.Equal(t, "id-1", res.EntitlementID)

		m, target = setup()
		target.refuse, target.effect = new(conflict), true
		res, err = m.Do(t.Context(), task)
		require.NoError(t, err, "it has ended meanwhile")
		require.Equal(t, "id-1", res.EntitlementID)
	}
}

// A step has a state to conflict with; only after an unclear call may the
// conflict be that call's.
func TestAConflictAtAStepIsItsState(t *testing.T) {
	t.Parallel()
	for _, unclear := range []bool{false, true} {
		m, target := setup()
		target.held["ext-1"] = same(record())
		target.refuse = &fault.Fault{Kind: fault.Final, Code: fault.CodeConflict, HTTPStatus: 409, Message: "no"}
		_, err := m.Do(t.Context(), Task{Route: "r", Record: record(), Step: entitlement.Activate, EntitlementID: "id-1", Unclear: unclear})
		f, _ := fault.As(err)
		require.Equal(t, fault.CodeConflict, f.Code)
		require.Equal(t, unclear, f.Kind == fault.Retryable)
	}
}

// A target that names the entitlement, and doesn't list it yet, has it.
func TestWhatAlreadyExistsIsReadByItsID(t *testing.T) {
	t.Parallel()
	m, target := setup()
	there := same(record())
	target.held["not listed"] = there
	target.refuse = &fault.Fault{Kind: fault.Final, Code: fault.CodeAlreadyExists, EntitlementID: "id-1", Message: "there"}
	res, err := m.Do(t.Context(), Task{Route: "r", Record: record(), Step: entitlement.Create})
	require.NoError(t, err)
	require.Equal(t, "id-1", res.EntitlementID)

	there.ProductKey = "another"
	target.held["not listed"] = there
	target.refuse = &fault.Fault{Kind: fault.Final, Code: fault.CodeAlreadyExists, EntitlementID: "id-1", Message: "there"}
	_, err = m.Do(t.Context(), Task{Route: "r", Record: record(), Step: entitlement.Create})
	f, _ := fault.As(err)
	require.Equal(t, fault.CodeTargetDiffers, f.Code)
	require.False(t, f.Made, "it is somebody else's")
}

// trimming is a target that keeps another external id than it was given, and
// finds nothing under the one that it was given.
type trimming struct {
	*memory

	keep   func(*entitlement.Entitlement)
	answer *fault.Fault // to the create; nil: the entitlement as it was made
	get    error
}

func (m trimming) Create(ctx context.Context, request string, r *entitlement.Record) (entitlement.Entitlement, error) {
	e, err := m.memory.Create(ctx, request, r)
	delete(m.held, r.ExternalEntitlementID)
	m.keep(&e)
	m.held["kept: "+e.ExternalEntitlementID] = e
	if m.answer != nil {
		return entitlement.Entitlement{}, m.answer
	}
	return e, err
}

func (m trimming) Get(ctx context.Context, id string) (entitlement.Entitlement, error) {
	e, err := m.memory.Get(ctx, id)
	if m.get != nil {
		return entitlement.Entitlement{}, m.get
	}
	return e, err
}

func otherID(e *entitlement.Entitlement) { e.ExternalEntitlementID = "EXT-1" }

// A create that made something is never followed by another, whatever its
// answer holds, and its id is kept.
func TestWhatACreateMadeIsNeverMadeAgain(t *testing.T) {
	t.Parallel()
	nothing := func(*entitlement.Entitlement) {}
	unexpected := inOwnWords(&fault.Fault{Kind: fault.Retryable, Code: fault.CodeUnexpected, Message: "get: no sense"})
	for name, c := range map[string]struct {
		target trimming
		want   fault.Fault // Code empty: it goes on
	}{
		"another id, answered in full": {
			trimming{keep: otherID},
			fault.Fault{Kind: fault.Final, Code: fault.CodeTargetDiffers, Message: "the target has created this entitlement with another externalEntitlementId"},
		},
		"another product": {
			trimming{keep: func(e *entitlement.Entitlement) { e.ProductKey = "nova-family" }},
			fault.Fault{Kind: fault.Final, Code: fault.CodeTargetDiffers, Message: "the target has created this entitlement with another productKey"},
		},
		"another id, found by a look": {
			trimming{keep: otherID, answer: made()},
			fault.Fault{Kind: fault.Final, Code: fault.CodeTargetDiffers, Message: "the target has this entitlement with another externalEntitlementId"},
		},
		"a short answer to what is right": {trimming{keep: nothing, answer: made()}, fault.Fault{}},
		"unknown right after": {
			trimming{keep: nothing, answer: made(), get: &fault.Fault{Kind: fault.Final, Code: fault.CodeNotFound}},
			fault.Fault{Kind: fault.Final, Code: fault.CodeTargetDiffers, Message: "the target answered the create with an entitlementId that it doesn't know"},
		},
		"not understood twice": {
			trimming{keep: nothing, answer: made(), get: unexpected},
			fault.Fault{Kind: fault.Final, Code: fault.CodeTargetDiffers, Message: "the target has created an entitlement that isn't understood (get: no sense)"},
		},
		"away right after": {
			trimming{keep: nothing, answer: made(), get: &fault.Fault{Kind: fault.Retryable, Code: fault.CodeTimeout, Message: "get: no answer"}},
			fault.Fault{Kind: fault.Retryable, Code: fault.CodeTimeout, Message: "get: no answer", Unclear: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, memory := setup()
			c.target.memory = memory
			m := New(c.target, func() time.Time { return now })
			task := Task{Route: "r", Record: record(), Step: entitlement.Create}
			res, err := m.Do(t.Context(), task)
			if c.want.Code == "" {
				require.NoError(t, err)
				require.Equal(t, "id-1", res.EntitlementID)
				require.False(t, res.Found, "this run made it")
				return
			}
			f, _ := fault.As(err)
			require.True(t, f.Made)
			require.Equal(t, "id-1", f.EntitlementID)
			require.Equal(t, c.want, fault.Fault{Kind: f.Kind, Code: f.Code, Message: f.Message, Unclear: f.Unclear})
			require.Equal(t, 1, count(memory.calls, "create"))

			task.EntitlementID, task.Accepted = f.EntitlementID, true
			_, _ = m.Do(t.Context(), task)
			require.Equal(t, 1, count(memory.calls, "create"), "what is known by its id is only read")
		})
	}
}

func count(calls []string, name string) int {
	n := 0
	for _, c := range calls {
		if c == name {
			n++
		}
	}
	return n
}

// A port, a status or any other word of Ferry's own is no value of the
// record's, though it may have its digits; what the target says is.
func TestOwnWordsKeepTheirDigits(t *testing.T) {
	t.Parallel()
	r := record()
	r.CustomerIdentifier, r.ExtensionData = "8443", []byte(`{"a":403,"b":"10.1.2.3"}`)
	own := "create: no connection: dial tcp 10.1.2.3:8443: status 403"
	for _, f := range []*fault.Fault{
		{Kind: fault.Final, Code: fault.CodeBadRequest, Message: own + ": customer 8443 at 10.1.2.3 is odd", OwnWords: len(own)},
		{Kind: fault.Final, Code: fault.CodeBadRequest, Message: own, OwnWords: len(own) + 7},
	} {
		m, target := setup()
		target.refuse = f
		_, err := m.Do(t.Context(), Task{Route: "r", Record: r, Step: entitlement.Create})
		said, _ := fault.As(err)
		require.Contains(t, said.Message, own)
		require.NotContains(t, said.Message, "customer 8443")
		require.NotContains(t, said.Message, "at 10.1.2.3")
	}
}
