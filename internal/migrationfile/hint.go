package migrationfile

import "github.com/f0a90b9a/ferry/internal/entitlement"

// longName is more than any field's name with a slip or two.
const longName = 64

// emptyHint says what to write in place of "".
func emptyHint(f field) string {
	switch f {
	case externalID, customer, merchant, product, status, dateCreated:
		return "every record needs a value here"
	default:
		return "leave the field out, or write null"
	}
}

// hint is the violation's own, unless a required field is there under a name
// that only looks like its own.
func (c *checker) hint(v entitlement.Violation) string {
	if v.Code != entitlement.CodeRequired || c.full.Load() {
		return v.Hint
	}
	for _, m := range c.decoder.unknown[:min(len(c.decoder.unknown), manyUnknown)] {
		if len(m.name) > longName || !quotable(m.name) {
			continue
		}
		if word, ok := entitlement.Nearest(m.name, fieldNames[:]); ok && word == v.Field {
			return "did you mean " + word + " where it says " + m.name + "? case and spelling count"
		}
	}
	return v.Hint
}

// nearestField says which field an unknown name may stand for.
func nearestField(name string) string {
	if word, ok := entitlement.Nearest(name, fieldNames[:]); ok {
		return "did you mean " + word + "?"
	}
	return ""
}
