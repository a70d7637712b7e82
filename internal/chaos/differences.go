package chaos

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

// atTarget are the target's names of fields that a file may name otherwise.
var atTarget = map[string]string{
	"reasonCategory":    "cancelReasonCategory",
	"reasonCode":        "cancelReasonCode",
	"reasonDescription": "cancelReasonDescription",
}

// itsOwn are fields that the target adds by itself.
var itsOwn = []string{"entitlementId", "dateLastUpdated", "status"}

// differences names the fields, but status, in which the target's entitlement
// isn't the file's: every date, reason, key and the partner's own data.
func differences(r *Record, there map[string]any) []string {
	want := map[string]any{}
	for name, value := range r.Fields {
		if other, renamed := atTarget[name]; renamed {
			name = other
		}
		want[name] = value
	}
	var names []string
	for name, value := range want {
		if !slices.Contains(itsOwn, name) && !same(name, value, there[name]) {
			names = append(names, name)
		}
	}
	for name := range there {
		if _, known := want[name]; !known && !slices.Contains(itsOwn, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// same compares a field; dates to the millisecond, whatever their zone.
func same(name string, want, have any) bool {
	if !strings.HasPrefix(name, "date") {
		return reflect.DeepEqual(want, have)
	}
	a, okA := parseDate(want)
	b, okB := parseDate(have)
	return okA && okB && a.Truncate(time.Millisecond).Equal(b.Truncate(time.Millisecond))
}

func parseDate(value any) (time.Time, bool) {
	s, _ := value.(string)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
