package migration

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of who asks for something and why, in characters: both land in
// histories, audit trails and on terminals.
const (
	MaxBy     = 100
	MaxReason = 500
)

// CheckBy refuses a name that can't stand in an audit trail; it is required.
func CheckBy(by string) error {
	if strings.TrimSpace(by) == "" {
		return errors.New(`"by" is missing: say who asks for this`)
	}
	return checkPlainText(`"by"`, by, MaxBy)
}

// CheckReason refuses a reason that can't stand in an audit trail; it may be
// empty.
func CheckReason(reason string) error {
	return checkPlainText(`"reason"`, reason, MaxReason)
}

// checkPlainText refuses a text that is too long, or that would not be shown as
// it is: it quotes nothing of it.
func checkPlainText(name, text string, most int) error {
	if n := utf8.RuneCountInString(text); n > most {
		return fmt.Errorf("%s has %d characters: use at most %d", name, n, most)
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s is not UTF-8: use plain text", name)
	}
	at := 0
	for _, r := range text {
		if at++; unshown(r) {
			return fmt.Errorf("%s holds the control character %U at character %d: use plain text in one line", name, r, at)
		}
	}
	return nil
}

// unshown reports whether a character does something to a line instead of
// standing in it: controls, line separators, and what turns its direction.
func unshown(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
