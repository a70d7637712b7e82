// Package workflows holds Ferry's workflows: MigrateFile carries a file,
// MigrateBatch some consecutive records of it, MigrateEntitlement one record;
// RebuildReports makes the files of a migration that was ended by force,
// ReconcileMigration compares a past one with the target again,
// NotifyCompletion tells another system of a migration's end.
// This file is their public face. Workers register them (Register), programs
// start, query and update them by the names below. Workflow code does no I/O
// and reads no clock but Temporal's.
package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// TaskQueue is where workers poll unless configured otherwise.
const TaskQueue = "ferry"

// Registered names of the workflows. They are part of stored histories and
// never follow a rename in Go.
const (
	MigrateFileName        = "MigrateFile"
	MigrateBatchName       = "MigrateBatch"
	MigrateEntitlementName = "MigrateEntitlement"
	RebuildReportsName     = "RebuildReports"
	ReconcileMigrationName = "ReconcileMigration"
	NotifyCompletionName   = "NotifyCompletion"
)

// QueryProgress answers a migration.Summary at any time; ReconcileMigration a
// migration.Reconciliation.
const QueryProgress = "progress"

// QueryWritten answers what MigrateFile knows of its batches' outcomes, a
// migration.Written.
const QueryWritten = "written"

// Updates of MigrateFile. Each takes an OperatorAction (set-limits and
// set-concurrency their own input) and answers the migration.Summary after it.
const (
	UpdatePause          = "pause"
	UpdateResume         = "resume"
	UpdateAbort          = "abort"
	UpdateApprove        = "approve"
	UpdateSetLimits      = "set-limits"
	UpdateSetConcurrency = "set-concurrency"
)

// MigrateFileInput starts a migration. File and Route are required; what is
// absent comes from the worker's configuration.
type MigrateFileInput struct {
	File              string            `json:"file"`  // s3://bucket/key
	Route             string            `json:"route"` // as the target knows it
	DryRun            bool              `json:"dryRun,omitempty"`
	RequireApproval   *bool             `json:"requireApproval,omitempty"`
	ApproveFirstWave  *bool             `json:"approveFirstWave,omitempty"` // hold again after the first wave
	Reconcile         *bool             `json:"reconcile,omitempty"`
	Limits            *LimitsInput      `json:"limits,omitempty"`
	Waves             *bool             `json:"waves,omitempty"`
	Concurrency       *ConcurrencyInput `json:"concurrency,omitempty"`
	RequestsPerSecond *float64          `json:"requestsPerSecond,omitempty"` // per worker; 0: unlimited
	Parent            string            `json:"parent,omitempty"`            // the migration this reloads

	// Carried is the run's state over a continue-as-new; nobody else sets it.
	Carried *Carried `json:"carried,omitempty"`

	// problem is what was wrong with the JSON, said by the workflow as
	// BAD_INPUT.
	problem string
}

// LimitsInput overrides single error limits.
type LimitsInput struct {
	ErrorRate   *float64 `json:"errorRate,omitempty"`
	MinSample   *int     `json:"minSample,omitempty"`
	Consecutive *int     `json:"consecutive,omitempty"`
	MaxFailures *int     `json:"maxFailures,omitempty"`
}

// ConcurrencyInput overrides what is under way at once.
type ConcurrencyInput struct {
	Batches  *int `json:"batches,omitempty"`
	PerBatch *int `json:"perBatch,omitempty"`
}

// OperatorAction is who asks for something, and why. By is required.
type OperatorAction struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// ApproveInput lets a run go on. Plan names the plan that was looked at (the
// hash that plan.json and the progress reason give).
type ApproveInput struct {
	OperatorAction
	Plan string `json:"plan"`
}

// SetLimitsInput changes error limits of a running migration.
type SetLimitsInput struct {
	OperatorAction
	Limits LimitsInput `json:"limits"`
}

// SetConcurrencyInput changes what is under way at once in a running migration.
type SetConcurrencyInput struct {
	OperatorAction
	Concurrency       ConcurrencyInput `json:"concurrency"`
	RequestsPerSecond *float64         `json:"requestsPerSecond,omitempty"`
}

// BatchID is the workflow id of a migration's batch.
func BatchID(migrationID string, number int) string {
	return fmt.Sprintf("%s/batch-%06d", migrationID, number)
}

// RebuildID is the id of the workflow that rebuilds a migration's files.
func RebuildID(migrationID string) string { return migrationID + "/reports" }

// ReconcileID is the id of the workflow that reconciles a past migration.
func ReconcileID(migrationID string) string { return migrationID + "/reconcile" }

// NotifyID is the id of the workflow that tells of a migration's end.
func NotifyID(migrationID string) string { return migrationID + "/notify" }

// maxIDBytes keeps entitlement ids below the 255 characters that Temporal on
// PostgreSQL stores, with room for the route.
const maxIDBytes = 200

// EntitlementID is the workflow id of a record. It is the same in every
// migration, so that two of them can't work on one entitlement at once. The
// external id is used as it is if it is at most 200 bytes of printable ASCII,
// else its SHA-256.
func EntitlementID(route, externalEntitlementID string) string {
	prefix := "entitlement/" + route + "/"
	if printable(externalEntitlementID) {
		return prefix + externalEntitlementID
	}
	sum := sha256.Sum256([]byte(externalEntitlementID))
	return prefix + "sha256-" + hex.EncodeToString(sum[:])
}

func printable(s string) bool {
	if s == "" || len(s) > maxIDBytes {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// Summary is what MigrateFile returns and the progress query answers.
type Summary = migration.Summary
