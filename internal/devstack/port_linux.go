package devstack

import (
	"fmt"
	"syscall"
)

// reservation keeps a port for a child process. It is a socket that is bound
// and doesn't listen: the kernel gives its port to nobody who asks for any
// port, while a child that asks for this one by number may listen on it,
// because both sides set SO_REUSEADDR (Go does so for every listener).
type reservation struct {
	port int
	fd   int
}

// reserve takes the port, or a free one for 0.
func reserve(port int) (*reservation, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	r := &reservation{fd: fd}
	if err := r.bind(port); err != nil {
		r.release()
		return nil, portTaken(port, err)
	}
	return r, nil
}

func (r *reservation) bind(port int) error {
	if err := syscall.SetsockoptInt(r.fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := syscall.Bind(r.fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	bound, err := syscall.Getsockname(r.fd)
	if err != nil {
		return err
	}
	r.port = bound.(*syscall.SockaddrInet4).Port
	return nil
}

func (r *reservation) release() { _ = syscall.Close(r.fd) }
