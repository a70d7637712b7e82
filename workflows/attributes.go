package workflows

import (
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// Search attributes of Ferry's workflows, each a Keyword. A namespace need not
// have them: one that is missing is left out, since the server would refuse
// the workflow's every task for it.
const (
	AttributeMigration = "FerryMigration" // the migration's id: on the root, its batches and its records
	AttributeRoute     = "FerryRoute"     // the same
	AttributeResult    = "FerryResult"    // the migration's result: on the root, once it is over
)

// SearchAttributes lists them.
func SearchAttributes() []string {
	return []string{AttributeMigration, AttributeRoute, AttributeResult}
}

// marks are the search attributes that the namespace has, as the worker that
// checked the start was told.
type marks []string

// of gives the attributes of one of a migration's workflows.
func (m marks) of(migrationID, route string) []temporal.SearchAttributeUpdate {
	return slices.Concat(m.one(AttributeMigration, migrationID), m.one(AttributeRoute, route))
}

// result gives the attribute of a migration that is over.
func (m marks) result(r migration.Result) []temporal.SearchAttributeUpdate {
	return m.one(AttributeResult, string(r))
}

func (m marks) one(name, value string) []temporal.SearchAttributeUpdate {
	if value == "" || !slices.Contains(m, name) {
		return nil
	}
	return []temporal.SearchAttributeUpdate{temporal.NewSearchAttributeKeyKeyword(name).ValueSet(value)}
}

// mark sets attributes of a running workflow; none costs nothing. A refusal is
// the server's, and comes too late to be heard here.
func mark(ctx workflow.Context, updates []temporal.SearchAttributeUpdate) {
	if len(updates) > 0 {
		_ = workflow.UpsertTypedSearchAttributes(ctx, updates...)
	}
}
