package migration

import (
	"cmp"
	"slices"
)

// Groups counts records that were not migrated by code and step, kept in that
// order, so that it reads the same wherever it is made. The zero value is
// ready to use.
type Groups []ErrorGroup

// maxKinds bounds what Groups remembers: a target's codes are few, and what
// comes beyond is counted as OTHER.
const maxKinds = 60

const otherKinds = "OTHER"

// Add counts an outcome that is not migrated.
func (g *Groups) Add(o Outcome) {
	g.AddGroup(ErrorGroup{Code: o.Code, Step: string(o.Step), Count: 1, Examples: []string{o.ExternalEntitlementID}})
}

// AddGroup counts another's group.
func (g *Groups) AddGroup(e ErrorGroup) {
	i, found := slices.BinarySearchFunc(*g, e, byKind)
	if !found && len(*g) >= maxKinds && e.Code != otherKinds {
		e.Code, e.Step = otherKinds, ""
		i, found = slices.BinarySearchFunc(*g, e, byKind)
	}
	if !found {
		e.Examples = slices.Clone(e.Examples)
		*g = slices.Insert(*g, i, e)
		return
	}
	have := &(*g)[i]
	have.Count += e.Count
	room := min(MaxErrorExamples-len(have.Examples), len(e.Examples))
	have.Examples = append(have.Examples, e.Examples[:max(room, 0)]...)
}

func byKind(a, b ErrorGroup) int {
	return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Step, b.Step))
}

// Top gives MaxErrorGroups groups: causes first, then consequences of the run's
// end, in each the largest first, equals by code and step.
func (g Groups) Top() []ErrorGroup {
	out := slices.Clone(g)
	slices.SortFunc(out, func(a, b ErrorGroup) int {
		return cmp.Or(compareBool(Consequence(a.Code), Consequence(b.Code)), cmp.Compare(b.Count, a.Count), byKind(a, b))
	})
	return append([]ErrorGroup{}, out[:min(len(out), MaxErrorGroups)]...)
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
