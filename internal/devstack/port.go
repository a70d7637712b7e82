package devstack

import (
	"fmt"
	"net"
	"strconv"
)

const loopback = "127.0.0.1"

// AnyPort asks for a free port where 0 means none.
const AnyPort = -1

// FreePort gives a TCP port of 127.0.0.1 that is free now. Nothing keeps
// another process from taking it; a server that can be given a listener, or
// that can listen on port 0, should do that instead.
func FreePort() (int, error) {
	r, err := reserve(0)
	if err != nil {
		return 0, err
	}
	r.release()
	return r.port, nil
}

// address is host and port on loopback.
func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

func portTaken(port int, err error) error {
	return fmt.Errorf("port %d of %s is not to be had: %w", port, loopback, err)
}
