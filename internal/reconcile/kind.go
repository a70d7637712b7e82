package reconcile

import (
	"path"
	"strings"
	"unicode/utf8"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// Contents says what a report has, and with it what it means that an
// entitlement is not in it.
type Contents string

// The contents of reports.
const (
	// Everything: each entitlement of the route, whatever its status.
	Everything Contents = "all"
	// ActiveOnes: those that are active at the report's time (AR).
	ActiveOnes Contents = "active"
	// Changes: those that changed in the report's period (CR), or their events
	// (ER).
	Changes Contents = "changes"
)

// ContentsOf tells by the platform's naming, such as AR_V1_W_20261116.csv, what
// a report has; a name of another kind is taken for Everything.
func ContentsOf(name string) Contents {
	name = name[strings.LastIndexByte(name, '\\')+1:]
	switch kind, _, _ := strings.Cut(path.Base(name), "_"); strings.ToUpper(kind) {
	case "AR":
		return ActiveOnes
	case "CR", "ER":
		return Changes
	}
	return Everything
}

// Known reports whether c is one of the three.
func (c Contents) Known() bool { return c == Everything || c == ActiveOnes || c == Changes }

// speaks reports whether a migrated entitlement in a status group must be in
// the report.
func (c Contents) speaks(group string) bool {
	return c == Everything || c == ActiveOnes && group == entitlement.GroupActive
}

// looksLikeUTF8 reports whether text that is not ASCII is valid UTF-8, which
// text of another encoding next to never is.
func looksLikeUTF8(s string) bool { return utf8.ValidString(s) }
