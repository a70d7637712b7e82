package devstack

import (
	"net"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFreePortIsFree(t *testing.T) {
	t.Parallel()
	port, err := FreePort()
	require.NoError(t, err)
	require.Positive(t, port)
}

func TestReservedPortIsForWhoAsksByNumber(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("ports can be reserved on Linux only")
	}
	r, err := reserve(0)
	require.NoError(t, err)
	defer r.release()

	_, err = net.Dial("tcp4", address(r.port))
	require.Error(t, err, "a reservation must not look like a server")
	for range 200 {
		other, err := reserve(0)
		require.NoError(t, err)
		t.Cleanup(other.release)
		require.NotEqual(t, r.port, other.port)
	}
	require.True(t, portIsFree(r.port))
}
