package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

func claimInput(id, file, run string) ClaimFileInput {
	return ClaimFileInput{Migration: id, File: "s3://partner/" + file, Environment: "sandbox", FirstRunID: run, Route: "acme-nova"}
}

func claimKey(id string) string { return migration.Key(id, migration.FileClaim) }

func ledger(file string) string { return migration.LedgerKey("sandbox", "partner", file) }

func (b *bundle) claim(key string) Claim {
	b.t.Helper()
	var c Claim
	require.NoError(b.t, json.Unmarshal(b.object(key), &c))
	return c
}

func TestClaimFileTakesIDAndName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := claimInput("one", "in/a.json", "run-1")
	in.Parent = "zero"
	info := run[migration.FileInfo](b, ClaimFileName, in)
	b.requireInfo("one", migration.FileClaim, info)
	want := Claim{
		Namespace: "default", Migration: "one", FirstRunID: "run-1",
		File: "s3://partner/in/a.json", Route: "acme-nova", Parent: "zero",
	}
	require.Equal(t, want, b.claim(claimKey("one")))
	require.Equal(t, want, b.claim(ledger("in/a.json")))
	require.Equal(t, info, run[migration.FileInfo](b, ClaimFileName, in), "a retry is the same owner")
}

func TestClaimFileRefusesAnIDThatWasUsed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bundle, *ClaimFileInput){
		"a second start":    func(_ *bundle, in *ClaimFileInput) { in.FirstRunID = "run-2" },
		"another file":      func(_ *bundle, in *ClaimFileInput) { in.FirstRunID, in.File = "run-2", "s3://partner/b.json" },
		"after a dry run":   func(_ *bundle, in *ClaimFileInput) { in.FirstRunID, in.DryRun = "run-2", true },
		"another namespace": func(b *bundle, _ *ClaimFileInput) { b.acts.namespace = "else" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			in := claimInput("one", "a.json", "run-1")
			run[any](b, ClaimFileName, in)
			before := b.keys("")
			change(b, &in)
			f := refused(b, ClaimFileName, in)
			requireFault(t, f, fault.Final, fault.CodeMigrationIDUsed)
			require.Contains(t, f.Message, `migration id "one" was used before, for s3://partner/a.json`)
			require.Equal(t, before, b.keys(""), "nothing is taken or given back")
		})
	}
}

func TestClaimFileGivesTheIDBackWhenTheNameIsTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run[any](b, ClaimFileName, claimInput("one", "a.json", "run-1"))
	f := refused(b, ClaimFileName, claimInput("two", "a.json", "run-2"))
	requireFault(t, f, fault.Final, fault.CodeFileNameUsed)
	require.Contains(t, f.Message, `was already migrated to environment "sandbox" by migration "one"`)
	require.Equal(t, []string{ledger("a.json"), claimKey("one")}, b.keys(""))
	require.Equal(t, "one", b.claim(ledger("a.json")).Migration)

	run[any](b, ClaimFileName, claimInput("two", "b.json", "run-3"))
	elsewhere := claimInput("three", "a.json", "run-4")
	elsewhere.Environment = "production"
	run[any](b, ClaimFileName, elsewhere)
}

func TestClaimFileSaysThatTheNameIsTakenThoughTheIDStays(t *testing.T) {
	t.Parallel()
	s := &brokenStore{remove: func(context.Context, objectstore.Location) error { return away() }}
	b := setup(t, broken(s))
	run[any](b, ClaimFileName, claimInput("one", "a.json", "run-1"))
	requireFault(t, refused(b, ClaimFileName, claimInput("two", "a.json", "run-2")), fault.Final, fault.CodeFileNameUsed)
	require.Contains(t, b.keys(""), claimKey("two"))
}

func TestClaimFileOfADryRunTakesItsIDAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dry := claimInput("dry", "a.json", "run-1")
	dry.DryRun = true
	run[any](b, ClaimFileName, dry)
	require.Equal(t, []string{claimKey("dry")}, b.keys(""))
	run[any](b, ClaimFileName, claimInput("one", "a.json", "run-2"))
	again := claimInput("dry-2", "a.json", "run-3")
	again.DryRun = true
	run[any](b, ClaimFileName, again)
}

// race lets claims go at the same time and gives the codes of those that lost.
func (b *bundle) race(claims []ClaimFileInput) (won []int, lost []string) {
	b.t.Helper()
	var (
		wait  sync.WaitGroup
		ready = make(chan struct{})
		errs  = make([]error, len(claims))
	)
	for i, in := range claims {
		env := b.env()
		wait.Go(func() {
			<-ready
			_, errs[i] = env.ExecuteActivity(ClaimFileName, in)
		})
	}
	close(ready)
	wait.Wait()
	for i, err := range errs {
		if err == nil {
			won = append(won, i)
			continue
		}
		lost = append(lost, fault.FromActivity(err).Code)
	}
	return won, lost
}

func TestClaimFileHasOneWinner(t *testing.T) {
	t.Parallel()
	const racers = 6
	for range 3 {
		b := setup(t)
		ids, names := make([]ClaimFileInput, racers), make([]ClaimFileInput, racers)
		for i := range racers {
			run := fmt.Sprintf("run-%d", i)
			ids[i] = claimInput("same", fmt.Sprintf("%d.json", i), run)
			names[i] = claimInput("id-"+run, "same.json", run)
		}
		won, lost := b.race(ids)
		require.Len(t, won, 1)
		for _, code := range lost {
			require.Equal(t, fault.CodeMigrationIDUsed, code)
		}
		require.Equal(t, ids[won[0]].FirstRunID, b.claim(claimKey("same")).FirstRunID)
		require.Len(t, b.keys("ledger/"), 1, "who lost the id takes no name")

		won, lost = b.race(names)
		require.Len(t, won, 1)
		for _, code := range lost {
			require.Equal(t, fault.CodeFileNameUsed, code)
		}
		winner := names[won[0]]
		require.Equal(t, winner.Migration, b.claim(ledger("same.json")).Migration)
		require.Equal(t, []string{claimKey(winner.Migration)}, b.keys("migrations/id-"), "the others gave their id back")
	}
}

// A PUT whose answer is lost has taken the key all the same. The retry finds
// its own claim.
func TestClaimFileOutlivesALostAnswer(t *testing.T) {
	t.Parallel()
	for _, key := range []string{claimKey("one"), ledger("a.json")} {
		s := &brokenStore{}
		b := setup(t, broken(s))
		lose := once(away())
		s.putIfAbsent = func(ctx context.Context, loc objectstore.Location, body []byte) (bool, error) {
			created, err := s.Store.PutIfAbsent(ctx, loc, body, "application/json")
			if err == nil && loc.Key == key {
				if err := lose(); err != nil {
					return false, err
				}
			}
			return created, err
		}
		in := claimInput("one", "a.json", "run-1")
		requireFault(t, refused(b, ClaimFileName, in), fault.Retryable, fault.CodeStoreFault)
		run[any](b, ClaimFileName, in)
		require.Equal(t, "run-1", b.claim(key).FirstRunID)
	}
}

func TestClaimFileFindsRubbish(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"no JSON": "Jane Doe was here", "no claim": `{"some":"Jane Doe"}`, "no object": `["Jane Doe"]`, "nothing": "", "null": "null",
	} {
		for _, key := range []string{claimKey("one"), ledger("a.json")} {
			t.Run(name+" at "+key, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.put(key, []byte(content))
				f := refused(b, ClaimFileName, claimInput("one", "a.json", "run-1"))
				requireFault(t, f, fault.Final, fault.CodeStoreFault)
				require.Contains(t, f.Message, b.store.Work(key).String()+" is not a claim that Ferry wrote")
				require.NotContains(t, f.Message, "Jane")
				require.Equal(t, content, string(b.object(key)), "it is left for a person to look at")
			})
		}
	}
}
