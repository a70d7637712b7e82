package devstack

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// However the parent dies, no server may stay behind.
func TestServersDieWithTheirParent(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"s3", "temporal", "stranger"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			if kind != "s3" && runtime.GOOS != "linux" {
				t.Skip("a foreign process can be tied to its parent on Linux only")
			}
			var cli string
			if kind == "temporal" {
				cli = temporalCLI(t)
			}
			self, err := os.Executable()
			require.NoError(t, err)
			parent := exec.CommandContext(t.Context(), self)
			parent.Env = append(os.Environ(), parentVariable+"="+kind,
				"FERRY_TEST_DIR="+t.TempDir(), "FERRY_TEST_CLI="+cli)
			parent.Stderr = os.Stderr
			out, err := parent.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, parent.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			port, err := strconv.Atoi(strings.TrimSpace(line))
			require.NoError(t, err)
			require.False(t, portIsFree(port), "the server isn't up")

			require.NoError(t, parent.Process.Kill())
			require.Error(t, parent.Wait())

			require.Eventually(t, func() bool { return portIsFree(port) }, 20*time.Second, 20*time.Millisecond)
		})
	}
}
