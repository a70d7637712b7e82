package migrator

import (
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/redact"
)

// scrubbed takes the record's own values out of what a fault quotes. Ferry's
// own words, and the network's, stay as they are: a port or a status is no
// value of the record's, even where it has the same digits. The cause is
// dropped: its text is the target's or the network's, and nobody has cleaned it.
func scrubbed(err error, r *entitlement.Record) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	clean := *f
	own := min(f.OwnWords, len(f.Message))
	clean.Message = f.Message[:own] + redact.Record(f.Message[own:], r)
	clean.Cause = nil
	return &clean
}

// inOwnWords marks a fault's whole message as Ferry's own words.
func inOwnWords(f *fault.Fault) *fault.Fault {
	f.OwnWords = len(f.Message)
	return f
}
