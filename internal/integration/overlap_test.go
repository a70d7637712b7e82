package integration

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// ended records count against no customer's limit, which would hide a double.
func ended(t *testing.T, prefix string, n int) []map[string]any {
	t.Helper()
	return decodeRecords(t, generate(t, migrationfile.GenOptions{
		Records: n, Seed: 6, OnlyStatus: entitlement.Cancelled, Product: "nova-basic", Prefix: prefix,
	}))
}

// Two migrations have ten of their twenty records each in common, and the
// first is at work on them when the second comes to them.
func TestOverlappingMigrations(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.careless()
	s.hold(entitlement.Create)
	all := ended(t, s.bucket, 30)
	one := s.start("one", withoutLimits(s.upload("one.json", encodeRecords(t, all[:20]))))
	s.awaitEffective(entitlement.Create, 20)
	two := s.start("two", withoutLimits(s.upload("two.json", encodeRecords(t, all[10:]))))
	s.awaitEffective(entitlement.Create, 30)
	s.hold()

	first, second := s.result(one), s.result(two)
	require.Equal(t, migration.Completed, first.Result, "%+v", first)
	require.Equal(t, 20, first.Outcomes.Migrated)
	require.Equal(t, migration.CompletedWithFailures, second.Result, "%+v", second)
	require.Equal(t, migration.Outcomes{Migrated: 10, NotAttempted: 10}, second.Outcomes)
	require.Len(t, second.Errors, 1)
	require.Equal(t, fault.CodeInAnotherMigration, second.Errors[0].Code)
	require.Nil(t, second.Limits.Tripped)

	s.careless()
	reload := s.file("two", migration.FileReload)
	require.Equal(t, all[10:20], decodeRecords(t, reload), "as they were supplied")
	sum := s.migrate("two-2", withoutLimits(s.upload("two-2.json", reload)))
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, 10, sum.Outcomes.AlreadyMigrated)
	s.onceEach(encodeRecords(t, all))
}

// The same records under another name and in another bucket are two files, and
// two runs of them at once race for every record; at a target that remembers
// nothing and takes every id twice.
func TestCopiesOfAFileAtOnce(t *testing.T) {
	t.Parallel()
	const records = 60
	s := setup(t)
	s.faults(func(f *sandbox.Faults) { f.Forgetful, f.UniqueExternalIDs, f.LatencyMs = true, false, 5 })
	file := encodeRecords(t, ended(t, s.bucket, records))
	elsewhere := objectstore.Location{Bucket: s.bucket + "-two", Key: "copy.json"}
	require.NoError(t, s.store.EnsureBucket(s.ctx, elsewhere.Bucket))
	require.NoError(t, s.store.Put(s.ctx, elsewhere, file, "application/json"))
	runs := []client.WorkflowRun{
		s.start("name", withoutLimits(s.upload("copy.json", file))),
		s.start("other-name", withoutLimits(s.upload("copy-2.json", file))),
		s.start("other-bucket", withoutLimits(elsewhere.String())),
	}
	migrated := 0
	for i, run := range runs {
		sum := s.result(run)
		require.Zero(t, sum.Outcomes.Failed, "%+v", sum)
		for _, e := range sum.Errors {
			require.Equal(t, fault.CodeInAnotherMigration, e.Code)
		}
		migrated += sum.Outcomes.Migrated
		if i == 0 {
			require.Equal(t, records, sum.Records)
		}
	}
	require.GreaterOrEqual(t, migrated, records, "somebody did each")
	s.onceEach(file)
	sum := s.migrate("again", withoutLimits(s.upload("copy-3.json", file)))
	require.Equal(t, records, sum.Outcomes.AlreadyMigrated, "%+v", sum)
	s.onceEach(file)
}

// atOnce runs command lines at the same time and counts their exit codes; what
// they said comes with them.
func (s *stack) atOnce(commands ...[]string) (codes map[int]int, said string) {
	s.t.Helper()
	codes = map[int]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, args := range commands {
		all.Go(func() {
			code, _, stderr := s.ferry(args...)
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
			said += stderr
		})
	}
	all.Wait()
	return codes, said
}

func TestOneFileStartedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	const records = 12
	for name, c := range map[string]struct {
		ids  []string
		code string
	}{
		"under one id":  {[]string{"same", "same", "same"}, fault.CodeMigrationIDUsed},
		"under two ids": {[]string{"left", "right"}, fault.CodeFileNameUsed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.faults(func(f *sandbox.Faults) { f.Forgetful, f.UniqueExternalIDs = true, false })
			file := encodeRecords(t, ended(t, s.bucket, records))
			uri := s.upload("twice.json", file)
			var commands [][]string
			for _, id := range c.ids {
				commands = append(commands, []string{"start", uri, "--route", "acme-nova", "--id", s.id(id), "--wait"})
			}
			codes, said := s.atOnce(commands...)
			require.Equal(t, map[int]int{0: 1, 6: len(c.ids) - 1}, codes, said)
			require.Contains(t, said, c.code)
			s.onceEach(file)
		})
	}
}
