//go:build !linux

package devstack

import "net"

// reservation is a port that was free a moment ago: outside Linux a port can't
// be kept for a child process.
type reservation struct{ port int }

// reserve checks the port, or finds a free one for 0.
func reserve(port int) (*reservation, error) {
	l, err := net.Listen("tcp4", address(port))
	if err != nil {
		return nil, portTaken(port, err)
	}
	defer l.Close()
	return &reservation{port: l.Addr().(*net.TCPAddr).Port}, nil
}

func (r *reservation) release() {}
