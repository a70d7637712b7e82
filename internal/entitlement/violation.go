package entitlement

// Violation is one rule that a record breaks. Its message speaks of fields and
// rules and never quotes a value of the record.
type Violation struct {
	Field   string // JSON name; empty: the record as a whole
	Code    string // one of the Code constants; stable
	Message string
	Hint    string // what to do; may be empty
	Warning bool   // true: the record is accepted all the same
}

// Codes of what a record can have wrong, documented in docs/errors.md.
const (
	CodeRequired           = "REQUIRED"             // a field that the status or the route needs is missing
	CodeForbidden          = "FORBIDDEN_FIELD"      // a field that the status rules out is there
	CodeEmptyString        = "EMPTY_STRING"         // "" where null or nothing is meant
	CodeNotAString         = "NOT_A_STRING"         // a value of another JSON type
	CodeNotAnObject        = "NOT_AN_OBJECT"        // a record or extensionData of another JSON type
	CodeTooLong            = "TOO_LONG"             // over the field's length
	CodeControlCharacter   = "CONTROL_CHARACTER"    // in a key or an id
	CodeSurroundingSpace   = "SURROUNDING_SPACE"    // around a key or an id
	CodeInvisibleCharacter = "INVISIBLE_CHARACTER"  // in a key or an id, or in a field's name
	CodeBadUUID            = "BAD_UUID"             // entitlementId is not a UUID
	CodeBadURL             = "BAD_URL"              // notificationUrl is not an absolute https URL
	CodeBadDate            = "BAD_DATE"             // not an ISO 8601 date-time with a zone
	CodeDateInFuture       = "DATE_IN_FUTURE"       // a date that must have passed lies ahead
	CodeDateOrder          = "DATE_ORDER"           // dates against the order of a lifecycle
	CodeEndPassed          = "END_PASSED"           // ACTIVE-ENDING with an end that has passed
	CodeUnknownStatus      = "UNKNOWN_STATUS"       // not one of the six
	CodeUnknownReason      = "UNKNOWN_REASON"       // not a standard pair of category and code
	CodeReasonMapped       = "REASON_MAPPED"        // warning: an old reason, sent under its present name
	CodeUnknownMerchant    = "UNKNOWN_MERCHANT"     // not the route's merchant
	CodeUnknownProduct     = "UNKNOWN_PRODUCT"      // not a product of the route
	CodeUnknownOffer       = "UNKNOWN_OFFER"        // not an offer of the product on the route
	CodeStatusNotSupported = "STATUS_NOT_SUPPORTED" // the route doesn't know the status
	CodeActionNotSupported = "ACTION_NOT_SUPPORTED" // the route lacks a step that the status needs
)

// JSON names of a record's fields, as they stand in a migration file.
const (
	FieldExternalEntitlementID  = "externalEntitlementId"
	FieldEntitlementID          = "entitlementId"
	FieldCustomerIdentifier     = "customerIdentifier"
	FieldMerchantAccountKey     = "merchantAccountKey"
	FieldProductKey             = "productKey"
	FieldOfferKey               = "offerKey"
	FieldStatus                 = "status"
	FieldDateCreated            = "dateCreated"
	FieldDateActivated          = "dateActivated"
	FieldDateSuspended          = "dateSuspended"
	FieldDateResumed            = "dateResumed"
	FieldDateEnded              = "dateEnded"
	FieldDateExpiry             = "dateExpiry"
	FieldReasonCategory         = "reasonCategory"
	FieldReasonCode             = "reasonCode"
	FieldReasonDescription      = "reasonDescription"
	FieldNotificationURL        = "notificationUrl"
	FieldEntitlementDisplayName = "entitlementDisplayName"
	FieldMerchantEntitlementID  = "merchantEntitlementId"
	FieldActivationCode         = "activationCode"
	FieldExtensionData          = "extensionData"
)

// violations collects what is found, with one line a rule at the call.
type violations []Violation

func (v *violations) add(field, code, message, hint string) {
	*v = append(*v, Violation{Field: field, Code: code, Message: message, Hint: hint})
}

func (v *violations) warn(field, code, message, hint string) {
	*v = append(*v, Violation{Field: field, Code: code, Message: message, Hint: hint, Warning: true})
}
