package activities

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// oddly puts something before the sandbox that spoils reads: items of the
// report by external id, and answers to questions for some ids.
type oddly struct {
	change map[string]func(map[string]any) // items, by external id
	beside []any                           // items that nobody asked for
	refuse map[string]int                  // statuses, by external id
	gone   map[string]int                  // statuses of a GET, by entitlementId
}

// through lets the bundle's activities call the sandbox through it.
func (o *oddly) through(b *bundle) {
	b.t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/entitlement/report" {
			o.report(b, w, r)
			return
		}
		if status := o.gone[r.URL.Path[len("/v1/"):]]; status != 0 && r.Method == http.MethodGet {
			o.say(w, status)
			return
		}
		b.box.Handler().ServeHTTP(w, r)
	}))
	b.t.Cleanup(web.Close)
	b.acts = New(Options{
		Store: b.store, Target: b.client(web.URL, sandbox.DefaultPassword), Defaults: b.settings, Namespace: "default", Now: b.clock.Now,
	})
}

func (o *oddly) say(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	code := "BAD_REQUEST"
	if status >= 500 {
		code = "INTERNAL_ERROR"
	}
	_, _ = io.WriteString(w, `{"responseCode":"`+code+`","responseMessage":"one of the ids is not liked"}`)
}

func (o *oddly) report(b *bundle, w http.ResponseWriter, r *http.Request) {
	asked, _ := io.ReadAll(r.Body)
	for id, status := range o.refuse {
		if bytes.Contains(asked, []byte(`"`+id+`"`)) {
			o.say(w, status)
			return
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(asked))
	rec := httptest.NewRecorder()
	b.box.Handler().ServeHTTP(rec, r)
	var page map[string]any
	_ = json.Unmarshal(rec.Body.Bytes(), &page)
	items, _ := page["entitlements"].([]any)
	for _, item := range items {
		fields, _ := item.(map[string]any)
		id, _ := fields["externalEntitlementId"].(string)
		if change := o.change[id]; change != nil {
			change(fields)
		}
	}
	page["entitlements"] = append(slices.Clone(o.beside), items...)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(page)
}

func set(field string, value any) func(map[string]any) {
	return func(fields map[string]any) { fields[field] = value }
}

// One odd item, or one id that the target refuses or fails at, is one record's
// trouble in each pass over a file.
func TestOneIdsOddityIsOneRecordsTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		odd  oddly
		says string // of ext-0002, in a reconciliation
		code string // of ext-0002, when it is resolved
	}{
		"unknown status": {
			oddly{change: map[string]func(map[string]any){"ext-0002": set("status", "ASLEEP")}},
			"Error: Status is different", fault.CodeTargetDiffers,
		},
		"null customer": {
			oddly{change: map[string]func(map[string]any){"ext-0002": set("customerIdentifier", nil)}},
			"Error: CustomerIdentifier is different", fault.CodeTargetDiffers,
		},
		"a date that is none": {
			oddly{change: map[string]func(map[string]any){"ext-0002": set("dateCreated", "soon")}},
			"Error: DateCreated is different", fault.CodeTargetDiffers,
		},
		"others' items": {
			oddly{beside: []any{nil, 7, "ext-0002", []any{}, map[string]any{"externalEntitlementId": "else", "status": 1}}},
			migrationfile.CorrelationOK, "",
		},
		"refused": {oddly{refuse: map[string]int{"ext-0002": 400}}, migrationfile.CorrelationOK, fault.CodeOperatorStopped},
		"failed":  {oddly{refuse: map[string]int{"ext-0002": 500}}, migrationfile.CorrelationOK, fault.CodeOperatorStopped},
		"failed by both its ids": {
			oddly{refuse: map[string]int{"ext-0002": 500}, gone: map[string]int{"": 500}},
			"Error: Entitlement can't be read (INTERNAL_ERROR)", fault.CodeOperatorStopped,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ref := b.stage("acme", array(sound(1, active), sound(2, active), sound(3, active)))[0]
			made := b.migrate([]BatchRef{ref})
			if status, both := c.odd.gone[""]; both {
				c.odd.gone = map[string]int{"entitlement/" + made[1].EntitlementID: status}
			}
			c.odd.through(b)

			want := []int{1, 2, 3}
			if len(c.odd.refuse) > 0 {
				want = []int{1, 3}
			}
			require.Equal(t, want, run[[]int](b, LookUpBatchName, LookUpBatchInput{BatchRef: ref}))

			different := 0
			if c.says != migrationfile.CorrelationOK {
				different = 1
			}
			seen := run[ReadBackResult](b, ReadBackName, ReadBackInput{Migration: "acme", From: 1, To: 1})
			require.Equal(t, []int{3, different}, []int{seen.Checked, seen.Different})
			res := run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"})
			require.Equal(t, []int{3, different}, []int{res.Checked, res.Different})
			says, _ := b.correlation()
			require.Equal(t, map[string]string{
				"ext-0001": migrationfile.CorrelationOK, "ext-0002": c.says, "ext-0003": migrationfile.CorrelationOK,
			}, says)

			resolved := run[[]migration.Outcome](b, ResolveRecordsName, ResolveRecordsInput{BatchRef: ref})
			require.Equal(t, c.code, resolved[1].Code)
			for _, i := range []int{0, 2} {
				require.Equal(t, migration.Migrated, resolved[i].Fate)
			}
			for _, value := range personal {
				require.NotContains(t, resolved[1].Message, value)
			}
		})
	}
}

// A record whose look is odd fails by itself, with what wasn't understood; the
// others that shared its look go on.
func TestAnOddLookFailsItsRecordAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.stage("acme", array(sound(1, active), sound(2, active)))[0]
	b.carry(ref)
	o := oddly{change: map[string]func(map[string]any){"ext-0002": func(fields map[string]any) {
		fields["status"], fields["customerIdentifier"] = "ASLEEP", nil
	}}}
	o.through(b)
	recs := run[[]BatchRecord](b, LoadBatchName, ref)
	require.Empty(t, run[PerformStepResult](b, PerformStepName, b.task(ref, recs[0])).Remaining)
	f := refused(b, PerformStepName, b.task(ref, recs[1]))
	requireFault(t, f, fault.Final, fault.CodeTargetDiffers)
	require.Contains(t, f.Message, "customerIdentifier is null, status is ASLEEP, which is none of the platform's")
	require.Equal(t, entitlement.Active, b.at("ext-0002").Status, "it is left as it is")
}
