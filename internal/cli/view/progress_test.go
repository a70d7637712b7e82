package view

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/pace"
)

func migrating(migrated, failed int) migration.Summary {
	return migration.Summary{
		Phase: migration.Migrating, Records: 1000,
		Outcomes: migration.Outcomes{Migrated: migrated, Failed: failed},
	}
}

func TestPlainProgress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := *at(10, 0)
	l := &lines{w: &b.out, now: func() time.Time { return now }}
	tick := func(d time.Duration) { now = now.Add(d) }

	l.Show(migration.Summary{Phase: migration.Checking}, "")
	tick(time.Second)
	l.Show(migration.Summary{Phase: migration.Checking}, "") // nothing new, too soon
	l.Show(migration.Summary{Phase: migration.Importing}, "1,200 records read")
	l.Show(migration.Summary{Phase: migration.AwaitingApproval, Records: 1000, Reason: "waiting for approval of plan abc123"}, "")
	l.Show(migrating(0, 0), "")
	tick(2 * time.Second)
	l.Show(migrating(40, 1), "") // too soon
	l.Note("a note\x1b[2J")
	tick(3 * time.Second)
	l.Show(migrating(97, 3), "")
	for i := range 6 {
		tick(lineEvery)
		l.Show(migrating(197+100*i, 3), "")
	}
	tick(time.Second)
	paused := migrating(697, 3)
	paused.Phase, paused.Reason = migration.Paused, "the target is away"
	l.Show(paused, "")
	done := migrating(997, 3)
	done.Phase = migration.Reconciling
	l.Show(done, "batch 12")
	done.Phase = migration.Done
	l.Show(done, "")
	l.Close()
	require.Equal(t, `CHECKING
IMPORTING  1,200 records read
AWAITING_APPROVAL  (waiting for approval of plan abc123)  0 of 1000 records
MIGRATING  0 of 1000 records
a note\u001b[2J
MIGRATING  100 of 1000 records  97 migrated, 3 failed  20/s
MIGRATING  200 of 1000 records  197 migrated, 3 failed  20/s
MIGRATING  300 of 1000 records  297 migrated, 3 failed  20/s
MIGRATING  400 of 1000 records  397 migrated, 3 failed  20/s
MIGRATING  500 of 1000 records  497 migrated, 3 failed  20/s
MIGRATING  600 of 1000 records  597 migrated, 3 failed  20/s, about 20 seconds left
MIGRATING  700 of 1000 records  697 migrated, 3 failed  20/s, about 15 seconds left
PAUSED  (the target is away)  700 of 1000 records  697 migrated, 3 failed
RECONCILING  1000 of 1000 records  997 migrated, 3 failed  batch 12
DONE  1000 of 1000 records  997 migrated, 3 failed
`, b.out.String())
}

func TestTempoIsSaidAsFarAsItIsKnown(t *testing.T) {
	t.Parallel()
	require.Empty(t, tempo(pace.Reading{}))
	require.Empty(t, tempo(pace.Reading{Measured: true}), "it stands still")
	require.Equal(t, "0.4/s", tempo(pace.Reading{Measured: true, PerSecond: 0.4}))
	require.Equal(t, "4.0/s, 40 to 80 seconds left", tempo(pace.Reading{
		Measured: true, PerSecond: 4, LeftKnown: true, Shortest: 40 * time.Second, Longest: 80 * time.Second,
	}))
}

// screen is a writer for the bar's own goroutine.
type screen struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

func TestBarShowsTheLastState(t *testing.T) {
	t.Parallel()
	var out screen
	p := NewProgress(&out, true)
	p.Show(migrating(10, 0), "")
	p.Note("a note")
	done := migrating(997, 3)
	done.Phase = migration.Done
	p.Show(done, "")
	p.Close()
	last := out.String()[strings.LastIndex(out.String(), "DONE"):]
	require.Contains(t, last, "1000 of 1000 records  997 migrated, 3 failed")
	require.Contains(t, out.String(), "a note")
}
