package dashboard

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// topLevel are the files that a migration may have, in the order in which
// people look for them.
var topLevel = []string{
	migration.FileReload, migration.FileErrors, migration.FileCorrelation, migration.FileSummary,
	migration.FileValidation, migration.FilePlan, migration.FileAudit,
	migration.FileBatches, migration.FileClaim, migration.FileRecords, migration.FilePurged,
}

// harmless are the top-level files that hold no personal data. Everything else
// at the top is for operators.
var harmless = []string{
	migration.FileErrors, migration.FileCorrelation, migration.FileSummary, migration.FileValidation,
	migration.FilePlan, migration.FileAudit, migration.FileBatches, migration.FileClaim, migration.FilePurged,
}

var (
	// topLevelName keeps a download inside the migration's own folder.
	topLevelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	// outcomesName and reconciliationName are files in its folders. They name
	// records by external ids and fields by their names, and hold nothing else
	// of a record's content.
	outcomesName       = regexp.MustCompile(`^outcomes/[0-9]{6,9}\.ndjson$`)
	reconciliationName = regexp.MustCompile(`^reconciliations/[0-9]{8}T[0-9]{6}\.[0-9]{3}Z\.(csv|json)$`)
)

// inFolder reports whether name is a file in one of a migration's folders.
func inFolder(name string) bool {
	return outcomesName.MatchString(name) || reconciliationName.MatchString(name)
}

// isFile reports whether name may be one of a migration's files.
func isFile(name string) bool { return topLevelName.MatchString(name) || inFolder(name) }

// personal reports whether a file may hold personal data, so that it is for
// operators.
func personal(name string) bool { return !slices.Contains(harmless, name) && !inFolder(name) }

var fileKinds = map[string]string{
	".json":   "application/json",
	".ndjson": "application/x-ndjson",
	".csv":    "text/csv; charset=utf-8",
}

// kindOf is a file's media type.
func kindOf(name string) string {
	if kind, ok := fileKinds[path.Ext(name)]; ok {
		return kind
	}
	return "application/octet-stream"
}

// savedAs is the name under which a browser saves a migration's file.
func savedAs(id, name string) string { return id + "-" + strings.ReplaceAll(name, "/", "-") }

var fileWords = map[string]string{
	migration.FileReload:      "a migration file of the records that are left",
	migration.FileErrors:      "why each of them is left, a row a record",
	migration.FileCorrelation: "each migrated record compared with the target",
	migration.FileSummary:     "what this page shows, for programs",
	migration.FileValidation:  "problems and warnings of the source file",
	migration.FilePlan:        "what the run was going to do",
	migration.FileAudit:       "everything that operators did",
	migration.FileBatches:     "how the records were cut into batches",
	migration.FileClaim:       "who took the id",
	migration.FileRecords:     "the source as it was accepted",
	migration.FilePurged:      "who deleted its personal data, when and why",
}
