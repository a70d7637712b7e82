package dashboard

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// setupList gives a list of migrations on stand-ins, for a bubble's clock.
func setupList(t *testing.T, open ...string) (*lister, *fakeEngine) {
	t.Helper()
	engine := &fakeEngine{runs: map[string]operator.Run{}, progress: map[string]migration.Summary{}, stuck: map[string]bool{}}
	for _, id := range open {
		s := summaryOf(id, "acme-nova")
		engine.runs[id] = operator.Run{ID: id, File: s.File, Route: s.Route, State: operator.Open, StartedAt: &began}
		engine.progress[id] = s
	}
	return newLister(engine, newPast(&fakeStore{objects: map[string]string{}}), time.Now), engine
}

func (l *listing) of(t *testing.T, id string) entry {
	t.Helper()
	for _, e := range l.entries {
		if e.Migration == id {
			return e
		}
	}
	require.Fail(t, "not in the list", id)
	return entry{}
}

func TestListShowsHowFarRunningOnesAre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	b.engine.change("run-1", func(s *migration.Summary) { s.Phase = migration.Paused })
	body := b.get("/?result=RUNNING", "").body
	for _, text := range []string{">Paused<", ">1,000</td>", ">400</td>", ">12</td>"} {
		require.Contains(t, body, text)
	}
}

func TestASilentMigrationHoldsUpNoList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ids := []string{"well"}
		for n := range 40 {
			ids = append(ids, fmt.Sprintf("stuck-%d", n))
		}
		l, engine := setupList(t, ids...)
		for _, id := range ids[1:] {
			engine.stuck[id] = true
		}
		start := time.Now()
		list, next := l.poll(t.Context())
		require.LessOrEqual(t, time.Since(start), grace, "by the bubble's clock")
		require.Len(t, list.entries, len(ids))
		require.Equal(t, lateEvery, next, "what was late is shown soon")

		time.Sleep(2 * roundTimeout)
		list, _ = l.poll(t.Context())
		time.Sleep(roundTimeout)
		list, _ = l.poll(t.Context())
		well := list.of(t, "well")
		require.Equal(t, migration.Migrating, well.Phase)
		require.Equal(t, 400, well.Outcomes.Migrated)
		require.True(t, list.of(t, "stuck-0").Silent)
		require.EqualValues(t, running, list.of(t, "stuck-0").Phase)
		time.Sleep(roundTimeout) // the last round ends
	})
}

func TestListAsksARunningMigrationEveryFewSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, engine := setupList(t, "well", "stuck")
		engine.stuck["stuck"] = true
		const minutes = 3
		for range minutes * 60 { // more lists than there will ever be
			l.poll(t.Context())
			time.Sleep(time.Second)
		}
		time.Sleep(roundTimeout)
		engine.mu.Lock()
		defer engine.mu.Unlock()
		require.LessOrEqual(t, engine.asked["well"], int(minutes*time.Minute*6/5/glimpseEvery)+1)
		require.GreaterOrEqual(t, engine.asked["well"], int(minutes*time.Minute/2/glimpseEvery))
		require.LessOrEqual(t, engine.asked["stuck"], int(minutes*time.Minute*6/5/glimpseAgain)+1)
	})
}

// What was seen last stays while nobody answers.
func TestListKeepsWhatWasSeenLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, engine := setupList(t, "run-1")
		l.poll(t.Context())
		engine.mu.Lock()
		engine.stuck["run-1"] = true
		engine.mu.Unlock()
		time.Sleep(glimpseEvery)
		l.poll(t.Context())
		time.Sleep(glimpseTimeout)
		list, _ := l.poll(t.Context())
		e := list.of(t, "run-1")
		require.True(t, e.Silent)
		require.Equal(t, 400, e.Outcomes.Migrated)

		engine.mu.Lock()
		delete(engine.runs, "run-1")
		engine.mu.Unlock()
		list, _ = l.poll(t.Context())
		require.Empty(t, list.entries)
		require.Empty(t, l.far.last, "and is forgotten with it")
	})
}
