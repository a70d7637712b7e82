package api

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// member is a key of a record with its value as JSON.
type member struct{ name, value string }

// drawn is a record in the making; no key is in it twice.
type drawn []member

// GoString is what rapid shows of a drawn record.
func (d drawn) GoString() string { return d.text() }

func (d drawn) text() string {
	var b strings.Builder
	for i, m := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(m.name) + ":" + m.value)
	}
	return "{" + b.String() + "}"
}

func (d *drawn) set(name, value string) {
	for i := range *d {
		if (*d)[i].name == name {
			(*d)[i].value = value
			return
		}
	}
	*d = append(*d, member{name, value})
}

func (d *drawn) remove(name string) {
	*d = slices.DeleteFunc(*d, func(m member) bool { return m.name == name })
}

// subtle reports whether the value at a pointer is wrong in a way that a
// schema doesn't see.
func (d drawn) subtle(pointer string) bool {
	for _, m := range d {
		if "/"+m.name == pointer {
			return slices.Contains(subtleURLs, m.value) || slices.Contains(subtleDates, m.value)
		}
	}
	return false
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always is
	return string(b)
}

var (
	textFields = []string{
		"externalEntitlementId", "entitlementId", "customerIdentifier", "merchantAccountKey", "productKey", "offerKey", "status",
		"reasonCategory", "reasonCode", "reasonDescription", "cancelReasonCategory", "cancelReasonCode", "cancelReasonDescription",
		"notificationUrl", "entitlementDisplayName", "merchantEntitlementId", "activationCode",
	}
	dateFields = []string{"dateCreated", "dateActivated", "dateSuspended", "dateResumed", "dateEnded", "dateExpiry"}
	allFields  = slices.Concat(textFields, dateFields, []string{"extensionData"})

	junk = []string{
		`null`, `null`, `""`, `17`, `-0.5e3`, `true`, `[]`, `["x"]`, `{}`, `{"a":{"b":null}}`, `" "`, `"x"`, `"é\n"`,
		`"a\u0000"`, `"\u007f"`, `"\u0085"`, `"\u2028"`, `"\ud83d\ude00"`,
		quote(strings.Repeat("é", 255)), quote(strings.Repeat("é", 256)), quote(strings.Repeat("😀", 255)), quote(strings.Repeat("😀", 256)),
		`"6F9619FF-8b86-d011-b42d-00cf4fc964ff"`, `"6F9619FF8b86d011b42d00cf4fc964ff"`, `"6F9619FF-8b86-d011-b42d-00cf4fc964fg"`,
	}
	// Keys and ids with characters that nobody sees, and with those that have a
	// use where they stand.
	keys      = []string{"externalEntitlementId", "customerIdentifier", "merchantAccountKey", "productKey", "offerKey", "merchantEntitlementId"}
	invisible = []string{
		`"a "`, `" a"`, `"\u00a0a"`, `"a\u3000"`, `"a\u202f"`, `"\ufeffa"`, `"a\u200bb"`, `"a\u00adb"`, `"a\u202eb"`, `"a\u2029b"`, `"a\u2060"`,
		`"\u200ca"`, `"a\u200d"`, `"a\udb40\udc41b"`, `"a\u3164"`, `"a\t"`,
		`"a b"`, `"a\u00a0b"`, `"\u0645\u200c\u062e"`, `"\ud83d\udc68\u200d\ud83d\udc67"`, `"\u2764\ufe0f"`, `"\u0600\u0661"`, `"é"`,
	}
	dates = []string{
		`"2024-05-31T09:30:00Z"`, `"2024-05-31T09:30Z"`, `"2024-02-29T23:59:59.123456789+0530"`, `"2023-01-01T00:00:00,5-11"`, `"2031-01-01T00:00:00Z"`,
		`"2024-05-31"`, `"2024-05-31 09:30:00Z"`, `"2024-05-31T09:30:00"`, `"2023-02-29T00:00:00Z"`, `"2024-05-31T24:00:00Z"`, `"2024-05-31T23:59:60Z"`,
		`"2024-05-31t09:30:00z"`, `"2024-05-31T09:30:00+24:00"`, `"2024-05-31T09:30:00+01:60"`, `"2024-04-31T09:30:00Z"`, `"20240531T093000Z"`,
		`"2024-05-31T09:30:00.Z"`, `"2024-05-31T09:30:00.1234567890Z"`, `" 2024-05-31T09:30:00Z"`, `"2024-05-31T09:30:00Z\n"`, `1717147800`,
	}
	subtleDates = []string{`"0001-01-01T00:00:00+01:00"`, `"0000-06-01T00:00:00Z"`, `"9999-12-31T23:59:59-01:00"`}
	urls        = []string{
		`"https://notify.acme.example/v1?x=y#z"`, `"HTTPS://a"`, `"https://user:pass@a:8443/"`, `"https://[::1]:443/x"`, `"https://a@b@c/d"`,
		`"http://a.example/"`, `"https:/a"`, `"https://"`, `"https:///x"`, `"https://:443/"`, `"https://user@/x"`, `"https://a@:80"`, `"/notify"`, `"https:a"`, `"ftp://a"`, `"https://?x"`, `"https://#x@y"`, `" https://a"`,
	}
	subtleURLs = []string{`"https://a b/"`, `"https://a:b/"`, `"https://a/%zz"`, `"https://a/\u0001"`, `"https://[::1"`, `"https://[]/"`}
	statuses   = []string{`"PENDING"`, `"ACTIVE"`, `"ACTIVE-ENDING"`, `"SUSPENDED"`, `"CANCELLED"`, `"REVOKED"`, `"active"`, `"FAILED"`, `"ACTIVE_ENDING"`}
	categories = []string{`"CUSTOMER_CANCELLED"`, `"REVOKED"`, `"CUSTOMER_CHANGED"`, `"ACTIVATION_ROLLBACK"`, `"revoked"`, `null`}
	reasons    = []string{`"OTHER"`, `"FRAUD"`, `"NOT_RENEWED"`, `"CHANGED_SERVICE"`, `"SUSPENDED_CANCEL"`, `"FRAUD_CHECK"`, `"other"`, `null`}
)

// drawRecord draws a sound record of any status and then, most of the time,
// changes up to three of its fields.
func drawRecord(t *rapid.T) drawn {
	d := drawSound(t)
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		change(t, &d)
	}
	return d
}

func drawSound(t *rapid.T) drawn {
	status := rapid.SampledFrom(entitlement.AllStatuses()).Draw(t, "status")
	d := drawn{
		{"externalEntitlementId", quote(rapid.StringMatching(`[a-z0-9]{12}`).Draw(t, "id"))},
		{"customerIdentifier", `"cust-1"`},
		{"merchantAccountKey", `"nova-music"`},
		{"productKey", `"nova-basic"`},
		{"status", quote(string(status))},
		{"dateCreated", `"2024-01-01T00:00:00Z"`},
	}
	over := status == entitlement.Cancelled || status == entitlement.Revoked
	neverActive := over && rapid.Bool().Draw(t, "never active")
	if status != entitlement.Pending && !neverActive {
		d.set("dateActivated", `"2024-01-02T00:00:00+01:00"`)
	}
	switch {
	case status == entitlement.Suspended:
		d.set("dateSuspended", `"2024-02-01T00:00Z"`)
	case status == entitlement.ActiveEnding:
		d.set("dateEnded", `"2036-01-01T00:00:00Z"`)
	case over:
		d.set("dateEnded", `"2025-01-01T00:00:00Z"`)
	}
	if rapid.Bool().Draw(t, "more") {
		d.set("extensionData", rapid.SampledFrom([]string{`{"a":1}`, `{}`, `"a=b"`, `null`}).Draw(t, "extension"))
		d.set("entitlementId", rapid.SampledFrom([]string{`null`, `"6f9619ff-8b86-d011-b42d-00cf4fc964ff"`}).Draw(t, "target's id"))
		d.set("colour", `"red"`)
	}
	return d
}

func change(t *rapid.T, d *drawn) {
	field := rapid.SampledFrom(allFields).Draw(t, "field")
	of := func(values ...[]string) { d.set(field, rapid.SampledFrom(slices.Concat(values...)).Draw(t, "value")) }
	switch rapid.IntRange(0, 10).Draw(t, "change") {
	case 0:
		d.remove(field)
	case 1:
		d.set(strings.ToUpper(field[:1])+field[1:], `"x"`)
		d.remove(field)
	case 2:
		of(junk)
	case 3:
		field = "status"
		of(statuses)
	case 4:
		field = rapid.SampledFrom(dateFields).Draw(t, "date")
		of(dates)
	case 5: // of no status are these forbidden, which a value that can't be read would hide
		field = rapid.SampledFrom([]string{"dateResumed", "dateExpiry"}).Draw(t, "date")
		of(subtleDates)
	case 6:
		field = "notificationUrl"
		of(urls, subtleURLs)
	case 7:
		field = rapid.SampledFrom(keys).Draw(t, "key")
		of(invisible)
	default:
		changeReason(t, d)
	}
}

func changeReason(t *rapid.T, d *drawn) {
	name := func(part string) string {
		return rapid.SampledFrom([]string{"r", "cancelR"}).Draw(t, part) + "eason" + part
	}
	if rapid.IntRange(0, 3).Draw(t, "of any status") > 0 {
		d.set("status", rapid.SampledFrom([]string{`"CANCELLED"`, `"REVOKED"`, `"ACTIVE-ENDING"`}).Draw(t, "status"))
		d.set("dateActivated", `"2024-01-02T00:00:00Z"`)
		d.set("dateEnded", `"2025-01-01T00:00:00Z"`)
	}
	d.set(name("Category"), rapid.SampledFrom(categories).Draw(t, "category"))
	d.set(name("Code"), rapid.SampledFrom(reasons).Draw(t, "code"))
	if rapid.Bool().Draw(t, "described") {
		d.set(name("Description"), `"x"`)
	}
}

// The generator knows all fields that the schema lists, and only those.
func TestAllFieldsAreDrawn(t *testing.T) {
	t.Parallel()
	fields := published(t).Properties
	require.Len(t, fields, len(allFields))
	for _, f := range allFields {
		require.Contains(t, fields, f)
	}
}
