package integration

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// atTarget gives all that the sandbox has, by external id or, where it has none, by
// its own.
func (s *stack) atTarget() map[string]resaleapi.Entitlement {
	s.t.Helper()
	all := map[string]resaleapi.Entitlement{}
	for e, err := range s.books.Entitlements(s.ctx, "") {
		require.NoError(s.t, err)
		key := e.EntitlementID
		if e.ExternalEntitlementID != nil {
			key = *e.ExternalEntitlementID
		}
		require.NotContains(s.t, all, key, "nothing is there twice")
		all[key] = e
	}
	return all
}

// fates reads the outcomes of a migration of one batch, by external id.
func (s *stack) fates(id string) map[string]migration.Outcome {
	s.t.Helper()
	all := map[string]migration.Outcome{}
	for _, line := range lines(s.file(id, migration.OutcomesFile(1))) {
		var o migration.Outcome
		require.NoError(s.t, json.Unmarshal([]byte(line), &o))
		all[o.ExternalEntitlementID] = o
	}
	return all
}

// changedReload is one edit of a record that stands ACTIVE at the target, on
// its way to SUSPENDED.
type changedReload struct {
	name string
	edit func(record map[string]any)
	code string // of its fate; empty: migrated
}

func changedReloads() []changedReload {
	ago := func(days int) string { return time.Now().AddDate(0, 0, -days).UTC().Format(time.RFC3339) }
	return []changedReload{
		{"as it was", func(map[string]any) {}, ""},
		{"another product", func(r map[string]any) { r["productKey"] = "nova-basic" }, fault.CodeTargetDiffers},
		{"another customer", func(r map[string]any) { r["customerIdentifier"] = "somebody else" }, fault.CodeTargetDiffers},
		{"another date", func(r map[string]any) { r["dateSuspended"] = ago(1) }, fault.CodeTargetDiffers},
		{"further on", func(r map[string]any) { r["status"], r["dateEnded"] = "CANCELLED", ago(1) }, ""},
		{"backwards", func(r map[string]any) {
			r["status"] = "PENDING"
			delete(r, "dateActivated")
			delete(r, "dateSuspended")
		}, fault.CodeTargetDiffers},
		{"not as far", func(r map[string]any) {
			r["status"] = "ACTIVE"
			delete(r, "dateSuspended")
		}, fault.CodeTargetDiffers},
		{"without its id", func(r map[string]any) { delete(r, "entitlementId") }, ""},
		{"with an unknown id", func(r map[string]any) { r["entitlementId"] = "0b3f1d0e-6a1c-4a52-9c86-0d6f8f1f2a11" }, fault.CodeEntitlementNotFound},
	}
}

// Each change has its outcome, what is refused stands as it stood, and the
// reload of the reload, put right again, takes it over.
func TestChangedReloadIsContinuedOrRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.careless()
	changes := changedReloads()
	file := generate(t, migrationfile.GenOptions{
		Records: len(changes), Seed: 8, OnlyStatus: entitlement.Suspended, Product: "nova-fail-suspend", Prefix: s.bucket,
	})
	records := decodeRecords(t, file)
	for _, r := range records {
		delete(r, "dateResumed") // a record that ends can't have been resumed before it was suspended
	}
	sum := s.migrate("first", withoutLimits(s.upload("first.json", encodeRecords(t, records))))
	require.Equal(t, len(changes), sum.Partial, "%+v", sum)

	s.repair(nil)
	s.careless()
	before := s.atTarget()
	reload := decodeRecords(t, s.file("first", migration.FileReload))
	for i, c := range changes {
		c.edit(reload[i])
	}
	in := withoutLimits(s.upload("second.json", encodeRecords(t, reload)))
	in.Parent = s.id("first")
	sum = s.migrate("second", in)
	require.Equal(t, migration.CompletedWithFailures, sum.Result, "%+v", sum)
	after, fates := s.atTarget(), s.fates("second")
	refused := 0
	for i, c := range changes {
		id := reload[i]["externalEntitlementId"].(string)
		require.Equal(t, c.code, fates[id].Code, c.name)
		if c.code != "" {
			refused++
			require.Equal(t, migration.Failed, fates[id].Fate, c.name)
			require.Equal(t, before[id], after[id], "%s: it stands as it stood", c.name)
		} else {
			require.Equal(t, migration.Migrated, fates[id].Fate, c.name)
			require.EqualValues(t, reload[i]["status"], after[id].Status, c.name)
		}
	}
	require.Equal(t, refused, sum.Outcomes.Failed)

	s.careless()
	original := map[string]map[string]any{}
	for _, r := range decodeRecords(t, s.file("first", migration.FileReload)) {
		original[r["externalEntitlementId"].(string)] = r
	}
	var corrected []map[string]any
	for _, r := range decodeRecords(t, s.file("second", migration.FileReload)) {
		corrected = append(corrected, original[r["externalEntitlementId"].(string)])
	}
	in = withoutLimits(s.upload("third.json", encodeRecords(t, corrected)))
	in.Parent = s.id("second")
	sum = s.migrate("third", in)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, refused, sum.Outcomes.Migrated)
	require.EqualValues(t, len(changes), s.stats().Effective["create"])
	require.Len(t, s.atTarget(), len(changes))
}
