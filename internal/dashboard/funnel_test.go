package dashboard

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

func TestFunnelOfSteps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	b.engine.change("run-1", func(s *migration.Summary) {
		s.Steps = migration.StepCounts{
			Create:   migration.StepCount{Planned: 1000, Done: 410, Failed: 2},
			Activate: migration.StepCount{Planned: 900, Done: 350, Failed: 10},
		}
	})
	body := b.get("/migrations/run-1", "").body
	require.Regexp(t, `(?s)In the file.*1,000.*Created.*410 <small>of 1,000</small>.*2 failed here, 588 not reached so far.*`+
		`Activated.*350 <small>of 900</small>.*10 failed here, 540 not reached so far.*In their final status.*400`, body)
	require.NotContains(t, body, "Suspended</span>")

	s := summaryOf("a", "acme-nova")
	s.Result, s.Steps = migration.StoppedByLimit, migration.StepCounts{Create: migration.StepCount{Planned: 1000, Done: 990, Failed: 3}}
	rows := funnelOf(&s)
	require.Equal(t, stage{Name: "Created", Count: 990, Of: 1000, Planned: 100, Done: 99, Failed: 0.3, Lost: []string{"3 failed here", "7 not reached"}}, rows[1])
}

func TestPassOverTheFile(t *testing.T) {
	t.Parallel()
	asked := 0
	source := func(context.Context, string) int64 { asked++; return 2000 }
	var p passes
	in := func(phase migration.Phase, told operator.Pass) *passing {
		told.At = began
		st := standing{at: began.Add(time.Second), summary: migration.Summary{Phase: phase, File: "s3://partner/a.json"}, plan: planned{Batches: 40}}
		return p.see(t.Context(), &told, &st, source)
	}
	read := in(migration.Importing, operator.Pass{Activity: activities.ImportFileName, Bytes: 500, Records: 1200})
	require.Equal(t, "1,200 records read, 25 %", read.Says())
	require.InDelta(t, barWidth/4, read.Share(), 0.1)
	in(migration.Importing, operator.Pass{Activity: activities.ImportFileName, Bytes: 600, Records: 1300})
	require.Equal(t, 1, asked)
	require.Nil(t, in(migration.Migrating, operator.Pass{Activity: activities.ReconcileName, Batch: 3}))

	at := func(batch, attempt int) string {
		return in(migration.Reconciling, operator.Pass{Activity: activities.ReconcileName, Batch: batch, Attempt: attempt}).Says()
	}
	require.Equal(t, "10 of 40 batches, 25 %", at(11, 1))
	require.Equal(t, "Once more through the batches, for what differed, 3 %", at(2, 1))
	require.Equal(t, "0 of 40 batches, 0 %", at(1, 2), "another attempt begins from the start")

	p = passes{}
	unknown := func(context.Context, string) int64 { return 0 }
	st := standing{at: began, summary: migration.Summary{Phase: migration.Importing}}
	told := operator.Pass{At: began, Bytes: 10, Records: 7}
	require.Equal(t, "7 records read", p.see(t.Context(), &told, &st, unknown).Says())
	st.at = began.Add(time.Minute)
	require.Nil(t, p.see(t.Context(), &told, &st, unknown), "nothing was heard since")
}

func TestPageShowsThePass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	require.NotContains(t, b.get("/migrations/run-1", "").body, `id="passed"`)
	b.running("run-2", "acme-nova")
	b.engine.change("run-2", func(s *migration.Summary) { s.Phase = migration.Reconciling })
	b.engine.mu.Lock()
	run := b.engine.runs["run-2"]
	run.Pass = &operator.Pass{At: time.Now(), Activity: activities.ReconcileName, Attempt: 1, Batch: 6}
	b.engine.runs["run-2"] = run
	b.engine.mu.Unlock()
	require.Contains(t, b.get("/migrations/run-2", "").body, `<p id="passed">5 of 20 batches, 25 %</p>`)
}
