package migration

import "time"

// Phase is where a running migration stands.
type Phase string

// The phases, in their usual order.
const (
	Checking         Phase = "CHECKING"
	Importing        Phase = "IMPORTING"
	AwaitingApproval Phase = "AWAITING_APPROVAL"
	Migrating        Phase = "MIGRATING"
	Paused           Phase = "PAUSED"
	Stopping         Phase = "STOPPING"
	Reporting        Phase = "REPORTING"
	Reconciling      Phase = "RECONCILING"
	Done             Phase = "DONE"
)

// Result is how a migration ended; empty while it runs.
type Result string

// The results. Interrupted and NotStarted are never written by a migration:
// they are how programs show one that was closed by force before it had a
// result, and one that failed before it could begin (a wrong route, a name that
// was used, refused credentials).
const (
	Completed             Result = "COMPLETED"
	CompletedWithFailures Result = "COMPLETED_WITH_FAILURES"
	Rejected              Result = "REJECTED"
	DryRun                Result = "DRY_RUN"
	StoppedByLimit        Result = "STOPPED_BY_LIMIT"
	Aborted               Result = "ABORTED"
	Interrupted           Result = "INTERRUPTED"
	NotStarted            Result = "NOT_STARTED"
)

// Summary is the one shape of a migration's state: summary.json, the root
// workflow's result, the progress query and --json of the CLI.
type Summary struct {
	Migration  string       `json:"migration"`
	File       string       `json:"file"`
	SHA256     string       `json:"sha256"`
	Route      string       `json:"route"`
	Parent     string       `json:"parent"` // of a reload
	Phase      Phase        `json:"phase"`
	Result     Result       `json:"result"`
	Reason     string       `json:"reason"`
	Records    int          `json:"records"`
	Outcomes   Outcomes     `json:"outcomes"`
	Statuses   Statuses     `json:"statuses"`
	Steps      StepCounts   `json:"steps"`
	Partial    int          `json:"partial"`
	Errors     []ErrorGroup `json:"errors"` // at most MaxErrorGroups
	Problems   *Problems    `json:"problems,omitempty"`
	Limits     LimitsState  `json:"limits"`
	Audit      []AuditEntry `json:"audit"` // the last MaxAuditEntries
	StartedAt  *time.Time   `json:"startedAt"`
	FinishedAt *time.Time   `json:"finishedAt"` // null while it runs
	Settings   Settings     `json:"settings"`
	// PlanHash names the plan with the settings as they are now: what an approval
	// gives. Empty before the import is over.
	PlanHash string              `json:"planHash,omitempty"`
	Files    map[string]FileInfo `json:"files"`
	// Written is what the batches' outcomes add up to, in summary.json and the
	// result: who reads them later can tell whether they were changed.
	Written *Written `json:"written,omitempty"`
	// Purged is set by programs that show a migration whose personal data was
	// deleted; no workflow and no file has it.
	Purged *Purge `json:"purged,omitempty"`
	// Stale is set by programs that could not ask the migration itself; no
	// workflow and no file has it.
	Stale *Stale `json:"stale,omitempty"`
}

// Stale says that a summary is the last that is known of a running migration,
// because nobody answers for it.
type Stale struct {
	At  time.Time `json:"at"`  // the last that Temporal heard of the run
	Why string    `json:"why"` // nobody answers
}

// Bounds of a summary, so that it stays a small payload.
const (
	MaxErrorGroups   = 50
	MaxErrorExamples = 5
	MaxAuditEntries  = 100
)

// Statuses counts entitlements by the four groups that partners check.
type Statuses struct {
	Pending    StatusCount `json:"PENDING"`
	Active     StatusCount `json:"ACTIVE"` // with ACTIVE-ENDING
	Suspended  StatusCount `json:"SUSPENDED"`
	Terminated StatusCount `json:"TERMINATED"` // CANCELLED and REVOKED
}

// StatusCount compares a group's numbers. Found is null until the target was
// read back.
type StatusCount struct {
	Expected int  `json:"expected"` // in the file
	Migrated int  `json:"migrated"` // with ALREADY_MIGRATED
	Found    *int `json:"found"`    // of these, at the target
}

// ByGroup is one number for each status group.
type ByGroup struct {
	Pending    int `json:"PENDING"`
	Active     int `json:"ACTIVE"`
	Suspended  int `json:"SUSPENDED"`
	Terminated int `json:"TERMINATED"`
}

// Add counts n in a group as entitlement.StatusGroup names it; another name
// counts nowhere.
func (g *ByGroup) Add(name string, n int) {
	switch name {
	case "PENDING":
		g.Pending += n
	case "ACTIVE":
		g.Active += n
	case "SUSPENDED":
		g.Suspended += n
	case "TERMINATED":
		g.Terminated += n
	}
}

// Plus is the sum of both.
func (g ByGroup) Plus(h ByGroup) ByGroup {
	return ByGroup{
		Pending: g.Pending + h.Pending, Active: g.Active + h.Active,
		Suspended: g.Suspended + h.Suspended, Terminated: g.Terminated + h.Terminated,
	}
}

// CountStatuses sets expected, migrated and found side by side; found is nil
// until the target was read back.
func CountStatuses(expected, migrated ByGroup, found *ByGroup) Statuses {
	s := Statuses{
		Pending:    StatusCount{Expected: expected.Pending, Migrated: migrated.Pending},
		Active:     StatusCount{Expected: expected.Active, Migrated: migrated.Active},
		Suspended:  StatusCount{Expected: expected.Suspended, Migrated: migrated.Suspended},
		Terminated: StatusCount{Expected: expected.Terminated, Migrated: migrated.Terminated},
	}
	if found != nil {
		f := *found
		s.Pending.Found, s.Active.Found = &f.Pending, &f.Active
		s.Suspended.Found, s.Terminated.Found = &f.Suspended, &f.Terminated
	}
	return s
}

// ErrorGroup counts records that were not migrated for one reason.
type ErrorGroup struct {
	Code     string   `json:"code"`
	Step     string   `json:"step"`
	Count    int      `json:"count"`
	Examples []string `json:"examples"` // external ids, at most MaxErrorExamples
}

// Problems counts what validation found.
type Problems struct {
	Total    int            `json:"total"`
	ByCode   map[string]int `json:"byCode"`
	Warnings map[string]int `json:"warnings,omitempty"`
}

// LimitsState is the error limits with how close the run is to them.
type LimitsState struct {
	Limits
	LongestRun int      `json:"longestRun"` // neighbours in file order that all failed
	Tripped    *Tripped `json:"tripped"`
}

// Rules that can trip.
const (
	RuleConsecutive = "consecutive"
	RuleErrorRate   = "errorRate"
	RuleMaxFailures = "maxFailures"
	RuleCanary      = "canary"
)

// Tripped says which limit stopped the run, and on which records. First and
// Last are 0 where the rule names no range.
type Tripped struct {
	Rule  string `json:"rule"`
	First int    `json:"first"`
	Last  int    `json:"last"`
}

// AuditEntry is one thing an operator did.
type AuditEntry struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Action string    `json:"action"`
	Reason string    `json:"reason,omitempty"`
	Detail string    `json:"detail,omitempty"` // what was changed to what
}

// FileInfo is one file of a migration.
type FileInfo struct {
	URI    string `json:"uri"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Of a reload.json: how many records it has, and how many of them, at its
	// beginning, were never attempted. Both are 0 for one of an earlier version,
	// whose records stand in file order whatever became of them.
	Records      int `json:"records,omitempty"`
	NotAttempted int `json:"notAttempted,omitempty"`
}
