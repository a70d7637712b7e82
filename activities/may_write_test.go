package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// rewrite changes one of a migration's small files behind Ferry's back.
func rewrite[T any](b *bundle, id, name string, change func(*T)) {
	b.t.Helper()
	var v T
	require.NoError(b.t, json.Unmarshal(b.file(id, name), &v))
	change(&v)
	body, err := json.Marshal(v)
	require.NoError(b.t, err)
	b.put(migration.Key(id, name), body)
}

func (b *bundle) removeFile(id, name string) {
	b.t.Helper()
	require.NoError(b.t, b.store.Delete(b.t.Context(), b.store.Work(migration.Key(id, name))))
}

// A record's workflow can be started by anybody, with any reference. The target
// sees nothing of one that is not of a migration under way.
func TestPerformStepRefusesAReferenceIntoWhatIsNoMigrationUnderWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bundle, *PerformStepInput)
		code   string
		says   string
	}{
		"a dry run's records": {func(b *bundle, _ *PerformStepInput) {
			rewrite(b, "acme", migration.FilePlan, func(p *Plan) { p.Settings.DryRun = true })
		}, fault.CodeBadInput, "it is a dry run"},
		"a rejected file's": {
			func(b *bundle, _ *PerformStepInput) { b.removeFile("acme", migration.FilePlan) },
			fault.CodeBadInput, "plan.json is not in the work bucket",
		},
		"what nobody claimed": {
			func(b *bundle, _ *PerformStepInput) { b.removeFile("acme", migration.FileClaim) },
			fault.CodeBadInput, "claim.json is not in the work bucket",
		},
		"a purged migration's": {func(b *bundle, _ *PerformStepInput) {
			b.put(migration.Key("acme", migration.FilePurged), []byte(`{"migration":"acme","startedAt":"2026-11-21T12:00:00Z","by":"jane"}`))
		}, fault.CodeBadInput, "its purge was begun"},
		"another namespace's": {
			func(b *bundle, _ *PerformStepInput) { b.acts.namespace = "other" },
			fault.CodeBadInput, `in namespace "default", and this is namespace "other"`,
		},
		"another run's": {func(_ *bundle, in *PerformStepInput) {
			in.RunMark = migration.RunMark("default", "acme", "the stranger's run")
		}, fault.CodeBadInput, "not of the run that claimed it"},
		"another route's": {
			func(_ *bundle, in *PerformStepInput) { in.Route = "acme-other" },
			fault.CodeBadInput, `planned for route "acme-nova", not "acme-other"`,
		},
		"another's claim": {func(b *bundle, _ *PerformStepInput) {
			rewrite(b, "acme", migration.FileClaim, func(c *Claim) { c.Migration = "else" })
		}, fault.CodeBadInput, `its claim is that of migration "else"`},
		"another's plan": {func(b *bundle, _ *PerformStepInput) {
			rewrite(b, "acme", migration.FilePlan, func(p *Plan) { p.Migration = "else" })
		}, fault.CodeBadInput, "it is planned for"},
		"a place above the folder": {
			func(_ *bundle, in *PerformStepInput) { in.Migration = "../acme" },
			fault.CodeBadInput, "no migration's id",
		},
		"what was damaged": {
			func(b *bundle, _ *PerformStepInput) { b.put(migration.Key("acme", migration.FilePlan), []byte("x")) },
			fault.CodeStoreFault, "plan.json is not what was written",
		},
	} {
		for _, marked := range []bool{true, false} {
			if name == "another run's" && !marked {
				continue // the first behaviour knows of none
			}
			t.Run(fmt.Sprint(name, ", marked ", marked), func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				in := b.one(nil)
				if marked {
					in.RunMark = migration.RunMark("default", "acme", "run-of-acme")
				}
				c.change(b, &in)
				before := b.stats()
				for range 2 { // a refusal is not taken for an answer, either
					f := refused(b, PerformStepName, in)
					requireFault(t, f, fault.Final, c.code)
					require.Contains(t, f.Message, c.says)
				}
				require.Equal(t, before.Calls, b.stats().Calls, "the target is not even asked")
			})
		}
	}
}

func TestPerformStepOfARunWritesWithAndWithoutAMark(t *testing.T) {
	t.Parallel()
	for _, mark := range []string{"", migration.RunMark("default", "acme", "run-of-acme")} {
		b := setup(t)
		in := b.one(nil)
		in.RunMark = mark
		require.NotEmpty(t, run[PerformStepResult](b, PerformStepName, in).EntitlementID)
	}
}

// A run goes on while the store is away for a while; one that was purged since
// doesn't.
func TestPerformStepRemembersWhoMayWrite(t *testing.T) {
	t.Parallel()
	reads, down := 0, false
	s := &brokenStore{read: func(_ context.Context, _ objectstore.Location) error {
		reads++
		if down {
			return away()
		}
		return nil
	}}
	b := setup(t, broken(s))
	in := b.one(ended)
	reads, down = 0, true
	requireFault(t, refused(b, PerformStepName, in), fault.Retryable, fault.CodeStoreFault)
	down = false
	run[PerformStepResult](b, PerformStepName, in)
	once := reads
	run[PerformStepResult](b, PerformStepName, in)
	require.Equal(t, once, reads, "the bucket is not asked for each step")

	down = true
	b.clock.forward(2 * purgeSeenAfter)
	run[PerformStepResult](b, PerformStepName, in)
	require.Greater(t, reads, once)

	down = false
	b.put(migration.Key("acme", migration.FilePurged), []byte(`{"migration":"acme","startedAt":"2026-11-21T12:00:00Z","by":"jane"}`))
	requireFault(t, refused(b, PerformStepName, in), fault.Final, fault.CodeBadInput)
}

func TestWritersAreBounded(t *testing.T) {
	t.Parallel()
	c := newWriters()
	for i := range maxWriters + 10 {
		c.add(writer{migration: fmt.Sprint(i)}, start)
		_, known := c.seen(writer{migration: "0"})
		require.True(t, known, "what is asked for stays")
	}
	require.Len(t, c.items, maxWriters)
	_, known := c.seen(writer{migration: "5"})
	require.False(t, known)
}
