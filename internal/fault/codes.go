package fault

// Codes of the target (its responseCode) that Ferry decides on.
const (
	CodeBadRequest         = "BAD_REQUEST"
	CodeUnauthorized       = "UNAUTHORIZED"
	CodeNotFound           = "NOT_FOUND"
	CodeNotAvailable       = "NOT_AVAILABLE"
	CodeAlreadyExists      = "ALREADY_EXISTS"
	CodeConflict           = "CONFLICT"
	CodeTooManyRequests    = "TOO_MANY_REQUESTS"
	CodeInternalError      = "INTERNAL_ERROR"
	CodeServiceUnavailable = "SERVICE_UNAVAILABLE"
)

// Codes of Ferry's own for calls without a usable answer of the target.
const (
	CodeTimeout       = "TIMEOUT"        // no answer in time: may have taken effect
	CodeConnection    = "CONNECTION"     // refused, reset or cut
	CodeGateway       = "GATEWAY"        // an answer that is not the API's (a proxy's page)
	CodeUnexpected    = "UNEXPECTED"     // an answer of the API that makes no sense
	CodeCustomerLimit = "CUSTOMER_LIMIT" // BAD_REQUEST for the customer's number of entitlements
)

// CodePaced is the fault of a call that was not made, because its turn did not
// come: Ferry's own doing, which counts for nothing.
const CodePaced = "PACED"

// Codes of a record's fate.
const (
	CodeTargetUnavailable   = "TARGET_UNAVAILABLE"    // the record's retry budget is used up
	CodeTargetDiffers       = "TARGET_DIFFERS"        // the target has the id with other content
	CodeEntitlementNotFound = "ENTITLEMENT_NOT_FOUND" // the entitlementId of a reload is unknown
	CodeStillPending        = "STILL_PENDING"         // a 202 that did not settle in the budget
	CodeInterrupted         = "INTERRUPTED"           // the run was stopped while the record was half-way
	CodeOperatorStopped     = "OPERATOR_STOPPED"      // the record's workflow was ended by hand
	CodeInAnotherMigration  = "IN_ANOTHER_MIGRATION"  // another migration works on it
	CodeStoppedByLimit      = "STOPPED_BY_LIMIT"      // not attempted: an error limit stopped the run
	CodeAborted             = "ABORTED"               // not attempted: an operator aborted the run
)

// CodeNotifyFailed is a message of a run's end that could not be delivered.
const CodeNotifyFailed = "NOTIFY_FAILED"

// Codes with which the root workflow fails, or a start is refused.
const (
	CodeBadInput        = "BAD_INPUT"
	CodeFileNameUsed    = "FILE_NAME_USED"
	CodePlanChanged     = "PLAN_CHANGED"
	CodeMigrationIDUsed = "MIGRATION_ID_USED"
	CodeFileNotFound    = "FILE_NOT_FOUND"
	CodeFileUnreadable  = "FILE_UNREADABLE"
	CodeRouteUnknown    = "ROUTE_UNKNOWN"
	CodeStoreUnfit      = "STORE_UNFIT" // the store ignores If-None-Match
	CodeStoreFault      = "STORE_FAULT"
	CodeFileChanged     = "FILE_CHANGED" // the object changed while it was read
)
