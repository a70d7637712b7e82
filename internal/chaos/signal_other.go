//go:build !unix

package chaos

import (
	"errors"
	"os"
)

var errNoSignals = errors.New("this system has no such signal")

// suspend does nothing here: the worker works on beside the one that should
// take over, which is a fault too.
func suspend(*os.Process) error { return errNoSignals }

func proceed(*os.Process) error { return errNoSignals }
