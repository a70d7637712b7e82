package migrationfile

// Problem is one thing that keeps a migration file from being accepted.
// Personal values are never in it.
type Problem struct {
	Record int `json:"record"` // from 1; 0: the file as a whole
	Line   int `json:"line"`   // from 1, in the (unpacked) source
	Column int `json:"column"` // from 1, in characters
	// ExternalEntitlementID is the record's, if it is at most 255 visible ASCII
	// characters; else empty.
	ExternalEntitlementID string `json:"externalEntitlementId"`
	// Pointer is the JSON Pointer of the value inside the record, at most one
	// level deep; empty: the record itself.
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// Warning is something odd that was accepted, counted over the whole file.
// The place is where it was first seen.
type Warning struct {
	Code    string `json:"code"`
	Field   string `json:"field"` // as spelled in the file
	Count   int    `json:"count"` // records
	Record  int    `json:"record"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// Codes of problems with a file or with records among each other; those of one
// record's content are in package entitlement. All are in docs/errors.md.
const (
	CodeNotJSON        = "NOT_JSON"         // neither an array nor a record a line
	CodeNotRecords     = "NOT_RECORDS"      // JSON, with its records inside something else
	CodeBadJSON        = "BAD_JSON"         // a JSON error inside a record or between two
	CodeBadUTF8        = "BAD_UTF8"         // bytes or escapes that are no Unicode text
	CodeTruncated      = "TRUNCATED"        // the file ends too early
	CodeTrailingData   = "TRAILING_DATA"    // more after the array, or after a line's record
	CodeBadGzip        = "BAD_GZIP"         // damaged compression
	CodeGzipRatio      = "GZIP_RATIO"       // unpacks to an absurd multiple of its size
	CodeRecordTooLarge = "RECORD_TOO_LARGE" // over ImportOptions.MaxRecordBytes
	CodeTooDeep        = "TOO_DEEP"         // nested deeper than ImportOptions.MaxDepth
	CodeNoRecords      = "NO_RECORDS"       // not one record
	CodeDuplicateKey   = "DUPLICATE_KEY"    // one key twice in an object
	CodeDuplicateID    = "DUPLICATE_ID"     // an externalEntitlementId of an earlier record
	CodeTooManyLiving  = "TOO_MANY_LIVING"  // over the route's entitlements per customer
	CodeUnknownField   = "UNKNOWN_FIELD"    // warning: kept in our files, never sent
)
