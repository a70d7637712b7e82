package examples

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/routes"
)

// The samples are good from when they were written until their ends pass.
var valid = []time.Time{
	time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
	time.Date(2034, 12, 31, 0, 0, 0, 0, time.UTC),
}

func imported(t *testing.T, file []byte, now time.Time, stage io.Writer) *migrationfile.Result {
	t.Helper()
	route := routes.AcmeNova()
	res, err := migrationfile.Import(context.Background(), bytes.NewReader(file),
		migrationfile.ImportOptions{Route: &route, Now: now, Stage: stage})
	require.NoError(t, err)
	return res
}

// records decodes a sample and says of each record which step the sandbox
// refuses it.
func records(t *testing.T, file []byte, now time.Time) (rs []entitlement.Record, refused []entitlement.Step) {
	t.Helper()
	var stage bytes.Buffer
	res := imported(t, file, now, &stage)
	require.Empty(t, res.Problems)
	require.Empty(t, res.Warnings)
	for line := range bytes.Lines(stage.Bytes()) {
		r, err := migrationfile.Decode(line)
		require.NoError(t, err)
		var step entitlement.Step
		for _, s := range entitlement.Steps(&r, now) {
			if r.ProductKey == routes.FailProduct(s) {
				step = s
			}
		}
		rs, refused = append(rs, r), append(refused, step)
	}
	return rs, refused
}

func TestAcme200(t *testing.T) {
	t.Parallel()
	for _, now := range valid {
		rs, refused := records(t, Acme200, now)
		require.Len(t, rs, 200)
		statuses, kinds := map[entitlement.Status]int{}, map[entitlement.Step]int{}
		streak := 0
		for i, r := range rs {
			statuses[r.Status]++
			streak++
			if refused[i] == "" {
				streak = 0
			} else {
				kinds[refused[i]]++
			}
			require.Less(t, streak, 2, "record %d", i+1)
		}
		require.Len(t, statuses, 6)
		require.Equal(t, map[entitlement.Step]int{
			entitlement.Create: 2, entitlement.Activate: 2, entitlement.Suspend: 2, entitlement.Cancel: 2, entitlement.Revoke: 2,
		}, kinds)
	}
}

// No wave of the sample trips the canary: fewer than max(2, 10 %) fail in each.
func TestAcme200TripsNoWave(t *testing.T) {
	t.Parallel()
	res := imported(t, Acme200, valid[0], nil)
	_, refused := records(t, Acme200, valid[0])
	_, waves := migrationfile.PlanBatches(res.Index, migrationfile.PlanOptions{Waves: true})
	require.Len(t, waves, 4)
	first := 0
	for _, w := range waves {
		failed := 0
		for _, step := range refused[first : first+w.Records] {
			if step != "" {
				failed++
			}
		}
		require.Less(t, float64(failed), max(2, 0.1*float64(w.Records)), "wave %d", w.Number)
		first += w.Records
	}
}

func TestAcmeClean(t *testing.T) {
	t.Parallel()
	for _, now := range valid {
		rs, refused := records(t, AcmeClean, now)
		require.Len(t, rs, 30)
		for i, step := range refused {
			require.Empty(t, step, "record %d", i+1)
		}
	}
}

func TestSamplesCanShareATarget(t *testing.T) {
	t.Parallel()
	ids, customers := map[string]bool{}, map[string]bool{}
	for _, file := range [][]byte{Acme200, AcmeClean} {
		rs, _ := records(t, file, valid[0])
		for _, r := range rs {
			ids[r.ExternalEntitlementID], customers[r.CustomerIdentifier] = true, true
		}
	}
	require.Len(t, ids, 230)
	require.Len(t, customers, 230)
}

func TestAcmeBad(t *testing.T) {
	t.Parallel()
	res := imported(t, AcmeBad, valid[0], nil)
	require.Equal(t, 5, res.Records)
	require.Equal(t, map[string]int{
		"UNKNOWN_PRODUCT": 1, "EMPTY_STRING": 1, "UNKNOWN_STATUS": 1, "BAD_DATE": 2,
		"DATE_ORDER": 1, "REQUIRED": 1, "DUPLICATE_ID": 1, "TOO_MANY_LIVING": 1, "FORBIDDEN_FIELD": 1,
		"NOT_A_STRING": 1, "DATE_IN_FUTURE": 1, "UNKNOWN_REASON": 1, "BAD_URL": 1, "DUPLICATE_KEY": 1,
	}, res.ProblemCounts)
	require.Equal(t, map[string]int{"UNKNOWN_FIELD": 1}, res.WarningCounts)
}
