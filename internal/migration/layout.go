package migration

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Top-level files of a migration, relative to its folder.
const (
	FileClaim       = "claim.json"
	FileValidation  = "validation.json"
	FilePlan        = "plan.json"
	FileRecords     = "records.ndjson"
	FileBatches     = "batches.json"
	FileAudit       = "audit.ndjson"
	FileReload      = "reload.json"
	FileErrors      = "errors.csv"
	FileCorrelation = "correlation.csv"
	FileSummary     = "summary.json"
)

// Prefix is the folder of all migrations in the work bucket.
const Prefix = "migrations/"

// Key is the object key of one of a migration's files in the work bucket.
func Key(migration, file string) string { return Prefix + migration + "/" + file }

// OutcomesFile is the name of a batch's outcomes.
func OutcomesFile(batch int) string { return fmt.Sprintf("outcomes/%06d.ndjson", batch) }

// LedgerPrefix is the folder of all claims on files' names.
const LedgerPrefix = "ledger/"

// LedgerKey is where the claim on a source file's name lies: once per target
// environment, bucket and key.
func LedgerKey(environment, bucket, key string) string {
	return LedgerPrefix + environment + "/" + bucket + "/" + key
}

// MaxIDLength is how many characters a migration's id has at most.
const MaxIDLength = 80

// IDPattern is what a migration's id, the root's workflow id, must match.
const IDPattern = `[A-Za-z0-9][A-Za-z0-9._-]{0,79}`

var idRegexp = regexp.MustCompile("^" + IDPattern + "$")

// ValidID reports whether id may name a migration.
func ValidID(id string) bool { return idRegexp.MatchString(id) }

// IDFor is the id that the CLI gives a migration of a file: its stem and eight
// hex digits of the SHA-256 of the URI, so that two buckets with the same key
// don't collide.
func IDFor(uri string) string {
	sum := sha256.Sum256([]byte(uri))
	stem := path.Base(uri)
	for _, ext := range []string{".gz", ".json", ".ndjson", ".jsonl"} {
		stem = strings.TrimSuffix(stem, ext)
	}
	stem = cleanStem(stem)
	return stem + "-" + hex.EncodeToString(sum[:4])
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func cleanStem(stem string) string {
	stem = strings.TrimLeft(unfit.ReplaceAllString(stem, "-"), "._-")
	if stem == "" {
		stem = "migration"
	}
	if len(stem) > 60 {
		stem = stem[:60]
	}
	return stem
}
