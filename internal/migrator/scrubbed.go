package migrator

import (
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/redact"
)

// scrubbed takes the record's own values out of a fault's text. The cause is
// dropped: its text is the target's or the network's, and nobody has cleaned
// it.
func scrubbed(err error, r *entitlement.Record) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	clean := *f
	clean.Message = redact.Record(f.Message, r)
	clean.Cause = nil
	return &clean
}
