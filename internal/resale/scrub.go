package resale

import (
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/redact"
)

// saidLimit is how many bytes of the target's text are kept.
const saidLimit = 300

// Scrub removes a record's personal values from a text of the target's; see
// redact.Record.
func Scrub(text string, r *entitlement.Record) string { return redact.Record(text, r) }

// said is the target's text, made fit to be shown. Personal values go before
// the text is cut, so that no half of one stays.
func (c *Client) said(k call, message string) string {
	message = redact.Line(message)
	if k.scrub != nil {
		message = k.scrub(message)
	}
	return redact.Cut(redact.Values(message, c.password), saidLimit)
}

// clean makes a text of the network's fit for one line of a message.
func clean(s string) string { return redact.Cut(redact.Line(s), saidLimit) }
