package view

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
)

func migrating(migrated, failed int) migration.Summary {
	return migration.Summary{
		Phase: migration.Migrating, Records: 1000,
		Outcomes: migration.Outcomes{Migrated: migrated, Failed: failed, NotAttempted: 1000 - migrated - failed},
	}
}

func TestPlainProgress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := *at(10, 0)
	l := &lines{w: &b.out, now: func() time.Time { return now }}
	tick := func(d time.Duration) { now = now.Add(d) }

	l.Show(migration.Summary{Phase: migration.Checking})
	tick(time.Second)
	l.Show(migration.Summary{Phase: migration.Checking}) // nothing new, too soon
	l.Show(migrating(0, 0))
	tick(2 * time.Second)
	l.Show(migrating(40, 1)) // too soon
	l.Note("a note\x1b[2J")
	tick(3 * time.Second)
	l.Show(migrating(97, 3))
	tick(5 * time.Second)
	paused := migrating(97, 3)
	paused.Phase, paused.Reason = migration.Paused, "the target is away"
	l.Show(paused)
	done := migrating(997, 3)
	done.Phase = migration.Done
	l.Show(done)
	l.Close()
	require.Equal(t, `CHECKING
MIGRATING  0 of 1000 records
a note?[2J
MIGRATING  100 of 1000 records  97 migrated, 3 failed  20/s, 45s left
PAUSED  (the target is away)  100 of 1000 records  97 migrated, 3 failed
DONE  1000 of 1000 records  997 migrated, 3 failed
`, b.out.String())
}

func TestSpeedLooksBackOnlySoFar(t *testing.T) {
	t.Parallel()
	var v speed
	now := *at(10, 0)
	require.Empty(t, v.String())
	v.see(now, migrating(0, 0))
	require.Empty(t, v.String())
	v.see(now, migrating(1, 0)) // no time has passed
	require.Empty(t, v.String())
	for i := range 60 {
		now = now.Add(time.Second)
		v.see(now, migrating(10*min(i, 30), 0)) // then it stands still
	}
	require.Empty(t, v.String())
	require.LessOrEqual(t, len(v.points), 17)
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
	p.Show(migrating(10, 0))
	p.Note("a note")
	done := migrating(997, 3)
	done.Phase = migration.Done
	p.Show(done)
	p.Close()
	last := out.String()[strings.LastIndex(out.String(), "DONE"):]
	require.Contains(t, last, "1000 of 1000 records  997 migrated, 3 failed")
	require.Contains(t, out.String(), "a note")
}
