// Package redact keeps personal data and secrets out of texts that others
// wrote: messages of the target before they are shown, logged or stored. The
// target's client and the step logic call it. It knows what in a record is
// personal and changes nothing else.
package redact

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

const (
	removed    = "[removed]"
	halfLimit  = 3 // bytes of a halved value that are too many
	shortValue = 4 // below this many bytes a value goes only where it stands alone
)

// Record removes a record's personal values from a text of the target's:
// customer identifier, notification URL, activation code and what is inside
// the extension data; as they are, escaped for JSON, escaped for a URL, and in
// any case of letters. A value that the cut of a long text has halved goes
// too. Values shorter than 4 bytes go only where they stand alone.
func Record(text string, r *entitlement.Record) string {
	values := []string{r.CustomerIdentifier, r.NotificationURL, r.ActivationCode}
	return Values(text, append(values, inside(r.ExtensionData)...)...)
}

// Values removes values from a text, as Record does.
func Values(text string, values ...string) string {
	var forms []string
	for _, v := range values {
		forms = append(forms, spellings(strings.ToValidUTF8(v, "?"))...)
	}
	// The longest first: one value may be a part of another.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	forms = slices.Compact(forms)
	for _, form := range forms {
		text = removeForm(text, form)
	}
	return removeHalf(text, forms)
}

func removeForm(text, form string) string {
	var b strings.Builder
	from := 0
	for _, at := range regexp.MustCompile(`(?i)`+regexp.QuoteMeta(form)).FindAllStringIndex(text, -1) {
		if len(form) < shortValue && !alone(text, at[0], at[1]) {
			continue
		}
		b.WriteString(text[from:at[0]])
		b.WriteString(removed)
		from = at[1]
	}
	b.WriteString(text[from:])
	return b.String()
}

// alone reports whether text[start:end] has no letter or digit beside it.
func alone(text string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:start])
	after, _ := utf8.DecodeRuneInString(text[end:])
	return !word(before) && !word(after)
}

func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// removeHalf removes the beginning of a value at the end of a cut text.
func removeHalf(text string, forms []string) string {
	body, isCut := strings.CutSuffix(text, Ellipsis)
	if !isCut {
		return text
	}
	for _, form := range forms {
		for n := min(len(form)-1, len(body)); n >= halfLimit; n-- {
			if strings.EqualFold(body[len(body)-n:], form[:n]) {
				return body[:len(body)-n] + removed + Ellipsis
			}
		}
	}
	return text
}

// spellings gives the ways in which a target may quote a value.
func spellings(value string) []string {
	forms := []string{value, Line(value), url.QueryEscape(value), url.PathEscape(value)}
	var b bytes.Buffer
	for _, escapeHTML := range []bool{false, true} {
		b.Reset()
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(escapeHTML)
		if enc.Encode(value) == nil {
			quoted := strings.TrimSpace(b.String())
			forms = append(forms, quoted[1:len(quoted)-1])
		}
	}
	return slices.DeleteFunc(forms, func(form string) bool { return strings.TrimSpace(form) == "" })
}

// inside gives the strings and numbers at any depth of a JSON value, and of
// JSON that stands inside a string.
func inside(raw []byte) []string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var value any
	if len(raw) == 0 || dec.Decode(&value) != nil {
		return nil
	}
	return collect(nil, value)
}

func collect(found []string, value any) []string {
	switch v := value.(type) {
	case string:
		found = append(found, v)
		if strings.HasPrefix(v, "{") || strings.HasPrefix(v, "[") {
			found = append(found, inside([]byte(v))...)
		}
	case json.Number:
		found = append(found, v.String())
	case []any:
		for _, item := range v {
			found = collect(found, item)
		}
	case map[string]any:
		for _, item := range v {
			found = collect(found, item)
		}
	}
	return found
}
