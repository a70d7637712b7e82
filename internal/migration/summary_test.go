package migration

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

var at = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// The JSON names are a contract with users' scripts.
func TestSummaryJSON(t *testing.T) {
	t.Parallel()
	found := ByGroup{Pending: 1}
	s := Summary{
		Migration: "acme-1", File: "s3://partner/acme-1.json", SHA256: "ab", Route: "acme-nova", Phase: Done, Result: Completed,
		Records: 1, Outcomes: Outcomes{Migrated: 1}, Statuses: CountStatuses(ByGroup{Pending: 1}, ByGroup{Pending: 1}, &found),
		Steps:   StepCounts{Create: StepCount{Planned: 1, Done: 1}},
		Partial: 4, Errors: []ErrorGroup{{Code: "NOT_AVAILABLE", Step: "activate", Count: 7, Examples: []string{"ext-000017"}}},
		Limits: LimitsState{
			Limits:     Limits{ErrorRate: 0.1, MinSample: 100, Consecutive: 10},
			LongestRun: 3, Tripped: &Tripped{Rule: RuleConsecutive, First: 401, Last: 410},
		},
		Audit:     []AuditEntry{{At: at, By: "kim", Action: "pause", Reason: "merchant asked"}},
		StartedAt: &at, Settings: Settings{Environment: "sandbox"},
		Files: map[string]FileInfo{FileReload: {URI: "s3://ferry/migrations/acme-1/reload.json", Bytes: 5120, SHA256: "cd"}},
	}
	body, err := json.Marshal(s)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"migration":"acme-1","file":"s3://partner/acme-1.json","sha256":"ab","route":"acme-nova","parent":"",
		"phase":"DONE","result":"COMPLETED","reason":"","records":1,
		"outcomes":{"MIGRATED":1,"ALREADY_MIGRATED":0,"FAILED":0,"NOT_ATTEMPTED":0},
		"statuses":{
			"PENDING":{"expected":1,"migrated":1,"found":1},"ACTIVE":{"expected":0,"migrated":0,"found":0},
			"SUSPENDED":{"expected":0,"migrated":0,"found":0},"TERMINATED":{"expected":0,"migrated":0,"found":0}},
		"steps":{"create":{"planned":1,"done":1,"failed":0}},
		"partial":4,
		"errors":[{"code":"NOT_AVAILABLE","step":"activate","count":7,"examples":["ext-000017"]}],
		"limits":{"errorRate":0.1,"minSample":100,"consecutive":10,"maxFailures":0,"longestRun":3,
			"tripped":{"rule":"consecutive","first":401,"last":410}},
		"audit":[{"at":"2026-11-21T10:00:00Z","by":"kim","action":"pause","reason":"merchant asked"}],
		"startedAt":"2026-11-21T10:00:00Z","finishedAt":null,
		"settings":{"environment":"sandbox","dryRun":false,"requireApproval":false,"reconcile":false,"waves":false,
			"limits":{"errorRate":0,"minSample":0,"consecutive":0,"maxFailures":0},
			"concurrency":{"batches":0,"perBatch":0},"batchSize":0,"requestsPerSecond":0,"maxProblems":0,
			"retryBudgetSeconds":0,"holdAfterSeconds":0,"continueAfterEvents":0},
		"files":{"reload.json":{"uri":"s3://ferry/migrations/acme-1/reload.json","bytes":5120,"sha256":"cd"}}
	}`, string(body))
	var back Summary
	require.NoError(t, json.Unmarshal(body, &back))
	require.Equal(t, s, back)
}

func TestOutcomeJSON(t *testing.T) {
	t.Parallel()
	o := Outcome{
		Record: 17, ExternalEntitlementID: "ext-17", Fate: Failed, Status: entitlement.Active, EntitlementID: "e-17",
		StepsDone: []entitlement.Step{entitlement.Create}, Step: entitlement.Activate, Code: "NOT_AVAILABLE",
		HTTPStatus: 422, Message: "no", Retryable: true, Attempts: 2, StartedAt: &at, FinishedAt: &at,
	}
	body, err := json.Marshal(o)
	require.NoError(t, err)
	require.JSONEq(t, `{"record":17,"externalEntitlementId":"ext-17","outcome":"FAILED","status":"ACTIVE","entitlementId":"e-17",
		"stepsDone":["create"],"step":"activate","code":"NOT_AVAILABLE","httpStatus":422,"message":"no","retryable":true,
		"attempts":2,"startedAt":"2026-11-21T10:00:00Z","finishedAt":"2026-11-21T10:00:00Z"}`, string(body))
	require.True(t, o.Partial())
	for _, other := range []Outcome{{Fate: Failed}, {Fate: Migrated, EntitlementID: "e"}, {Fate: NotAttempted, EntitlementID: "e"}} {
		require.False(t, other.Partial(), "%+v", other)
	}
}

func TestFoundIsNullUntilTheTargetWasRead(t *testing.T) {
	t.Parallel()
	body, err := json.Marshal(CountStatuses(ByGroup{Active: 2}, ByGroup{Active: 1}, nil))
	require.NoError(t, err)
	require.JSONEq(t, `{"PENDING":{"expected":0,"migrated":0,"found":null},"ACTIVE":{"expected":2,"migrated":1,"found":null},
		"SUSPENDED":{"expected":0,"migrated":0,"found":null},"TERMINATED":{"expected":0,"migrated":0,"found":null}}`, string(body))
	found := ByGroup{Pending: 1, Active: 2, Suspended: 3, Terminated: 4}
	s := CountStatuses(ByGroup{}, ByGroup{}, &found)
	found.Pending = 99
	require.Equal(t, []int{1, 2, 3, 4}, []int{*s.Pending.Found, *s.Active.Found, *s.Suspended.Found, *s.Terminated.Found})
}

func TestOutcomesAddUp(t *testing.T) {
	t.Parallel()
	var o Outcomes
	for i, f := range []Fate{Migrated, AlreadyMigrated, Failed, NotAttempted} {
		require.True(t, f.Known())
		o.Add(f, 1<<i)
	}
	require.Equal(t, Outcomes{Migrated: 1, AlreadyMigrated: 2, Failed: 4, NotAttempted: 8}, o)
	require.Equal(t, 15, o.Total())
	require.Equal(t, 7, o.Finished())
	require.Equal(t, 30, o.Plus(o).Total())
	require.Equal(t, Outcomes{Migrated: 2, AlreadyMigrated: 4, Failed: 8, NotAttempted: 16}, o.Plus(o))
	for _, f := range []Fate{"", "migrated", "LOST"} {
		require.False(t, f.Known())
	}
}

func TestEveryStatusIsCountedInOneGroup(t *testing.T) {
	t.Parallel()
	var g ByGroup
	for _, s := range entitlement.AllStatuses() {
		g.Add(entitlement.StatusGroup(s), 1)
	}
	require.Equal(t, ByGroup{Pending: 1, Active: 2, Suspended: 1, Terminated: 2}, g)
	g.Add("", 7)
	require.Equal(t, ByGroup{Pending: 2, Active: 4, Suspended: 2, Terminated: 4}, g.Plus(g))
}

func TestLimitsAndConcurrencyAreChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, Limits{}.Check())
	require.NoError(t, Limits{ErrorRate: 1, MinSample: 1, Consecutive: 1, MaxFailures: 1}.Check())
	err := Limits{ErrorRate: -0.1, MinSample: -1, Consecutive: -2, MaxFailures: -3}.Check()
	for _, part := range []string{"errorRate -0.1", "minSample -1", "consecutive -2", "maxFailures -3"} {
		require.ErrorContains(t, err, "limits."+part)
	}
	require.NoError(t, Concurrency{1, 1}.Check())
	require.NoError(t, Concurrency{MaxBatches, MaxPerBatch}.Check())
	for _, c := range []Concurrency{{0, 1}, {MaxBatches + 1, 1}, {1, 0}, {1, MaxPerBatch + 1}} {
		require.ErrorContains(t, c.Check(), "is out of range", "%+v", c)
	}
	require.ErrorContains(t, Concurrency{}.Check(), "concurrency.batches 0")
	require.ErrorContains(t, Concurrency{}.Check(), "concurrency.perBatch 0")
}

func TestSettingsHaveBoundsOnBothSides(t *testing.T) {
	t.Parallel()
	require.NoError(t, Settings{Concurrency: Concurrency{1, 1}, RequestsPerSecond: MaxRequestsPerSecond}.Check())
	require.NoError(t, CheckRequestsPerSecond(MinRequestsPerSecond))
	for _, rps := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e-300, 1e6, math.MaxFloat64} {
		require.ErrorContains(t, CheckRequestsPerSecond(rps), "requestsPerSecond", "%v", rps)
	}
	require.Error(t, Limits{ErrorRate: math.NaN()}.Check())
	wrong := Limits{ErrorRate: math.Inf(1), MinSample: math.MaxInt, Consecutive: MaxCount + 1, MaxFailures: MaxCount + 1}.Check()
	require.Len(t, EachOutOfRange(wrong), 4)
	require.NoError(t, Limits{MinSample: MaxCount, Consecutive: MaxCount, MaxFailures: MaxCount}.Check())
}

func TestDurationsAreSecondsInJSON(t *testing.T) {
	t.Parallel()
	s := Settings{RetryBudgetSeconds: 900, HoldAfterSeconds: 120}
	require.Equal(t, 15*time.Minute, s.RetryBudget())
	require.Equal(t, 2*time.Minute, s.HoldAfter())
}

func TestHintsSayWhatToDo(t *testing.T) {
	t.Parallel()
	general := Hint("SOMETHING_NEW")
	require.NotEmpty(t, general)
	for _, code := range []string{
		fault.CodeBadRequest, fault.CodeNotAvailable, fault.CodeNotFound, fault.CodeAlreadyExists, fault.CodeConflict,
		fault.CodeCustomerLimit, fault.CodeTargetUnavailable, fault.CodeTargetDiffers, fault.CodeEntitlementNotFound,
		fault.CodeStillPending, fault.CodeInterrupted, fault.CodeOperatorStopped, fault.CodeInAnotherMigration,
		fault.CodeStoppedByLimit, fault.CodeAborted, fault.CodeStoreFault,
	} {
		require.NotEqual(t, general, Hint(code), code)
	}
	reasons := map[string]bool{}
	for _, code := range []string{fault.CodeStoppedByLimit, fault.CodeAborted, fault.CodeInAnotherMigration, ""} {
		reasons[WhyNotAttempted(code)] = true
	}
	require.Len(t, reasons, 4)
}
