package activities

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// reject ends a claimed migration as its root does when the file has problems.
func (b *bundle) reject(id string) {
	b.t.Helper()
	b.put(migration.Key(id, migration.FileValidation), []byte(`{}`))
	run[any](b, WriteSummaryName, WriteSummaryInput{Summary: migration.Summary{
		Migration: id, Result: migration.Rejected, SHA256: "sha-of-" + id, Settings: migration.Settings{Environment: "sandbox"},
	}})
}

func TestARejectedFileCostsNoName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run[any](b, ClaimFileName, claimInput("one", "a.json", "run-1"))
	requireFault(t, refused(b, ClaimFileName, claimInput("two", "a.json", "run-2")), fault.Final, fault.CodeFileNameUsed)
	b.reject("one")
	b.reject("one") // a repeat

	run[any](b, ClaimFileName, claimInput("two", "a.json", "run-2"))
	there := b.claim(ledger("a.json"))
	require.Equal(t, "two", there.Migration)
	require.Equal(t, []Rejection{{Migration: "one", FirstRunID: "run-1", SHA256: "sha-of-one", At: start}}, there.Rejected)
	requireFault(t, refused(b, ClaimFileName, claimInput("three", "a.json", "run-3")), fault.Final, fault.CodeFileNameUsed)
	b.reject("one") // late
	require.Equal(t, "two", b.claim(ledger("a.json")).Migration)
	require.False(t, b.claim(ledger("a.json")).Free())
}

func TestARejectedFileCostsNoID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n := range maxRejections + 3 {
		in := claimInput("one", "a.json", fmt.Sprintf("run-%d", n))
		run[any](b, ClaimFileName, in)
		require.Equal(t, []string{claimKey("one")}, b.keys("migrations/"), "nobody takes the rejected run's end for this one's")
		run[any](b, ClaimFileName, in)
		b.reject("one")
	}
	require.Len(t, b.claim(claimKey("one")).Rejected, maxRejections)
	require.Len(t, b.claim(ledger("a.json")).Rejected, maxRejections)
}

func TestOnlyARejectedRunGivesItsNameBack(t *testing.T) {
	t.Parallel()
	for _, result := range []migration.Result{migration.Completed, migration.Aborted, migration.DryRun, migration.StoppedByLimit} {
		b := setup(t)
		run[any](b, ClaimFileName, claimInput("one", "a.json", "run-1"))
		run[any](b, WriteSummaryName, WriteSummaryInput{Summary: migration.Summary{
			Migration: "one", Result: result, Settings: migration.Settings{Environment: "sandbox"},
		}})
		requireFault(t, refused(b, ClaimFileName, claimInput("one", "a.json", "run-2")), fault.Final, fault.CodeMigrationIDUsed)
		requireFault(t, refused(b, ClaimFileName, claimInput("two", "a.json", "run-2")), fault.Final, fault.CodeFileNameUsed)
	}
	b := setup(t)
	run[any](b, ClaimFileName, claimInput("one", "a.json", "run-1"))
	b.put(migration.Key("one", migration.FilePlan), []byte(`{}`))
	b.reject("one")
	requireFault(t, refused(b, ClaimFileName, claimInput("two", "a.json", "run-2")), fault.Final, fault.CodeFileNameUsed)
}

func TestARejectedDryRunFreesNobodyElsesName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run[any](b, ClaimFileName, claimInput("one", "a.json", "run-1"))
	dry := claimInput("dry", "a.json", "run-2")
	dry.DryRun = true
	run[any](b, ClaimFileName, dry)
	b.reject("dry")
	requireFault(t, refused(b, ClaimFileName, claimInput("two", "a.json", "run-3")), fault.Final, fault.CodeFileNameUsed)
}

func TestTakingOverARejectedNameHasOneWinner(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run[any](b, ClaimFileName, claimInput("one", "a.json", "run-1"))
	b.reject("one")
	claims := make([]ClaimFileInput, 6)
	for i := range claims {
		claims[i] = claimInput(fmt.Sprintf("id-%d", i), "a.json", fmt.Sprintf("run-of-%d", i))
	}
	won, lost := b.race(claims)
	require.Len(t, won, 1)
	for _, code := range lost {
		require.Equal(t, fault.CodeFileNameUsed, code)
	}
	require.Equal(t, claims[won[0]].Migration, b.claim(ledger("a.json")).Migration)
}

// A run that is reset after its file was rejected, and accepts it now, holds
// its name again, or learns that it is another's.
func TestAnHeirOfARejectedRunHoldsItsName(t *testing.T) {
	t.Parallel()
	for _, taken := range []bool{false, true} {
		b := setup(t)
		in := b.importInput("acme", b.upload("acme.json", array(sounds(1)...)))
		in.Heir = true
		claim := ClaimFileInput{Migration: "acme", File: in.File, Environment: "sandbox", FirstRunID: "run-1", Route: "acme-nova"}
		run[any](b, ClaimFileName, claim)
		b.reject("acme")
		other := claim
		other.Migration, other.FirstRunID = "other", "run-2"
		if taken {
			run[any](b, ClaimFileName, other)
			requireFault(t, refused(b, ImportFileName, in), fault.Final, fault.CodeFileNameUsed)
			continue
		}
		run[any](b, ImportFileName, in)
		requireFault(t, refused(b, ClaimFileName, other), fault.Final, fault.CodeFileNameUsed)
	}
}
