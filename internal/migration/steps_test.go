package migration

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

func TestStepsAreCountedWhereTheyStand(t *testing.T) {
	t.Parallel()
	var c StepCounts
	for _, s := range entitlement.AllSteps() {
		c.Of(s).Planned++
	}
	c.Add(Outcome{Fate: Migrated, StepsDone: []entitlement.Step{entitlement.Create, entitlement.Activate}})
	c.Add(Outcome{Fate: Failed, StepsDone: []entitlement.Step{entitlement.Create}, Step: entitlement.Suspend})
	c.Add(Outcome{Fate: NotAttempted, Step: entitlement.Cancel})
	c.Add(Outcome{Fate: Failed, Step: "unheard-of"})
	one := StepCounts{
		Create: StepCount{Planned: 1, Done: 2}, Activate: StepCount{Planned: 1, Done: 1},
		Suspend: StepCount{Planned: 1, Failed: 1}, Cancel: StepCount{Planned: 1}, Revoke: StepCount{Planned: 1},
	}
	require.Equal(t, one, c)
	require.Equal(t, StepCounts{
		Create: StepCount{Planned: 2, Done: 4}, Activate: StepCount{Planned: 2, Done: 2},
		Suspend: StepCount{Planned: 2, Failed: 2}, Cancel: StepCount{Planned: 2}, Revoke: StepCount{Planned: 2},
	}, one.Plus(c))
}
