package devstack

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	s3StartLimit = 20 * time.Second
	s3StopGrace  = 5 * time.Second
)

// S3Options says how to start an S3 server.
type S3Options struct {
	Dir  string // keeps the data; made if missing
	Port int    // 0 or AnyPort: a free one

	AccessKey string // empty: "ferry"
	SecretKey string // empty: a random one

	CertFile string // with KeyFile: PEM files to serve https; empty: http
	KeyFile  string

	// Sidecar keeps metadata in files of their own even where the file system
	// has extended attributes.
	Sidecar bool
}

// S3 is a running S3 server. Its region is us-east-1, its buckets are in the
// path.
type S3 struct {
	server
	Endpoint  string // http(s)://127.0.0.1:port
	AccessKey string
	SecretKey string

	settings s3Child
}

// StartS3 starts an S3 server in a process of its own and waits until it
// answers, at most 20 s. The error has the server's last lines.
func StartS3(ctx context.Context, o S3Options) (*S3, error) {
	if o.Dir == "" {
		return nil, errors.New("S3 server: no folder is given")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("S3 server: %w", err)
	}
	s := &S3{settings: s3Child{
		Dir: dir, Port: o.Port, Sidecar: o.Sidecar,
		AccessKey: orElse(o.AccessKey, "ferry"), SecretKey: orElse(o.SecretKey, rand.Text()),
		CertFile: o.CertFile, KeyFile: o.KeyFile,
		// Nobody else's server answers on this path, should one have the port.
		HealthPath: "/health-" + strings.ToLower(rand.Text()),
	}}
	s.ports = []*int{&s.settings.Port}
	s.launch, s.end = s.launchChild, func(p *process) { p.stop(p.closeInput, s3StopGrace) }
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	s.AccessKey, s.SecretKey = s.settings.AccessKey, s.settings.SecretKey
	s.Endpoint = s.settings.endpoint()
	return s, nil
}

func (s *S3) launchChild(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("S3 server: find this program: %w", err)
	}
	settings, err := json.Marshal(s.settings)
	if err != nil {
		return nil, fmt.Errorf("S3 server: %w", err)
	}
	p, err := run(command{
		name:  "S3 server",
		path:  self,
		env:   append(os.Environ(), childVariable+"="+childS3),
		input: append(settings, '\n'),
	})
	if err != nil {
		return nil, err
	}
	if err := p.awaitReady(ctx, s3StartLimit, s.settings.probe); err != nil {
		return nil, err
	}
	return p, nil
}

func (c s3Child) endpoint() string {
	if c.CertFile != "" {
		return "https://" + address(c.Port)
	}
	return "http://" + address(c.Port)
}

// probe asks for the server's health.
func (c s3Child) probe(ctx context.Context) error {
	transport := &http.Transport{
		DisableKeepAlives: true,
		// The secret path shows who answers, whatever its certificate says.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	return answers(ctx, &http.Client{Transport: transport}, c.endpoint()+c.HealthPath)
}

// answers reports whether a GET is answered with 200.
func answers(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health check: HTTP %d", response.StatusCode)
	}
	return nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
