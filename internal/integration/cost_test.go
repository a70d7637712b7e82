package integration

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/workflows"
)

// maxEventsPerRecord is what an ACTIVE record may cost, the whole run counted.
const maxEventsPerRecord = 14.0

// history fetches a workflow's events.
func (s *stack) history(id string) []*history.HistoryEvent {
	s.t.Helper()
	var events []*history.HistoryEvent
	iter := s.client.GetWorkflowHistory(s.ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iter.HasNext() {
		e, err := iter.Next()
		require.NoError(s.t, err)
		events = append(events, e)
	}
	return events
}

// bill counts the events of a run: root, batches and records.
type bill struct{ root, batches, records int }

func (b bill) total() int { return b.root + b.batches + b.records }

func (s *stack) bill(sum workflows.Summary, externalIDs []string) bill {
	s.t.Helper()
	b := bill{root: len(s.history(sum.Migration))}
	for n := range s.plan(sum.Migration).Batches {
		b.batches += len(s.history(workflows.BatchID(sum.Migration, n+1)))
	}
	for _, id := range externalIDs {
		b.records += len(s.history(workflows.EntitlementID("acme-nova", id)))
	}
	return b
}

func (s *stack) plan(id string) migrationfile.Plan {
	s.t.Helper()
	body, _, err := s.store.Read(s.ctx, s.store.Work(migration.Key(id, migration.FileBatches)), 1<<20)
	require.NoError(s.t, err)
	plan, err := migrationfile.DecodePlan(bytesReader(body))
	require.NoError(s.t, err)
	return plan
}

func TestHappyPathStaysCheap(t *testing.T) {
	s := setup(t)
	const records = 1000
	file := generate(t, migrationfile.GenOptions{
		Records: records, Seed: 7, OnlyStatus: "ACTIVE", Product: "nova-basic", Prefix: s.bucket,
	})
	sum := s.migrate("cost", workflows.MigrateFileInput{File: s.upload("cost.json", file)})
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	ids := make([]string, 0, records)
	for _, r := range decodeRecords(t, file) {
		ids = append(ids, r["externalEntitlementId"].(string))
	}
	b := s.bill(sum, ids)
	perRecord := float64(b.total()) / records
	t.Logf("events: root %d, batches %d, records %d: %.2f per ACTIVE record", b.root, b.batches, b.records, perRecord)
	require.LessOrEqual(t, perRecord, maxEventsPerRecord)
	s.clean(sum)
}
