package migrator

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// finding is a target that answers reads with what the test has made of them.
type finding struct {
	*memory
	answers []entitlement.Entitlement
}

func (f finding) Find(context.Context, string, []string) ([]entitlement.Entitlement, error) {
	return f.answers, nil
}

func (f finding) Get(context.Context, string) (entitlement.Entitlement, error) {
	return f.answers[0], nil
}

func odd(e entitlement.Entitlement) entitlement.Entitlement {
	e.Status, e.CustomerIdentifier = "", ""
	e.Odd = []entitlement.Oddity{{Field: "status", Why: "is ASLEEP, which is none of the platform's"}, {Field: "customerIdentifier", Why: "is null"}}
	return e
}

// What isn't understood is the record's own trouble, on every read, and never
// followed by a write.
func TestAnswersThatAreNotUnderstoodDiffer(t *testing.T) {
	t.Parallel()
	for name, task := range map[string]Task{
		"look":           {Step: entitlement.Create},
		"reload":         {Step: entitlement.Create, EntitlementID: ""},
		"after a 202":    {Step: entitlement.Activate, EntitlementID: "id-1", Accepted: true},
		"after CONFLICT": {Step: entitlement.Activate, EntitlementID: "id-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, m := setup()
			r := record()
			if name == "reload" {
				r.EntitlementID = "id-1"
			}
			if name == "after CONFLICT" {
				m.refuse = &fault.Fault{Kind: fault.Final, Code: fault.CodeConflict}
			}
			task.Route, task.Record = "acme-nova", r
			e := same(r)
			e.EntitlementID = "id-1"
			target := finding{m, []entitlement.Entitlement{odd(e)}}
			_, err := New(target, func() time.Time { return now }).Do(t.Context(), task)
			f, ok := fault.As(err)
			require.True(t, ok)
			require.Equal(t, fault.Final, f.Kind)
			require.Equal(t, fault.CodeTargetDiffers, f.Code)
			require.Contains(t, f.Message, "not understood of its answer: status is ASLEEP, which is none of the platform's, customerIdentifier is null")
			require.NotContains(t, m.calls, "create")
		})
	}
}

// Under an id that only a fold tells from the record's: the record's customer
// and product may be an earlier create of its own, so nothing is created
// beside; anybody else's is passed over, and never touched.
func TestIdsThatOnlyAFoldTellsApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		alike  func(*entitlement.Entitlement)
		create bool
	}{
		"the record's own":   {func(*entitlement.Entitlement) {}, false},
		"another customer's": {func(e *entitlement.Entitlement) { e.CustomerIdentifier = "cust-other" }, true},
		"another product":    {func(e *entitlement.Entitlement) { e.ProductKey = "nova-family" }, true},
		"not understood":     {func(e *entitlement.Entitlement) { *e = odd(*e) }, true},
		"another id":         {func(e *entitlement.Entitlement) { e.ExternalEntitlementID = "ext-11" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, m := setup()
			e := same(record())
			e.ExternalEntitlementID = " EXT-1"
			c.alike(&e)
			target := finding{m, []entitlement.Entitlement{e}}
			_, err := New(target, func() time.Time { return now }).Do(t.Context(), Task{Route: "acme-nova", Record: record(), Step: entitlement.Create})
			if c.create {
				require.NoError(t, err)
				require.Equal(t, []string{"create"}, m.calls)
				return
			}
			f, ok := fault.As(err)
			require.True(t, ok)
			require.Equal(t, fault.CodeTargetDiffers, f.Code)
			require.Contains(t, f.Message, "case of letters")
			require.NotContains(t, f.Message, "cust-secret")
			require.Empty(t, m.calls)
		})
	}
}
