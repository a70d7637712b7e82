package activities

import (
	"github.com/f0a90b9a/ferry/internal/fault"
)

// gone makes the absence of a file that the migration itself has written the
// fault that it is: somebody has deleted it. That there is no such file would
// be said of the source.
func gone(name string, err error) error {
	if !missing(err) {
		return err
	}
	return &fault.Fault{
		Kind: fault.Final, Code: fault.CodeStoreFault, Cause: err,
		Message: name + " is no longer in the work bucket (somebody has deleted it; put it back)",
	}
}
