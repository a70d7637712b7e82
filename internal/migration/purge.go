package migration

import (
	"slices"
	"strings"
	"time"
)

// FilePurged says that a migration's personal data was deleted, when, by whom
// and why. It is written before anything is deleted, and again at the end.
const FilePurged = "purged.json"

// lasting are the files that hold no record's content and no line about a
// single record; a purge leaves them, byte for byte.
var lasting = []string{FileClaim, FilePlan, FileSummary, FileAudit, FilePurged}

// OutlastsPurge reports whether a file of a migration's folder stays when its
// personal data is deleted. Whatever is not known to be harmless goes.
func OutlastsPurge(name string) bool { return slices.Contains(lasting, name) }

// InputPrefix is the folder of the work bucket that the programs upload files
// to. What lies there is Ferry's own, and goes with its migration.
const InputPrefix = "input/"

// IsInput reports whether a key of the work bucket is an uploaded file.
func IsInput(key string) bool {
	return len(key) > len(InputPrefix) && strings.HasPrefix(key, InputPrefix)
}

// ActionPurge is what an audit trail calls it.
const ActionPurge = "purge"

// Purge is the content of purged.json.
type Purge struct {
	Migration  string     `json:"migration"`
	StartedAt  time.Time  `json:"startedAt"`
	FinishedAt *time.Time `json:"finishedAt"` // null: it was interrupted, and the same command finishes it
	By         string     `json:"by"`
	Reason     string     `json:"reason,omitempty"`
	Objects    int        `json:"objects"` // that were to go at the start
	Bytes      int64      `json:"bytes"`   // of these
	// Audit has an entry for each command that deleted anything, the first and
	// those that finished what it left.
	Audit []AuditEntry `json:"audit"`
}

// Says puts the purge into words that follow a migration's name.
func (p *Purge) Says() string {
	when := p.StartedAt.UTC().Format("2006-01-02 15:04Z")
	if p.FinishedAt == nil {
		return "its purge was begun on " + when + " by " + p.By + " and has not ended"
	}
	return "it was purged on " + when + " by " + p.By
}

// ApplyTo has a summary say that the migration was purged: its audit trail
// goes on with the purge's, and files that a purge deletes are no longer
// listed.
func (p *Purge) ApplyTo(s *Summary) {
	s.Purged = p
	trail := append(slices.Clone(s.Audit), p.Audit...)
	s.Audit = trail[max(0, len(trail)-MaxAuditEntries):]
	files := make(map[string]FileInfo, len(s.Files))
	for name, info := range s.Files {
		if OutlastsPurge(name) {
			files[name] = info
		}
	}
	s.Files = files
}
