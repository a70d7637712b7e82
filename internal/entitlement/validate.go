package entitlement

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxIDLength is the longest externalEntitlementId and customerIdentifier, in
// characters (Unicode code points).
const MaxIDLength = 255

// Validate finds every rule that the record breaks by itself: what its status
// requires and forbids, lengths, characters, the order of its dates and their
// place before or after now. It knows neither the route nor other records. An
// empty result means that the record is sound; one of warnings only, that it
// is accepted. A field that could not be decoded is the zero value here, so a
// caller that has reported it drops what Validate says of that field.
func Validate(r *Record, now time.Time) []Violation {
	var v violations
	v.checkIDs(r)
	v.checkStatus(r)
	v.checkPresence(r)
	v.checkFuture(r, now)
	v.checkOrder(r)
	v.checkReason(r)
	v.checkURL(r)
	return v
}

func (v *violations) checkIDs(r *Record) {
	ids := [...]struct {
		field, value string
		required     bool
		max          int
	}{
		{FieldExternalEntitlementID, r.ExternalEntitlementID, true, MaxIDLength},
		{FieldEntitlementID, r.EntitlementID, false, 0},
		{FieldCustomerIdentifier, r.CustomerIdentifier, true, MaxIDLength},
		{FieldMerchantAccountKey, r.MerchantAccountKey, true, 0},
		{FieldProductKey, r.ProductKey, true, 0},
		{FieldOfferKey, r.OfferKey, false, 0},
		{FieldMerchantEntitlementID, r.MerchantEntitlementID, false, 0},
	}
	for _, id := range ids {
		if id.value == "" {
			if id.required {
				v.required(id.field, "")
			}
			continue
		}
		if id.max > 0 && len(id.value) > id.max && utf8.RuneCountInString(id.value) > id.max {
			v.add(id.field, CodeTooLong, id.field+" is longer than 255 characters",
				"give the id that your systems know it by; one longer than that can't be kept")
		}
		v.checkInvisible(id.field, id.value)
	}
	if _, told := FindInvisible(r.EntitlementID); !told && r.EntitlementID != "" && !IsUUID(r.EntitlementID) {
		v.add(FieldEntitlementID, CodeBadUUID, "entitlementId is not a UUID",
			"it is the target's id of a partly migrated record, as written into a reload file; leave it out otherwise")
	}
}

func (v *violations) required(field, why string) {
	v.add(field, CodeRequired, field+" is required"+why, requiredHints[field])
}

func (v *violations) checkStatus(r *Record) {
	switch {
	case r.Status == "":
		v.required(FieldStatus, "")
	case !r.Status.Known():
		v.add(FieldStatus, CodeUnknownStatus, "status is not one that can be migrated", statusHint(r.Status))
	}
}

func statusHint(s Status) string {
	plain := strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToUpper(strings.TrimSpace(string(s))))
	if plain == "CANCELED" {
		plain = string(Cancelled)
	}
	if Status(plain).Known() {
		return didYouMean(plain)
	}
	return requiredHints[FieldStatus]
}

func (v *violations) checkURL(r *Record) {
	if r.NotificationURL == "" {
		return
	}
	u, err := url.Parse(r.NotificationURL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		v.add(FieldNotificationURL, CodeBadURL, "notificationUrl is not an absolute https URL",
			"write it in full, beginning with https:// and the name of a host, or leave it out")
	}
}

// IsUUID reports whether s is a UUID in its usual form: 8-4-4-4-12 hexadecimal
// digits of either case.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}
