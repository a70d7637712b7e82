package activities

import (
	"fmt"

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

// changedFile is the fault of a file that is not what the migration wrote.
func changedFile(migrationID, name string) error {
	return &fault.Fault{Kind: fault.Final, Code: fault.CodeStoreFault, Message: fmt.Sprintf(
		"%s of migration %s is not what was written (somebody has changed it; put it back)", name, migrationID)}
}
