package migration

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

func failure(code string, step entitlement.Step, id string) Outcome {
	return Outcome{Fate: Failed, Code: code, Step: step, ExternalEntitlementID: id}
}

func TestGroupsCountByCodeAndStep(t *testing.T) {
	t.Parallel()
	var g Groups
	for i := range 7 {
		g.Add(failure("NOT_AVAILABLE", "create", fmt.Sprintf("ext-%d", i)))
	}
	g.Add(failure("NOT_AVAILABLE", "activate", "ext-8"))
	g.Add(failure("BAD_REQUEST", "create", "ext-9"))
	require.Equal(t, []ErrorGroup{
		{Code: "NOT_AVAILABLE", Step: "create", Count: 7, Examples: []string{"ext-0", "ext-1", "ext-2", "ext-3", "ext-4"}},
		{Code: "BAD_REQUEST", Step: "create", Count: 1, Examples: []string{"ext-9"}},
		{Code: "NOT_AVAILABLE", Step: "activate", Count: 1, Examples: []string{"ext-8"}},
	}, g.Top(), "largest first, equals by code and step")
	require.Equal(t, []ErrorGroup{}, Groups(nil).Top(), "none is a list, not null")
}

func TestGroupsAreBounded(t *testing.T) {
	t.Parallel()
	var g Groups
	for i := range 200 {
		g.Add(failure(fmt.Sprintf("CODE_%03d", i), "create", fmt.Sprintf("ext-%d", i)))
	}
	require.Len(t, g, maxKinds+1)
	top := g.Top()
	require.Len(t, top, MaxErrorGroups)
	require.Equal(t, ErrorGroup{
		Code: otherKinds, Count: 200 - maxKinds, Examples: []string{"ext-60", "ext-61", "ext-62", "ext-63", "ext-64"},
	}, top[0])
	g.Add(failure("CODE_000", "create", "again"))
	require.Equal(t, 2, g.Top()[1].Count, "a kind that is known is counted as itself")
}

func TestGroupsKeepNothingOfAnothers(t *testing.T) {
	t.Parallel()
	var one, sum Groups
	one.Add(failure("CONFLICT", "create", "ext-1"))
	for _, e := range one {
		sum.AddGroup(e)
	}
	sum.Add(failure("CONFLICT", "create", "ext-2"))
	one.Add(failure("CONFLICT", "create", "ext-3"))
	require.Equal(t, []string{"ext-1", "ext-2"}, sum[0].Examples)
	require.Equal(t, []string{"ext-1", "ext-3"}, one[0].Examples)
	top := sum.Top()
	top[0].Count = 99
	require.Equal(t, 2, sum[0].Count)
}

// Tallies of batches come in any order; their sums must not depend on it.
func TestGroupsJoinInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		codes := rapid.SliceOf(rapid.IntRange(0, 30)).Draw(t, "codes")
		parts := make([]Groups, 4)
		var whole Groups
		for i, c := range codes {
			o := failure(fmt.Sprintf("CODE_%02d", c/2), []entitlement.Step{entitlement.Create, entitlement.Activate}[c%2], fmt.Sprintf("ext-%d", i))
			whole.Add(o)
			parts[rapid.IntRange(0, 3).Draw(t, "part")].Add(o)
		}
		var joined Groups
		for _, i := range rapid.Permutation([]int{0, 1, 2, 3}).Draw(t, "order") {
			for _, e := range parts[i] {
				joined.AddGroup(e)
			}
		}
		require.Len(t, joined, len(whole))
		for i, e := range joined {
			require.Equal(t, whole[i].Code+whole[i].Step, e.Code+e.Step)
			require.Equal(t, whole[i].Count, e.Count)
			require.Len(t, e.Examples, min(e.Count, MaxErrorExamples))
		}
	})
}

// Four causes are not buried under a thousand records that only wait for them.
func TestGroupsPutCausesBeforeConsequences(t *testing.T) {
	t.Parallel()
	var g Groups
	for i := range 987 {
		g.Add(Outcome{Fate: NotAttempted, Code: fault.CodeStoppedByLimit, ExternalEntitlementID: fmt.Sprintf("ext-%d", i)})
	}
	g.Add(failure(fault.CodeInterrupted, "activate", "ext-1000"))
	g.Add(Outcome{Fate: NotAttempted, Code: fault.CodeInAnotherMigration, ExternalEntitlementID: "ext-1001"})
	for range 3 {
		g.Add(failure("NOT_AVAILABLE", "create", "ext-1002"))
	}
	causes, rest := Causes(g.Top())
	require.Equal(t, []string{"NOT_AVAILABLE", fault.CodeInAnotherMigration}, codes(causes))
	require.Equal(t, []string{fault.CodeStoppedByLimit, fault.CodeInterrupted}, codes(rest))
	causes, rest = Causes(g.Top()[:2])
	require.Len(t, causes, 2)
	require.Empty(t, rest)
}

func codes(groups []ErrorGroup) []string {
	var codes []string
	for _, g := range groups {
		codes = append(codes, g.Code)
	}
	return codes
}
