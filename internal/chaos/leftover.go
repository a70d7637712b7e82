package chaos

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// leftover holds reload.json and errors.csv to the records that are left: all
// of them, nothing else, as they were supplied. reload.json begins with those
// that were never attempted, and is otherwise in file order.
func (a *auditor) leftover() {
	if len(a.reload) != len(a.left) || len(a.errors) != len(a.left) {
		a.find(Lost, 0, fmt.Sprintf("%d records are left, reload.json has %d and errors.csv %d",
			len(a.left), len(a.reload), len(a.errors)))
		return
	}
	slices.SortStableFunc(a.left, func(x, y Record) int { return cmp.Compare(a.turn(&x), a.turn(&y)) })
	rows := map[string]map[string]string{}
	for _, row := range a.errors {
		rows[row["externalEntitlementId"]] = row
	}
	for i := range a.left {
		r := &a.left[i]
		a.reloaded(r, a.reload[i])
		a.explained(r, rows[r.External])
	}
}

// turn is 0 for a record that was never attempted, and 1 for one that failed.
func (a *auditor) turn(r *Record) int {
	if o, known := a.outcomes[r.External]; known && o.Fate == migration.Failed {
		return 1
	}
	return 0
}

// reloaded holds a record of reload.json to the one that was supplied.
func (a *auditor) reloaded(r *Record, again map[string]any) {
	o := a.outcomes[r.External]
	if o.Partial() && text(again, "entitlementId") != o.EntitlementID {
		a.find(Wrong, r.Number, "reload.json lacks its entitlementId")
	}
	for name, value := range again {
		if value == nil || (name == "entitlementId" && r.Fields[name] == nil) {
			continue
		}
		if !reflect.DeepEqual(r.Fields[name], value) {
			a.find(Wrong, r.Number, name+" differs in reload.json")
		}
	}
	for name := range r.Fields {
		if again[name] == nil {
			a.find(Lost, r.Number, name+" is missing in reload.json")
		}
	}
	if o.Partial() {
		r.Fields["entitlementId"] = o.EntitlementID // the next reload is supplied with it
	}
}

// explained holds a row of errors.csv to the record's outcome.
func (a *auditor) explained(r *Record, row map[string]string) {
	o, known := a.outcomes[r.External]
	if row["externalEntitlementId"] != r.External || row["code"] == "" || row["hint"] == "" {
		a.find(Wrong, r.Number, "errors.csv does not name it, or why")
		return
	}
	if !known {
		if row["outcome"] != string(migration.NotAttempted) {
			a.find(Wrong, r.Number, "errors.csv says "+row["outcome"]+" of a batch without outcomes")
		}
		return
	}
	want := map[string]string{
		"outcome": string(o.Fate), "step": string(o.Step), "code": o.Code,
		"partial": strconv.FormatBool(o.Partial()), "retryable": strconv.FormatBool(o.Retryable),
	}
	for column, value := range want {
		if row[column] != value {
			a.find(Wrong, r.Number, column+" of errors.csv differs from its outcome")
		}
	}
}

// correlation holds correlation.csv to what was migrated: it was read back and
// matches.
func (a *auditor) correlation(migrated int) {
	rows := 0
	for _, row := range a.matches {
		if o := a.outcomes[row["ExternalEntitlementId"]]; o.Fate == migration.Migrated || o.Fate == migration.AlreadyMigrated {
			rows++
		}
	}
	if rows != migrated {
		a.find(Wrong, 0, fmt.Sprintf("correlation.csv has %d rows for %d migrated records", rows, migrated))
	}
	for _, row := range a.matches {
		if row["CorrelationResult"] != "OK: Entitlement data matches" {
			a.find(Wrong, 0, "correlation.csv: "+row["ExternalEntitlementId"]+": "+row["CorrelationResult"])
		}
	}
}
