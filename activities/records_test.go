package activities

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/routes"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// generate makes up a file that is valid at the start.
func generate(t testing.TB, o migrationfile.GenOptions) []byte {
	t.Helper()
	route := routes.AcmeNova()
	o.Route, o.Now = &route, start
	var buf bytes.Buffer
	require.NoError(t, migrationfile.Generate(&buf, o))
	return buf.Bytes()
}

// personal are values of a sound record that must be seen nowhere but in
// staged records and reloads.
var personal = []string{"cust-private", "hook-private", "code-private", "name-private"}

// sound is a record with personal values, changed as a test likes; nil removes
// a field.
func sound(n int, change map[string]any) string {
	r := map[string]any{
		"externalEntitlementId": fmt.Sprintf("ext-%04d", n),
		"customerIdentifier":    fmt.Sprintf("cust-private-%d", n),
		"merchantAccountKey":    "nova-music",
		"productKey":            "nova-basic",
		"offerKey":              "bundle",
		"status":                "SUSPENDED",
		"dateCreated":           "2024-01-01T00:00:00Z",
		"dateActivated":         "2024-01-02T00:00:00+02:00",
		"dateSuspended":         "2025-03-04T05:06:07.089Z",
		"notificationUrl":       "https://partner.example.com/hook-private",
		"activationCode":        "code-private",
		"extensionData":         map[string]any{"name": "name-private"},
	}
	maps.Copy(r, change)
	for k, v := range r {
		if v == nil {
			delete(r, k)
		}
	}
	line, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return string(line)
}

// array makes a migration file of records.
func array(records ...string) []byte { return []byte("[" + strings.Join(records, ",\n") + "]") }

// sounds are the records 1 to n.
func sounds(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = sound(i+1, nil)
	}
	return out
}

// bulky is a file of n records of some 50 KB each, for uploads that are under
// way when something happens.
func bulky(n int) []byte {
	out := make([]string, n)
	for i := range out {
		out[i] = sound(i+1, map[string]any{"extensionData": strings.Repeat("x", 50_000)})
	}
	return array(out...)
}

// importInput is what a run gives ImportFile after its checks.
func (b *bundle) importInput(id, uri string) ImportFileInput {
	b.t.Helper()
	res := run[CheckStartResult](b, CheckStartName, CheckStartInput{Migration: id, File: uri, Route: "acme-nova"})
	return ImportFileInput{Migration: id, File: uri, ETag: res.ETag, Rules: res.Rules, Settings: res.Settings}
}

// stage claims and imports a file that must be accepted, and gives its batches.
func (b *bundle) stage(id string, file []byte) []BatchRef {
	b.t.Helper()
	in := b.importInput(id, b.upload(id+".json", file))
	run[any](b, ClaimFileName, ClaimFileInput{
		Migration: id, File: in.File, Environment: in.Settings.Environment, Route: "acme-nova",
		FirstRunID: "run-of-" + id, DryRun: in.Settings.DryRun,
	})
	res := run[ImportFileResult](b, ImportFileName, in)
	require.Empty(b.t, res.First)
	batches := run[[]migrationfile.Batch](b, ListBatchesName, ListBatchesInput{Migration: id, From: 1, Limit: res.Batches})
	refs := make([]BatchRef, len(batches))
	for i, batch := range batches {
		refs[i] = batchRef(id, batch)
	}
	return refs
}

// task is a step of a record as its workflow would ask for it.
func (b *bundle) task(ref BatchRef, rec BatchRecord) PerformStepInput {
	return PerformStepInput{
		RecordRef: RecordRef{
			Migration: ref.Migration, Record: rec.Record, ExternalEntitlementID: rec.ExternalEntitlementID,
			At: rec.At, Batch: ref.At,
		},
		Route: "acme-nova", Step: rec.Steps[0],
	}
}

// carry migrates the records of a batch, step by step, and gives their
// outcomes; those whose product refuses a step fail.
func (b *bundle) carry(ref BatchRef) []migration.Outcome {
	b.t.Helper()
	var outcomes []migration.Outcome
	for _, rec := range run[[]BatchRecord](b, LoadBatchName, ref) {
		outcomes = append(outcomes, b.carryRecord(ref, rec))
	}
	return outcomes
}

func (b *bundle) carryRecord(ref BatchRef, rec BatchRecord) migration.Outcome {
	b.t.Helper()
	o := migration.Outcome{
		Record: rec.Record, ExternalEntitlementID: rec.ExternalEntitlementID, Status: rec.Status, Fate: migration.Migrated,
	}
	in, remaining := b.task(ref, rec), rec.Steps
	for len(remaining) > 0 {
		in.Step = remaining[0]
		value, err := b.env().ExecuteActivity(PerformStepName, in)
		if err != nil {
			f := fault.FromActivity(err)
			require.Equal(b.t, fault.CodeNotAvailable, f.Code, f.Message)
			o.Fate, o.Step, o.Code, o.HTTPStatus, o.Message, o.Attempts = migration.Failed, in.Step, f.Code, f.HTTPStatus, f.Message, 1
			return o
		}
		var res PerformStepResult
		require.NoError(b.t, value.Get(&res))
		in.EntitlementID, remaining = res.EntitlementID, res.Remaining
		o.EntitlementID, o.StepsDone = res.EntitlementID, res.Done
	}
	return o
}

// migrate carries all batches and writes their outcomes, which it gives.
func (b *bundle) migrate(refs []BatchRef) []migration.Outcome {
	b.t.Helper()
	var all []migration.Outcome
	for _, ref := range refs {
		outcomes := b.carry(ref)
		b.write(ref, "", outcomes...)
		all = append(all, outcomes...)
	}
	return all
}

func (b *bundle) faults(change func(*sandbox.Faults)) {
	b.t.Helper()
	require.NoError(b.t, b.box.ChangeFaults(func(f *sandbox.Faults) error { change(f); return nil }))
}

func (b *bundle) stats() sandbox.Stats {
	b.t.Helper()
	stats, err := b.box.Stats(b.t.Context())
	require.NoError(b.t, err)
	return stats
}

// at reads an entitlement from the target by its external id.
func (b *bundle) at(external string) entitlement.Entitlement {
	b.t.Helper()
	found, err := b.target.Find(b.t.Context(), "nova-music", []string{external})
	require.NoError(b.t, err)
	require.Len(b.t, found, 1)
	return found[0]
}
