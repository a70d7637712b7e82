package dashboard

import (
	"flag"
	"os"
	"testing"

	"github.com/f0a90b9a/ferry/internal/devstack"
)

// screens is where the browser tests put pictures of what they see.
var screens = flag.String("screens", "", "folder for pictures of the pages, such as ../../docs/screens")

func TestMain(m *testing.M) {
	devstack.RunChild() // the stack's S3 server is this program again
	code := m.Run()
	stopStack()
	os.Exit(code)
}
