package migrationfile

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/routes"
)

func (b *bench) records(t testing.TB, opts GenOptions) []entitlement.Record {
	t.Helper()
	res := b.text(t, madeUp(t, opts))
	require.Empty(t, res.Problems)
	require.Empty(t, res.Warnings)
	var rs []entitlement.Record
	for line := range bytes.Lines(b.stage.Bytes()) {
		r, err := Decode(line)
		require.NoError(t, err)
		rs = append(rs, r)
	}
	require.Len(t, rs, opts.Records)
	return rs
}

// needed reports the step that a record's product refuses, if the record
// needs it.
func refusedStep(r *entitlement.Record) (entitlement.Step, bool) {
	for _, s := range entitlement.Steps(r, now) {
		if r.ProductKey == routes.FailProduct(s) {
			return s, true
		}
	}
	return "", false
}

func TestGeneratedFilesAreValid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		share := rapid.Float64Range(0, 1).Draw(rt, "share")
		opts := GenOptions{Records: rapid.IntRange(1, 200).Draw(rt, "records"), Seed: rapid.Uint64().Draw(rt, "seed"), FailShare: share}
		failing := 0
		for _, r := range setup(t).records(t, opts) {
			_, refuses := refusedStep(&r)
			require.Equal(rt, strings.Contains(r.ProductKey, "-fail-"), refuses, "a failing product fails its record")
			if refuses {
				failing++
			}
		}
		require.InDelta(rt, share*float64(opts.Records), failing, 1)
	})
}

func TestGeneratedFailuresAreOfEveryKind(t *testing.T) {
	t.Parallel()
	kinds := map[entitlement.Step]int{}
	for _, r := range setup(t).records(t, GenOptions{Records: 100, FailShare: 0.5}) {
		if step, refuses := refusedStep(&r); refuses {
			kinds[step]++
		}
	}
	require.Equal(t, map[entitlement.Step]int{"create": 10, "activate": 10, "suspend": 10, "cancel": 10, "revoke": 10}, kinds)
}

func TestGenerateOneStatusOrProduct(t *testing.T) {
	t.Parallel()
	for _, r := range setup(t).records(t, GenOptions{Records: 50, OnlyStatus: entitlement.Active, Prefix: "a", FailShare: 0.2}) {
		require.Equal(t, entitlement.Active, r.Status)
		require.True(t, strings.HasPrefix(r.ExternalEntitlementID, "a-"))
	}
	for _, r := range setup(t).records(t, GenOptions{Records: 50, Product: "nova-fail-create", FailShare: 0.2}) {
		require.Equal(t, "nova-fail-create", r.ProductKey)
	}
	mix := map[entitlement.Status]int{entitlement.Pending: 1, entitlement.Revoked: 1}
	for _, r := range setup(t).records(t, GenOptions{Records: 50, Mix: mix}) {
		require.Contains(t, mix, r.Status)
	}
	ends := now.AddDate(9, 0, 0)
	for _, r := range setup(t).records(t, GenOptions{Records: 50, OnlyStatus: entitlement.ActiveEnding, EndsAfter: ends}) {
		require.False(t, r.DateEnded.Before(ends.Add(-1e9)))
	}
}

func TestGenerateIsRepeatable(t *testing.T) {
	t.Parallel()
	opts := GenOptions{Records: 30, Seed: 3, FailShare: 0.1}
	require.Equal(t, madeUp(t, opts), madeUp(t, opts))
	other := opts
	other.Seed++
	require.NotEqual(t, madeUp(t, opts), madeUp(t, other))
}

func TestGeneratedSize(t *testing.T) {
	t.Parallel()
	size := float64(len(madeUp(t, GenOptions{Records: 5000}))) / 5000
	require.InDelta(t, 450, size, 50)
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	r := routes.AcmeNova()
	for i, opts := range []GenOptions{
		{Records: 1, Now: now},
		{Records: 1, Route: &r},
		{Records: -1, Now: now, Route: &r},
		{Records: 1, Now: now, Route: &r, Product: "gold"},
		{Records: 1, Now: now, Route: &entitlement.Route{Statuses: r.Statuses}},
		{Records: 1, Now: now, Route: &r, OnlyStatus: "FAILED"},
	} {
		require.Error(t, Generate(&bytes.Buffer{}, opts), fmt.Sprint(i))
	}
	tooMany := maxGenerated
	tooMany++
	_, err := newGenerator(GenOptions{Records: tooMany, Now: now, Route: &r})
	require.ErrorContains(t, err, "is not a number of records")
	require.ErrorIs(t, Generate(fullDisk{}, GenOptions{Records: 5000, Now: now, Route: &r}), errCable)
	require.Equal(t, "[]\n", madeUp(t, GenOptions{}))
}
