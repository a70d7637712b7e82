package migration

import (
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// Fate is what became of one record.
type Fate string

// The four fates. Every record has exactly one at the end of a migration.
const (
	Migrated        Fate = "MIGRATED"
	AlreadyMigrated Fate = "ALREADY_MIGRATED"
	Failed          Fate = "FAILED"
	NotAttempted    Fate = "NOT_ATTEMPTED"
)

// Known reports whether f is one of the four fates.
func (f Fate) Known() bool {
	switch f {
	case Migrated, AlreadyMigrated, Failed, NotAttempted:
		return true
	}
	return false
}

// Outcome is the fate of one record with what was done for it: one line of
// outcomes/<batch>.ndjson. It names the record by its external id and holds
// nothing else of its content.
type Outcome struct {
	Record                int                `json:"record"` // from 1, in file order
	ExternalEntitlementID string             `json:"externalEntitlementId"`
	Fate                  Fate               `json:"outcome"`
	Status                entitlement.Status `json:"status,omitempty"`        // the record's own
	EntitlementID         string             `json:"entitlementId,omitempty"` // the target's id, where it is known to be this record's
	StepsDone             []entitlement.Step `json:"stepsDone,omitempty"`     // done at the target, by this run or before
	Step                  entitlement.Step   `json:"step,omitempty"`          // the step that failed or was not tried
	Code                  string             `json:"code,omitempty"`          // why it is not migrated
	HTTPStatus            int                `json:"httpStatus,omitempty"`    // of the last answer; 0: none
	Message               string             `json:"message,omitempty"`       // free of the record's own values
	Retryable             bool               `json:"retryable,omitempty"`     // a reload may succeed with nothing changed
	Attempts              int                `json:"attempts"`                // calls made for the last step
	StartedAt             *time.Time         `json:"startedAt,omitempty"`
	FinishedAt            *time.Time         `json:"finishedAt,omitempty"`

	// Dropped counts the messages to the record's workflow that were none of its
	// run's. Its batch adds them up and keeps none.
	Dropped int `json:"dropped,omitempty"`
}

// Partial reports whether the record failed with at least one step done, or
// accepted, at the target.
func (o *Outcome) Partial() bool { return o.Fate == Failed && o.EntitlementID != "" }

// Outcomes counts records by fate.
type Outcomes struct {
	Migrated        int `json:"MIGRATED"`
	AlreadyMigrated int `json:"ALREADY_MIGRATED"`
	Failed          int `json:"FAILED"`
	NotAttempted    int `json:"NOT_ATTEMPTED"`
}

// Total is the number of records counted.
func (o Outcomes) Total() int {
	return o.Migrated + o.AlreadyMigrated + o.Failed + o.NotAttempted
}

// Finished is the number of records that were attempted to the end.
func (o Outcomes) Finished() int { return o.Migrated + o.AlreadyMigrated + o.Failed }

// Add counts n records of a fate.
func (o *Outcomes) Add(f Fate, n int) {
	switch f {
	case Migrated:
		o.Migrated += n
	case AlreadyMigrated:
		o.AlreadyMigrated += n
	case Failed:
		o.Failed += n
	case NotAttempted:
		o.NotAttempted += n
	}
}

// Plus is the sum of both.
func (o Outcomes) Plus(p Outcomes) Outcomes {
	return Outcomes{
		Migrated:        o.Migrated + p.Migrated,
		AlreadyMigrated: o.AlreadyMigrated + p.AlreadyMigrated,
		Failed:          o.Failed + p.Failed,
		NotAttempted:    o.NotAttempted + p.NotAttempted,
	}
}
