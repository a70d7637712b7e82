package migration

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// planEncoding names how the settings of a plan are written before they are
// hashed: another way of writing needs another name.
const planEncoding = "ferry-plan/1"

// HashPlan names a plan whose settings were changed after it was made: base is
// the hash that it had then. The encoding is this function's own, a line for
// each setting, so that neither a field that is added nor another Go changes
// what stands for the same settings: workflows compare it over days.
func HashPlan(base string, s Settings) string {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%s %d %s\n", name, len(value), value) }
	number := func(name string, n int) { line(name, strconv.Itoa(n)) }
	decimal := func(name string, x float64) { line(name, strconv.FormatFloat(x, 'g', -1, 64)) }
	line(planEncoding, base)
	line("environment", s.Environment)
	line("dryRun", strconv.FormatBool(s.DryRun))
	line("requireApproval", strconv.FormatBool(s.RequireApproval))
	line("approveFirstWave", strconv.FormatBool(s.ApproveFirstWave))
	line("reconcile", strconv.FormatBool(s.Reconcile))
	line("waves", strconv.FormatBool(s.Waves))
	decimal("errorRate", s.Limits.ErrorRate)
	number("minSample", s.Limits.MinSample)
	number("consecutive", s.Limits.Consecutive)
	number("maxFailures", s.Limits.MaxFailures)
	number("batches", s.Concurrency.Batches)
	number("perBatch", s.Concurrency.PerBatch)
	number("batchSize", s.BatchSize)
	decimal("requestsPerSecond", s.RequestsPerSecond)
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:6])
}

// HashPlanAsFirst is HashPlan for runs of the first behaviour, which hashed
// what Go printed of the settings then.
func HashPlanAsFirst(base string, s Settings) string {
	printed := fmt.Sprintf("{Environment:%s DryRun:%t RequireApproval:%t ApproveFirstWave:%t Reconcile:%t Waves:%t "+
		"Limits:{ErrorRate:%v MinSample:%d Consecutive:%d MaxFailures:%d} Concurrency:{Batches:%d PerBatch:%d} "+
		"BatchSize:%d RequestsPerSecond:%v MaxProblems:%d RetryBudgetSeconds:%d HoldAfterSeconds:%d "+
		"SecondLookSeconds:%d ContinueAfterEvents:%d Notify:%t}",
		s.Environment, s.DryRun, s.RequireApproval, s.ApproveFirstWave, s.Reconcile, s.Waves,
		s.Limits.ErrorRate, s.Limits.MinSample, s.Limits.Consecutive, s.Limits.MaxFailures, s.Concurrency.Batches, s.Concurrency.PerBatch,
		s.BatchSize, s.RequestsPerSecond, s.MaxProblems, s.RetryBudgetSeconds, s.HoldAfterSeconds,
		s.SecondLookSeconds, s.ContinueAfterEvents, s.Notify)
	sum := sha256.Sum256([]byte(base + " " + printed))
	return hex.EncodeToString(sum[:6])
}
