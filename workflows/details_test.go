package workflows

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

func TestDetailsSayWhereARunStands(t *testing.T) {
	t.Parallel()
	s := Summary{
		Phase: migration.Migrating, Records: 200, Partial: 1,
		Outcomes: migration.Outcomes{Migrated: 47, AlreadyMigrated: 1, Failed: 2},
		Steps:    migration.StepCounts{Create: migration.StepCount{Planned: 200, Done: 49, Failed: 1}, Activate: migration.StepCount{Planned: 150, Done: 30, Failed: 1}},
		Limits: migration.LimitsState{
			Limits: migration.Limits{ErrorRate: 0.1, MinSample: 100, Consecutive: 10, MaxFailures: 50}, LongestRun: 1,
		},
		Errors: []migration.ErrorGroup{{Code: fault.CodeNotAvailable, Step: "activate", Count: 2, Examples: []string{"ext-1", "ext-2"}}},
	}
	text := details(&s, nil, "")
	for _, says := range []string{
		"## MIGRATING\n", "**50 of 200 records** are over: 47 migrated, 1 already migrated, 2 failed (1 half-way), 0 not attempted.",
		"Steps done: create 49 of 200, activate 30 of 150.", "- 4 % of 50 finished have failed (stops at 10 % of 100 or more)\n",
		"- 1 in a row (stops at 10)\n", "- 2 in all (stops at 50)\n", "- **2 × NOT_AVAILABLE** at activate, such as `ext-1`, `ext-2`: " + migration.HintAt(fault.CodeNotAvailable, true),
	} {
		require.Contains(t, text, says)
	}
	require.NotContains(t, text, "What to do")

	s = Summary{Phase: migration.Done, Result: migration.Rejected, Records: 3, Reason: "the file has problems", Problems: &migration.Problems{Total: 12}}
	text = details(&s, []string{"line 1: one"}, "correct it")
	require.Contains(t, text, "## REJECTED\n\nthe file has problems\n\n**What to do:** correct it")
	require.Contains(t, text, "The first of 12 problems (all are in validation.json):\n\n- line 1: one\n")
	require.NotContains(t, text, "Limits")
	require.NotContains(t, text, "Steps")

	text = details(&Summary{Phase: migration.Checking}, nil, "")
	require.Equal(t, "## CHECKING", strings.TrimSpace(text))
}

func TestWhatToDoNext(t *testing.T) {
	t.Parallel()
	run := func(change func(*fileRun)) string {
		r := &fileRun{id: "acme-1", phase: migration.Migrating}
		change(r)
		return r.whatNext()
	}
	for _, c := range []struct {
		name   string
		change func(*fileRun)
		says   string
	}{
		{"waiting for approval", func(r *fileRun) { r.phase, r.PlanHash = migration.AwaitingApproval, "5f2c9a10" }, "ferry approve acme-1 --plan 5f2c9a10"},
		{"paused", func(r *fileRun) { r.Hold = true }, "ferry resume acme-1"},
		{"held for an outage", func(r *fileRun) { r.Hold, r.probing = true, func() {} }, "it goes on by itself"},
		{"rejected", func(r *fileRun) { r.result = migration.Rejected }, "ferry reports acme-1` fetches validation.json"},
		{"dry run", func(r *fileRun) { r.result = migration.DryRun }, "plan.json"},
		{"with failures", func(r *fileRun) {
			r.result = migration.CompletedWithFailures
			r.Closed.Outcomes.Failed = 1
		}, "ferry reload acme-1"},
		{"with differences alone", func(r *fileRun) { r.result = migration.CompletedWithFailures }, "correlation.csv"},
	} {
		require.Contains(t, run(c.change), c.says, c.name)
	}
	require.Empty(t, run(func(*fileRun) {}), "it just goes on")
	require.Empty(t, run(func(r *fileRun) { r.result = migration.Completed }))
	require.Empty(t, run(func(r *fileRun) { r.result = migration.StoppedByLimit }), "the reason says it")
}

// Another system is told of an end, if the run was started so, and by a
// workflow that outlives the root.
func TestAnEndIsTold(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		b := fileEnv(t)
		b.settings.Notify = told
		var ids []string
		b.SetOnChildWorkflowStartedListener(func(info *workflow.Info, _ workflow.Context, _ converter.EncodedValues) {
			if info.WorkflowType.Name == NotifyCompletionName {
				require.NotNil(t, b.summary, "the summary is written first")
				ids = append(ids, info.WorkflowExecution.ID)
			}
		})
		b.ExecuteWorkflow(MigrateFileName, MigrateFileInput{File: "s3://partner/acme-1.json", Route: "acme-nova"})
		require.NoError(t, b.GetWorkflowError())
		if told {
			require.Equal(t, []string{NotifyID(b.summary.Migration)}, ids)
		} else {
			require.Empty(t, ids)
		}
	}
}

func TestMarksAreThoseThatTheNamespaceHas(t *testing.T) {
	t.Parallel()
	require.Len(t, marks(SearchAttributes()).of("acme-1", "acme-nova"), 2)
	require.Len(t, marks(SearchAttributes()).result(migration.Completed), 1)
	require.Len(t, marks{AttributeRoute, "CustomThing"}.of("acme-1", "acme-nova"), 1)
	require.Empty(t, marks(nil).of("acme-1", "acme-nova"))
	require.Empty(t, marks(SearchAttributes()).result(""))
}
