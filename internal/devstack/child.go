package devstack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

const (
	childVariable = "FERRY_CHILD"
	childS3       = "s3"
)

// s3Child is what the S3 server's process is told, as one line of JSON on its
// standard input, where it is visible to nobody else.
type s3Child struct {
	Dir        string
	Port       int
	AccessKey  string
	SecretKey  string
	HealthPath string
	CertFile   string
	KeyFile    string
	Sidecar    bool
}

// RunChild must be the first call of main, and of TestMain, in every program
// that starts an S3 server: if this process was started to be that server it
// serves and exits, else RunChild returns at once.
func RunChild() {
	switch kind := os.Getenv(childVariable); kind {
	case "":
		return
	case childS3:
		if err := runS3Child(os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	default:
		fmt.Fprintf(os.Stderr, "%s=%q is for Ferry's own child processes; unset it\n", childVariable, kind)
		os.Exit(2)
	}
}

// runS3Child serves until its standard input ends, which the death of the
// parent brings about too.
func runS3Child(stdin io.Reader) error {
	in := bufio.NewReader(stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the settings of the S3 server: %w", err)
	}
	var settings s3Child
	if err := json.Unmarshal(line, &settings); err != nil {
		return fmt.Errorf("read the settings of the S3 server: %w", err)
	}
	signal.Ignore(syscall.SIGHUP) // a closed terminal is the parent's affair
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
		// Open connections may hold up the server's own end.
		time.AfterFunc(2*time.Second, func() { os.Exit(0) })
	}()
	return serveS3(ctx, settings)
}

func serveS3(ctx context.Context, settings s3Child) error {
	backend, err := newBackend(settings.Dir, settings.Sidecar)
	if err != nil {
		return err
	}
	err = embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess:    settings.AccessKey,
		RootUserSecret:    settings.SecretKey,
		Ports:             []string{address(settings.Port)},
		CertFile:          settings.CertFile,
		KeyFile:           settings.KeyFile,
		HealthPath:        settings.HealthPath,
		MaxConnections:    8192,
		MaxRequests:       4096,
		MultipartMaxParts: 10000,
		KeepAlive:         true,
		Quiet:             true,
		DisableACLs:       true,
	})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// newBackend keeps objects in dir/data. Their metadata is in extended
// attributes or, where the file system has none, in dir/meta; a folder that
// was begun in one way is continued in it.
func newBackend(dir string, sidecar bool) (*posix.Posix, error) {
	data, side := filepath.Join(dir, "data"), filepath.Join(dir, "meta")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the S3 server: %w", err)
	}
	options := posix.PosixOpts{CopyObjectThreshold: 5 << 30}
	if _, err := os.Stat(side); err != nil && !sidecar && (meta.XattrMeta{}).Test(data) == nil {
		return posix.New(data, meta.XattrMeta{}, options)
	}
	if err := os.MkdirAll(side, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the S3 server: %w", err)
	}
	store, err := meta.NewSideCar(side)
	if err != nil {
		return nil, fmt.Errorf("metadata of the S3 server: %w", err)
	}
	options.SideCarDir = side
	return posix.New(data, store, options)
}
