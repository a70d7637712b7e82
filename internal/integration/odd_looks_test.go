package integration

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// Of sixty records one is never answered when its id is asked for, and another
// is answered with a status that the API hasn't, each beside items of others
// that can't be read. These two are told by name, and nothing else is touched:
// the run is never held, and its reconciliation ends.
func TestOddLooksAreTheirOwnRecords(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.settings.HoldAfterSeconds, s.settings.RetryBudgetSeconds = 2, 8
	s.settings.Waves = false // a wave that differs would wait for an operator
	s.startWorker()
	file := activeRecords(t, s.bucket, 60)
	var records []struct {
		ID string `json:"externalEntitlementId"`
	}
	require.NoError(t, json.Unmarshal(file, &records))
	failing, odd := records[20].ID, records[40].ID
	s.faults(func(f *sandbox.Faults) {
		f.Refuse = []sandbox.RefuseRule{{Match: sandbox.Match{Call: "report", ExternalID: regexp.QuoteMeta(failing)}, Status: 500}}
		f.OddItems = []sandbox.OddItem{
			{Match: sandbox.Match{ExternalID: regexp.QuoteMeta(odd)}, As: sandbox.OddStatus},
			{Match: sandbox.Match{Call: "report", ExternalID: regexp.QuoteMeta(records[3].ID)}, As: sandbox.OddNotAskedBroken},
		}
	})
	sum := s.result(s.start("odd-looks", inputFor(s.upload("odd-looks.json", file))))
	require.Equal(t, migration.CompletedWithFailures, sum.Result, "%+v", sum)
	require.Equal(t, 59, sum.Outcomes.Migrated)
	require.Equal(t, 1, sum.Outcomes.Failed)
	out := s.outcomeOf("odd-looks", failing)
	require.Equal(t, fault.CodeTargetUnavailable, out.Code)
	require.Contains(t, out.Message, fault.CodeInternalError)
	require.Contains(t, sum.Reason, "1 of 59 migrated records differ")
	require.Contains(t, sum.Reason, odd)
	for _, entry := range sum.Audit {
		require.NotEqual(t, "hold", entry.Action, entry.Reason)
	}
}
