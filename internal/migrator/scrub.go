package migrator

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

const removed = "[removed]"

// Scrub removes a record's personal values and its activation code from a
// text that the target wrote. Values of fewer than three bytes are kept where
// they are part of a longer word: they would shred the text and tell nothing.
func Scrub(text string, r *entitlement.Record) string {
	values := append(extensionValues(r.ExtensionData), r.CustomerIdentifier, r.NotificationURL, r.ActivationCode)
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) }) // one value may hold another
	for _, v := range values {
		if len(v) >= 3 || text == v {
			text = strings.ReplaceAll(text, v, removed)
		}
	}
	return text
}

// extensionValues gives every string and number inside extension data.
func extensionValues(raw []byte) []string {
	if len(raw) == 0 {
		return nil
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return []string{string(raw)}
	}
	return leaves(v, nil)
}

func leaves(v any, out []string) []string {
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case json.Number:
		out = append(out, v.String())
	case []any:
		for _, e := range v {
			out = leaves(e, out)
		}
	case map[string]any:
		for _, e := range v {
			out = leaves(e, out)
		}
	}
	return out
}

func scrubbed(err error, r *entitlement.Record) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	clean := *f
	clean.Message = Scrub(f.Message, r)
	clean.Cause = nil // its text is the target's or the network's, and not scrubbed
	return &clean
}
