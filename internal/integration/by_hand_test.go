package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// victim is a record that somebody lays hands on. No other record of the
// target has its dates.
type victim struct {
	*stack

	gates    gates
	external string
	workflow string
	date     string
	caught   *stop
}

// withVictims starts a migration of so many victims, each followed by a record
// that nobody touches, and catches each victim at its moment.
func (s *stack) withVictims(g gates, name string, moments ...moment) ([]*victim, client.WorkflowRun) {
	s.t.Helper()
	records := decodeRecords(s.t, activeRecords(s.t, s.bucket+"-"+name, 2*len(moments)))
	victims := make([]*victim, len(moments))
	for i, at := range moments {
		r := records[2*i]
		v := &victim{stack: s, gates: g, date: fmt.Sprintf("2024-02-03T04:05:%02dZ", i)}
		r["dateCreated"], r["dateActivated"] = "2024-01-01T00:00:00Z", v.date
		v.external = r["externalEntitlementId"].(string)
		v.workflow = workflows.EntitlementID("acme-nova", v.external)
		v.caught = at(v)
		s.t.Cleanup(v.caught.lift)
		victims[i] = v
	}
	in := inputFor(s.upload(name+".json", encodeRecords(s.t, records)))
	in.Waves = new(false)
	// With all victims caught there is no room for the last record.
	in.Concurrency = &workflows.ConcurrencyInput{PerBatch: new(len(moments))}
	// What somebody stops by hand must count for no limit.
	in.Limits = &workflows.LimitsInput{Consecutive: new(1), MaxFailures: new(1)}
	run := s.start(name, in)
	for _, v := range victims {
		v.isCaught()
	}
	return victims, run
}

// isCaught waits until the victim is where it is to be caught.
func (v *victim) isCaught() {
	v.t.Helper()
	switch {
	case v.caught.answer != nil:
		v.happens(v.workflow, enums.EVENT_TYPE_TIMER_STARTED)
	case v.caught.after:
		v.caught.done(v.t)
	default:
		v.caught.caught(v.t)
	}
}

func (v *victim) create() func(*http.Request) bool {
	return about(func(r *http.Request) bool {
		return r.Method == http.MethodPost && r.URL.Path == "/v1/entitlement"
	}, `"`+v.external+`"`)
}

func (v *victim) activate() func(*http.Request) bool {
	return about(calls(http.MethodPost, "/v1/entitlement/activate/"), v.date)
}

// moment is where a victim is caught: by what is done to its calls.
type moment func(v *victim) *stop

func refused(match func(*victim) func(*http.Request) bool, status int) moment {
	return func(v *victim) *stop { return v.gates.target.refuse(match(v), later(status)) }
}

func held(match func(*victim) func(*http.Request) bool) moment {
	return func(v *victim) *stop { return v.gates.target.hold(match(v)) }
}

func unanswered(match func(*victim) func(*http.Request) bool) moment {
	return func(v *victim) *stop { return v.gates.target.holdAnswer(match(v)) }
}

var (
	// waiting to try its create again, which is known not to have been done.
	waiting = refused((*victim).create, http.StatusTooManyRequests)
	// the same, and nobody knows whether it was done.
	inDoubt = refused((*victim).create, http.StatusInternalServerError)
	// created, and waiting to try its activation again.
	halfWay = refused((*victim).activate, http.StatusTooManyRequests)
	// its call is under way, and not done or done.
	creating   = held((*victim).create)
	created    = unanswered((*victim).create)
	activating = held((*victim).activate)
	activated  = unanswered((*victim).activate)
)

func (v *victim) cancel() {
	v.t.Helper()
	require.NoError(v.t, v.client.CancelWorkflow(v.ctx, v.workflow, ""))
	v.happens(v.workflow, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
}

func (v *victim) terminate() {
	v.t.Helper()
	require.NoError(v.t, v.client.TerminateWorkflow(v.ctx, v.workflow, "", "by hand"))
}

// happens waits until a workflow's history has an event.
func (s *stack) happens(id string, kind enums.EventType) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		iter := s.client.GetWorkflowHistory(s.ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for iter.HasNext() {
			e, err := iter.Next()
			if err != nil || e.GetEventType() == kind {
				return err == nil
			}
		}
		return false
	}, longWait, 2*tick, "%s of %s", kind, id)
}

// in waits until a migration is shown in a phase.
func (s *stack) in(id string, phase migration.Phase) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		value, err := s.client.QueryWorkflow(s.ctx, s.id(id), "", workflows.QueryProgress)
		var sum workflows.Summary
		return err == nil && value.Get(&sum) == nil && sum.Phase == phase
	}, longWait, 2*tick, "%s of %s", phase, id)
}

// at gives what the target has of an external id.
func (s *stack) at(external string) (found []entitlement.Status) {
	s.t.Helper()
	for e, err := range s.books.Entitlements(s.ctx, "acme-nova") {
		require.NoError(s.t, err)
		if id := e.ExternalEntitlementID; id != nil && *id == external {
			found = append(found, entitlement.Status(e.Status))
		}
	}
	return found
}

// outcomeOf reads a record's outcome from what the batches left.
func (s *stack) outcomeOf(id, external string) migration.Outcome {
	s.t.Helper()
	for _, b := range s.plan(s.id(id)).Batches {
		for _, line := range lines(s.file(id, migration.OutcomesFile(b.Number))) {
			var o migration.Outcome
			require.NoError(s.t, json.Unmarshal([]byte(line), &o))
			if o.ExternalEntitlementID == external {
				return o
			}
		}
	}
	require.Fail(s.t, "no outcome", external)
	return migration.Outcome{}
}

// once holds the target's books to one create an entitlement, and at most one
// activation.
func (s *stack) once() {
	s.t.Helper()
	stats, all := s.stats(), int64(0)
	for _, n := range stats.Entitlements {
		all += n
	}
	require.Equal(s.t, all, stats.Effective["create"])
	require.Zero(s.t, stats.DuplicateExternalIDs)
	require.LessOrEqual(s.t, stats.Effective["activate"], all)
}

// reloads migrates what a migration left over; then the target has each victim
// once, as its file wants it.
func (s *stack) reloads(name string, victims []*victim) {
	s.t.Helper()
	in := inputFor(s.upload(name+"-again.json", s.file(name, migration.FileReload)))
	in.Parent = s.id(name)
	sum := s.migrate(name+"-again", in)
	require.Equal(s.t, migration.Completed, sum.Result, "%+v", sum)
	for _, v := range victims {
		require.Equal(s.t, []entitlement.Status{entitlement.Active}, s.at(v.external), v.external)
	}
	s.once()
}

// byHand is what became of a record that somebody has ended.
type byHand struct {
	Fate    migration.Fate
	Code    string
	Partial bool
}

var (
	migrated  = byHand{Fate: migration.Migrated}
	untouched = byHand{Fate: migration.NotAttempted, Code: fault.CodeOperatorStopped}
	stopped   = byHand{Fate: migration.Failed, Code: fault.CodeOperatorStopped}
	leftPart  = byHand{Fate: migration.Failed, Code: fault.CodeOperatorStopped, Partial: true}
)

func (v *victim) fate(name string) byHand {
	o := v.outcomeOf(name, v.external)
	return byHand{o.Fate, o.Code, o.Partial()}
}

func TestRecordsEndedByHand(t *testing.T) {
	t.Parallel()
	s, g := gated(t)
	cases := []struct {
		name string
		at   moment
		act  func(*victim)
		want byHand
	}{
		{"cancelled waiting", waiting, (*victim).cancel, untouched},
		{"cancelled in doubt", inDoubt, (*victim).cancel, stopped},
		{"cancelled half-way", halfWay, (*victim).cancel, leftPart},
		{"cancelled in a call", created, (*victim).cancel, migrated}, // only what waits is stopped
		{"terminated waiting", waiting, (*victim).terminate, stopped},
		{"terminated in doubt", inDoubt, (*victim).terminate, stopped},
		{"terminated half-way", halfWay, (*victim).terminate, leftPart},
		{"terminated in its create", created, (*victim).terminate, leftPart},
		{"terminated in its activation", activated, (*victim).terminate, migrated},
	}
	moments := make([]moment, len(cases))
	for i, c := range cases {
		moments[i] = c.at
	}
	victims, run := s.withVictims(g, "ended", moments...)
	for i, c := range cases {
		c.act(victims[i])
	}
	victims[3].caught.lift()
	sum := s.result(run)
	for i, c := range cases {
		require.Equal(t, c.want, victims[i].fate("ended"), c.name)
	}
	require.Equal(t, migration.CompletedWithFailures, sum.Result, "no limit counts them: %+v", sum)
	require.Equal(t, migration.Outcomes{Migrated: 11, Failed: 6, NotAttempted: 1}, sum.Outcomes)
	require.Len(t, decodeRecords(t, s.file("ended", migration.FileReload)), 7)
	for _, v := range victims {
		v.caught.lift()
	}
	s.reloads("ended", victims)
}

// What a terminated record has sent and the target does after it was read is
// in nobody's report; the reload finds it.
func TestCallThatOutlivesItsRecordIsFoundByTheReload(t *testing.T) {
	t.Parallel()
	s, g := gated(t)
	victims, run := s.withVictims(g, "outlived", creating)
	victims[0].terminate()
	s.result(run)
	require.Equal(t, stopped, victims[0].fate("outlived"))
	victims[0].caught.lift()
	victims[0].caught.done(t)
	require.Equal(t, []entitlement.Status{entitlement.Pending}, s.at(victims[0].external))
	s.reloads("outlived", victims)
}

func TestRecordsThatAreResetGoOn(t *testing.T) {
	t.Parallel()
	s, g := gated(t)
	victims, run := s.withVictims(g, "reset", waiting, inDoubt, halfWay, creating, created, activating, activated)
	for _, v := range victims {
		if v.caught.answer != nil {
			v.caught.lift() // it waits for minutes all the same
		}
		v.reset(v.workflow)
		v.caught.lift()
	}
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, 14, sum.Outcomes.Migrated, "what was done before the reset is this run's work")
	for _, v := range victims {
		require.Equal(t, []entitlement.Status{entitlement.Active}, s.at(v.external))
	}
	s.clean(sum)
	require.EqualValues(t, 14, s.stats().Effective["activate"])
}
