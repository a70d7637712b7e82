package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

var (
	storms    = flag.Int("storms", 200, "how many random signal storms TestStormsChangeNothing raises")
	stormSeed = flag.Uint64("storm-seed", 1, "the seed of its first storm")
)

// TestStormsChangeNothing raises storms of signals over whole migrations in
// simulated time: any payload, on any channel, in any order, to root, batches
// and records, true messages sent again among them. Counts are those of the
// outcomes, limits trip as a plain reader of the outcomes would have them,
// every run ends, and a pause and an abort are heard.
func TestStormsChangeNothing(t *testing.T) { //nolint:tparallel // lanes run side by side, the storms of each one after the other
	t.Parallel()
	const lanes = 4
	var sent, dropped [lanes]int
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for n := lane; n < *storms && !t.Failed(); n += lanes {
					seed := *stormSeed + uint64(n)
					s := newStorm(t, seed)
					if !t.Run(fmt.Sprintf("seed=%d", seed), s.rage) { //nolint:paralleltest // one storm of a lane at a time
						t.Logf("again: go test ./workflows -run TestStormsChangeNothing -storms 1 -storm-seed %d", seed)
					}
					sent[lane] += s.sent
					dropped[lane] += s.told
				}
			})
		}
	})
	var all, told int
	for i := range lanes {
		all, told = all+sent[i], told+dropped[i]
	}
	if *storms >= 100 {
		require.Positive(t, told)
	}
	t.Logf("%d storms, %d signals, %d of them told as dropped", *storms, all, told)
}

// numberWord finds the counts that the audit's line has.
var numberWord = regexp.MustCompile(`\b[0-9]+\b`)

// storm is one migration with its three workflows as they are, and what blows
// over it.
type storm struct {
	*fileBundle
	t       *testing.T
	rng     *rand.Rand
	seed    uint64
	records int
	size    int // of a batch

	mu       sync.Mutex
	script   map[int][]*fault.Fault // what each call of a record is answered, then success
	calls    []time.Time
	migrated int // so far
	outcomes map[int]migration.Outcome
	begun    map[string]bool // by workflow id
	heard    []trueMessage
	silent   []span // of an operator's pauses
	aborted  time.Time
	sent     int
	told     int // as dropped, in the audit
}

// trueMessage is a signal between the migration's own workflows.
type trueMessage struct {
	id, signal string
	payload    converter.RawValue
}

// span is from an accepted pause to an accepted resume; without an end it is
// still open.
type span struct{ from, to time.Time }

func newStorm(t *testing.T, seed uint64) *storm {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 12))
	s := &storm{
		t: t, seed: seed, rng: rng, size: 2 + rng.IntN(4),
		script: map[int][]*fault.Fault{}, outcomes: map[int]migration.Outcome{}, begun: map[string]bool{},
	}
	batches := 1 + rng.IntN(4)
	s.records = batches*s.size - rng.IntN(s.size)
	s.fileBundle = &fileBundle{
		TestWorkflowEnvironment: quietEnv(),
		settings: migration.Settings{
			Limits:      migration.Limits{Consecutive: rng.IntN(2) * rng.IntN(4), MaxFailures: rng.IntN(3) / 2 * (1 + rng.IntN(5))},
			Concurrency: migration.Concurrency{Batches: 1 + rng.IntN(3), PerBatch: 1 + rng.IntN(s.size)}, BatchSize: s.size,
			RetryBudgetSeconds: 3600, HoldAfterSeconds: 60 + rng.IntN(120), ContinueAfterEvents: 100_000,
		},
		waves: []migrationfile.Wave{{Number: 1, FirstBatch: 1, LastBatch: batches, Records: s.records}},
	}
	s.SetTestTimeout(time.Minute)
	s.writeScript()
	return s
}

// writeScript decides how the target answers each record.
func (s *storm) writeScript() {
	away := fault.Fault{Kind: fault.Retryable, Code: fault.CodeServiceUnavailable, Message: "away"}
	for n := 1; n <= s.records; n++ {
		for range s.rng.IntN(2) * s.rng.IntN(14) {
			s.script[n] = append(s.script[n], &away)
		}
		switch s.rng.IntN(12) {
		case 0, 1, 2:
			s.script[n] = append(s.script[n], &fault.Fault{Kind: fault.Final, Code: fault.CodeNotAvailable, Message: "no"})
		case 3:
			s.script[n] = append(s.script[n], &fault.Fault{Kind: fault.Unauthorized, Code: fault.CodeUnauthorized, Message: "who are you"})
		}
	}
}

// rage runs the migration under its storm and looks at what came of it.
func (s *storm) rage(t *testing.T) {
	s.t = t
	s.register()
	for range min(s.rng.IntN(9), 1) * s.rng.IntN(300) {
		at, throw := s.moment(), s.gust()
		s.RegisterDelayedCallback(func() { s.sent++; throw() }, at)
	}
	s.steer()
	sum := s.run(t)
	s.requireTruth(sum)
	s.requireControlHeard(sum)
}

func (s *storm) moment() time.Duration {
	within := []time.Duration{time.Second, 10 * time.Second, time.Minute, 5 * time.Minute, 20 * time.Minute}
	return time.Duration(s.rng.Int64N(int64(within[s.rng.IntN(len(within))])))
}

// steer has an operator pause, look, resume whatever holds the run, and in
// some storms abort.
func (s *storm) steer() {
	for range 1 + s.rng.IntN(2) {
		s.RegisterDelayedCallback(func() {
			s.ask(UpdatePause, func() { s.silent = append(s.silent, span{from: s.Now()}) })
		}, s.moment())
	}
	for at := 7 * time.Minute; at < 5*hour; at += 7 * time.Minute {
		s.RegisterDelayedCallback(func() { s.ask(UpdateResume, s.endSilence) }, at)
	}
	if s.rng.IntN(3) == 0 {
		s.RegisterDelayedCallback(func() {
			s.ask(UpdateAbort, func() { s.aborted = s.Now(); s.endSilence() })
		}, s.moment())
	}
	for range 4 {
		s.RegisterDelayedCallback(s.look, s.moment())
	}
}

func (s *storm) endSilence() {
	if last := len(s.silent) - 1; last >= 0 && s.silent[last].to.IsZero() {
		s.silent[last].to = s.Now()
	}
}

// ask sends an update; one that the run's state refuses is none.
func (s *storm) ask(name string, accepted func()) {
	s.UpdateWorkflow(name, "", &updateCallbacks{
		accept: func() { s.mu.Lock(); accepted(); s.mu.Unlock() },
	}, OperatorAction{By: "kim"})
}

type updateCallbacks struct{ accept func() }

func (u *updateCallbacks) Accept()             { u.accept() }
func (u *updateCallbacks) Reject(error)        {}
func (u *updateCallbacks) Complete(any, error) {}

// look holds the progress to what has happened.
func (s *storm) look() {
	sum := s.query(s.t)
	s.mu.Lock()
	defer s.mu.Unlock()
	require.LessOrEqual(s.t, sum.Outcomes.Migrated, s.migrated, "seed %d", s.seed)
	require.LessOrEqual(s.t, sum.Outcomes.Total(), s.records, "seed %d", s.seed)
	require.Zero(s.t, sum.Outcomes.AlreadyMigrated, "seed %d", s.seed)
}

func (s *storm) requireTruth(sum Summary) {
	t := s.t
	var o migration.Outcomes
	failed := make([]bool, s.records)
	counted := 0
	for n := 1; n <= s.records; n++ {
		out, ok := s.outcomes[n]
		if !ok {
			out.Fate = migration.NotAttempted
		}
		o.Add(out.Fate, 1)
		if countsAsFailure(out) {
			failed[n-1], counted = true, counted+1
		}
	}
	if sum.Result == migration.Aborted && sum.Records == 0 { // before the file was read
		require.Empty(t, s.calls, "seed %d", s.seed)
		return
	}
	longest := limits.Of(1, failed).Longest
	require.Equal(t, o, sum.Outcomes, "seed %d", s.seed)
	require.Equal(t, longest, sum.Limits.LongestRun, "what the tallies told, seed %d", s.seed)
	l := s.settings.Limits
	reached := l.Consecutive > 0 && longest >= l.Consecutive || l.MaxFailures > 0 && counted >= l.MaxFailures
	switch {
	case sum.Limits.Tripped != nil:
		require.True(t, reached, "no storm trips a limit, seed %d", s.seed)
		require.Equal(t, migration.StoppedByLimit, sum.Result)
	case s.aborted.IsZero():
		require.False(t, reached, "no storm hides a limit, seed %d", s.seed)
		require.Zero(t, o.NotAttempted, "seed %d", s.seed)
	}
}

// requireControlHeard holds the calls of the target to what an operator asked
// for. The audit's line of what was dropped is one.
func (s *storm) requireControlHeard(sum Summary) {
	t := s.t
	const inFlight = 2 * time.Second
	for _, at := range s.calls {
		for _, quiet := range s.silent {
			called := at.After(quiet.from.Add(inFlight)) && (quiet.to.IsZero() || at.Before(quiet.to))
			require.False(t, called, "a call at %s, paused %s to %s, seed %d", at, quiet.from, quiet.to, s.seed)
		}
		require.False(t, !s.aborted.IsZero() && at.After(s.aborted.Add(inFlight)), "a call after the abort, seed %d", s.seed)
	}
	if !s.aborted.IsZero() && sum.Limits.Tripped == nil {
		require.Contains(t, []migration.Result{migration.Aborted, migration.Completed, migration.CompletedWithFailures}, sum.Result)
	}
	lines := slices.DeleteFunc(slices.Clone(s.audit), func(e migration.AuditEntry) bool { return e.Action != actionDrop })
	require.LessOrEqual(t, len(lines), 1, "seed %d", s.seed)
	if s.sent == 0 {
		require.Empty(t, lines, "a calm run drops nothing, seed %d", s.seed)
	}
	s.told = 0
	for _, line := range lines {
		for _, n := range numberWord.FindAllString(line.Reason, -1) {
			var k int
			_, err := fmt.Sscan(n, &k)
			require.NoError(t, err)
			s.told += k
		}
	}
}

// register gives the migration its activities; what passes between its
// workflows is overheard.
func (s *storm) register() {
	RegisterWorkflows(s)
	s.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&eavesdropper{storm: s}}})
	on := func(name string, f any) { s.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	on(activities.CheckStartName, func(context.Context, activities.CheckStartInput) (*activities.CheckStartResult, error) {
		return &activities.CheckStartResult{Settings: s.settings, ETag: "e"}, nil
	})
	on(activities.ClaimFileName, func(context.Context, activities.ClaimFileInput) (*migration.FileInfo, error) {
		return &migration.FileInfo{}, nil
	})
	on(activities.ImportFileName, func(context.Context, activities.ImportFileInput) (*activities.ImportFileResult, error) {
		return &activities.ImportFileResult{Records: s.records, Batches: s.waves[0].LastBatch, Waves: s.waves, PlanHash: "abc123"}, nil
	})
	on(activities.ListBatchesName, func(_ context.Context, in activities.ListBatchesInput) ([]migrationfile.Batch, error) {
		var out []migrationfile.Batch
		for n := in.From; n <= s.waves[0].LastBatch; n++ {
			first := (n-1)*s.size + 1
			out = append(out, migrationfile.Batch{Number: n, First: first, Count: min(s.size, s.records-first+1)})
		}
		return out, nil
	})
	on(activities.LoadBatchName, func(_ context.Context, in activities.BatchRef) ([]activities.BatchRecord, error) {
		var out []activities.BatchRecord
		for i := range in.Count {
			out = append(out, activities.BatchRecord{
				Record: in.First + i, ExternalEntitlementID: fmt.Sprintf("ext-%d", in.First+i),
				Status: entitlement.Pending, Steps: []entitlement.Step{entitlement.Create},
			})
		}
		return out, nil
	})
	on(activities.LookUpBatchName, func(context.Context, activities.LookUpBatchInput) ([]int, error) { return nil, nil })
	on(activities.ProbeTargetName, func(context.Context) error { return nil })
	on(activities.PerformStepName, s.perform)
	on(activities.WriteOutcomesName, s.write)
	on(activities.WriteReportsName, s.report)
	on(activities.WriteSummaryName, func(_ context.Context, in activities.WriteSummaryInput) (map[string]migration.FileInfo, error) {
		s.summary, s.audit = &in.Summary, in.Audit
		return in.Summary.Files, nil
	})
}

func (s *storm) perform(_ context.Context, in activities.PerformStepInput) (*activities.PerformStepResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, s.Now())
	if answers := s.script[in.Record]; len(answers) > 0 {
		if answers[0].Kind != fault.Final {
			s.script[in.Record] = answers[1:]
		}
		return nil, fault.Once(answers[0])
	}
	s.migrated++
	return &activities.PerformStepResult{EntitlementID: "id", Done: []entitlement.Step{entitlement.Create}}, nil
}

func (s *storm) write(_ context.Context, in activities.WriteOutcomesInput) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, out := range in.Outcomes {
		s.outcomes[out.Record] = out
	}
	return nil
}

func (s *storm) report(context.Context, activities.WriteReportsInput) (*activities.WriteReportsResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	res := &activities.WriteReportsResult{Records: s.records}
	for n := 1; n <= s.records; n++ {
		fate := migration.NotAttempted
		if out, ok := s.outcomes[n]; ok {
			fate = out.Fate
		}
		res.Outcomes.Add(fate, 1)
	}
	return res, nil
}

// eavesdropper keeps what the migration's own workflows tell each other.
type eavesdropper struct {
	interceptor.WorkerInterceptorBase

	storm *storm
}

func (e *eavesdropper) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &eavesdropperIn{storm: e.storm}
	in.Next = next
	return in
}

type eavesdropperIn struct {
	interceptor.WorkflowInboundInterceptorBase

	storm *storm
}

func (e *eavesdropperIn) Init(next interceptor.WorkflowOutboundInterceptor) error {
	out := &eavesdropperOut{storm: e.storm}
	out.Next = next
	return e.Next.Init(out)
}

type eavesdropperOut struct {
	interceptor.WorkflowOutboundInterceptorBase

	storm *storm
}

func (e *eavesdropperOut) SignalExternalWorkflow(ctx workflow.Context, id, run, signal string, arg any) workflow.Future {
	if data, err := json.Marshal(arg); err == nil {
		e.storm.mu.Lock()
		e.storm.heard = append(e.storm.heard, trueMessage{id, signal, converter.NewRawValue(rawJSON(string(data)))})
		begun := e.storm.begun[id]
		e.storm.mu.Unlock()
		if !begun { // it is told again once it runs
			lost, settable := workflow.NewFuture(ctx)
			settable.Set(nil, errors.New("it has not begun"))
			return lost
		}
	}
	return e.Next.SignalExternalWorkflow(ctx, id, run, signal, arg)
}

// send throws a signal at a workflow of the migration; one that isn't there
// hears none.
func (s *storm) send(id, signal string, payload any) {
	if id == "acme-1" {
		s.SignalWorkflow(signal, payload)
		return
	}
	s.mu.Lock()
	begun := s.begun[id]
	s.mu.Unlock()
	if begun {
		_ = s.SignalWorkflowByID(id, signal, payload)
	}
}

// gust is one signal of the storm, drawn now and thrown later.
func (s *storm) gust() (throw func()) {
	id, signal := s.anyone(), s.anyChannel()
	draw := rand.New(rand.NewPCG(s.rng.Uint64(), 1))
	switch s.rng.IntN(8) {
	case 0, 1:
		return func() { s.send(id, signal, anyBytes(draw)) }
	case 2, 3, 4:
		forged := s.forge(draw)
		return func() { s.send(id, signal, forged) }
	case 5:
		return func() { s.repeat(draw, func(m trueMessage) { s.send(m.id, m.signal, m.payload) }) }
	case 6: // a true one at somebody else's door
		return func() { s.repeat(draw, func(m trueMessage) { s.send(id, signal, m.payload) }) }
	default:
		return func() { s.repeat(draw, func(m trueMessage) { s.send(m.id, m.signal, bend(draw, m.payload)) }) }
	}
}

func (s *storm) anyone() string {
	switch s.rng.IntN(3) {
	case 0:
		return "acme-1"
	case 1:
		return BatchID("acme-1", 1+s.rng.IntN(s.waves[0].LastBatch))
	}
	return EntitlementID("acme-nova", fmt.Sprintf("ext-%d", 1+s.rng.IntN(s.records)))
}

func (s *storm) anyChannel() string {
	channels := []string{signalControl, signalTally, signalTrouble, signalControl, signalTally, signalTrouble, "progress", "constructor", ""}
	return channels[s.rng.IntN(len(channels))]
}

// repeat does something with a message that was sent before, if there is one.
func (s *storm) repeat(draw *rand.Rand, do func(trueMessage)) {
	s.mu.Lock()
	if len(s.heard) == 0 {
		s.mu.Unlock()
		return
	}
	m := s.heard[draw.IntN(len(s.heard))]
	s.mu.Unlock()
	do(m)
}

func anyBytes(draw *rand.Rand) any {
	encodings := []string{
		"json/plain", "json/plain", "binary/null", "binary/plain", "json/protobuf", "binary/protobuf",
		"binary/encrypted", "", "json/plain ", "x",
	}
	data := make([]byte, draw.IntN(200))
	for i := range data {
		data[i] = byte(draw.Uint32())
	}
	if draw.IntN(3) == 0 {
		texts := []string{`{}`, `null`, `[]`, `"x"`, `{"number":"x"}`, `{"number":1e400}`, `{"number":NaN}`, `{"hold":true`, `{"hold":true}{}`, ``, ` `}
		data = []byte(texts[draw.IntN(len(texts))])
	}
	return converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{"encoding": []byte(encodings[draw.IntN(len(encodings))])}, Data: data,
	})
}

// forge makes a message of the right shape by somebody who doesn't know the
// run's mark.
func (s *storm) forge(draw *rand.Rand) any {
	number := func() int {
		return []int{0, 1, 2, 3, -1, 10, 100, 999_999_999, 1 << 62, -1 << 62}[draw.IntN(10)]
	}
	st := stamp{Mark: []string{"", "x", "5f2c9a10b3d45f2c9a10b3d45f2c9a10"}[draw.IntN(3)], Run: "default-test-run-id"}
	stop := []string{"", fault.CodeAborted, fault.CodeOperatorStopped, "X"}[draw.IntN(4)]
	switch draw.IntN(3) {
	case 0:
		return recordControl{Migration: []string{"", "acme-1"}[draw.IntN(2)], Control: Control{
			stamp: st, Number: number(), Hold: draw.IntN(2) == 0, Stop: stop, Width: number(), Consecutive: number(),
			RequestsPerSecond: float64(number()), Releases: number(), Resumes: number(),
		}}
	case 1:
		n := 1 + draw.IntN(s.waves[0].LastBatch)
		return Tally{
			stamp: st, Number: n, Sent: number(), Waiting: number(), Partial: number(), Dropped: number(),
			Outcomes: migration.Outcomes{Migrated: number(), Failed: number(), AlreadyMigrated: number(), NotAttempted: number()},
			Report: limits.Report{Order: "ffffff"[:draw.IntN(6)], Streak: limits.Streak{
				First: (n-1)*s.size + 1, Length: s.size, Leading: number(), Trailing: number(), Longest: number(), LongestFirst: number(),
			}},
		}
	}
	return Trouble{
		stamp: st, Batch: number(), Record: number(), Code: []string{fault.CodeUnauthorized, fault.CodeServiceUnavailable, ""}[draw.IntN(3)],
		Message: "forged", Since: time.Now().Add(time.Duration(draw.Int64N(1 << 58))), Store: draw.IntN(2) == 0,
	}
}

// bend spoils a true message so that it makes no sense.
func bend(draw *rand.Rand, message converter.RawValue) any {
	var fields map[string]any
	if json.Unmarshal(message.Payload().GetData(), &fields) != nil {
		return nil
	}
	for name, value := range map[string]any{
		"number": 1 << 50, "sent": 1 << 50, "releases": -3, "record": -7, "outcomes": map[string]int{"MIGRATED": 1 << 40, "FAILED": -5},
		"width": -1, "requestsPerSecond": -2, "code": "", "streak": map[string]int{"longest": 500},
	} {
		if _, there := fields[name]; there {
			fields[name] = value
		}
	}
	if draw.IntN(4) == 0 {
		delete(fields, "mark")
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return converter.NewRawValue(rawJSON(string(data)))
}

// ExecuteWorkflow notes that a workflow has begun: the test environment can't
// take a signal for one before.
func (e *eavesdropperIn) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	e.storm.mu.Lock()
	e.storm.begun[workflow.GetInfo(ctx).WorkflowExecution.ID] = true
	e.storm.mu.Unlock()
	return e.Next.ExecuteWorkflow(ctx, in)
}
