package telemetry

import (
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// Answers that are no code.
const (
	answerOK    = "OK"
	answerOther = "OTHER" // a code of the target that Ferry doesn't know, or an error that is no fault
)

// codes are the values that a code label may have. The target may answer with
// codes that nobody here has heard of, and without end.
var codes = map[string]bool{
	fault.CodeBadRequest: true, fault.CodeUnauthorized: true, fault.CodeNotFound: true,
	fault.CodeNotAvailable: true, fault.CodeAlreadyExists: true, fault.CodeConflict: true,
	fault.CodeTooManyRequests: true, fault.CodeInternalError: true, fault.CodeServiceUnavailable: true,

	fault.CodeTimeout: true, fault.CodeConnection: true, fault.CodeGateway: true,
	fault.CodeUnexpected: true, fault.CodeCustomerLimit: true, fault.CodePaced: true,

	fault.CodeTargetUnavailable: true, fault.CodeTargetDiffers: true, fault.CodeEntitlementNotFound: true,
	fault.CodeStillPending: true, fault.CodeInterrupted: true, fault.CodeOperatorStopped: true,
	fault.CodeInAnotherMigration: true, fault.CodeStoppedByLimit: true, fault.CodeAborted: true,

	fault.CodeNotifyFailed: true,

	fault.CodeBadInput: true, fault.CodeFileNameUsed: true, fault.CodePlanChanged: true,
	fault.CodeMigrationIDUsed: true, fault.CodeFileNotFound: true, fault.CodeFileUnreadable: true,
	fault.CodeRouteUnknown: true, fault.CodeStoreUnfit: true, fault.CodeStoreFault: true, fault.CodeFileChanged: true,
}

// troubles are the answers that are no record's fault: the target's own trouble,
// the way to it, or refused credentials.
var troubles = map[string]bool{
	fault.CodeUnauthorized: true, fault.CodeTooManyRequests: true, fault.CodeInternalError: true,
	fault.CodeServiceUnavailable: true, fault.CodeTimeout: true, fault.CodeConnection: true,
	fault.CodeGateway: true, fault.CodeUnexpected: true,
}

// known bounds a code; none stays none.
func known(code string) string {
	if code == "" || codes[code] {
		return code
	}
	return answerOther
}

// answer is what came of a call, as a label.
func answer(err error) string {
	if err == nil {
		return answerOK
	}
	if f, ok := fault.As(err); ok && codes[f.Code] {
		return f.Code
	}
	return answerOther
}

var results = map[migration.Result]bool{
	migration.Completed: true, migration.CompletedWithFailures: true, migration.Rejected: true,
	migration.DryRun: true, migration.StoppedByLimit: true, migration.Aborted: true, migration.Interrupted: true,
}

var rules = map[string]bool{
	migration.RuleConsecutive: true, migration.RuleErrorRate: true,
	migration.RuleMaxFailures: true, migration.RuleCanary: true,
}
