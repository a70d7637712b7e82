package objectstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
)

const (
	defaultRegion         = "us-east-1"
	defaultConnectTimeout = 5 * time.Second
	defaultIdleTimeout    = time.Minute
	// responseTimeout is long, because a store may join the parts of a large
	// upload before it answers.
	responseTimeout = 3 * time.Minute
	// defaultAttempts of one call by the SDK take about three seconds in all.
	// Longer waits are for the caller, who can show them and be stopped in
	// them.
	defaultAttempts = 4
)

// Options says where the store is and who we are to it.
type Options struct {
	// Region is the work bucket's; any other bucket is asked where it is. Empty:
	// the SDK's own configuration, then us-east-1.
	Region   string
	Endpoint string // http(s)://host:port of an S3-compatible store; empty: AWS
	// PathStyle puts the bucket into the path instead of the host name. Most
	// stores other than AWS need it.
	PathStyle bool
	// CAFile is a PEM file with the authorities to trust for the endpoint's
	// certificate; empty: the system's.
	CAFile string

	AccessKeyID     string // empty: the SDK's default chain, IAM roles included
	SecretAccessKey string
	SessionToken    string

	WorkBucket string // where Ferry writes; may be empty for readers

	ConnectTimeout time.Duration // 0: 5 s
	// IdleTimeout is how long a read may bring no byte before it counts as
	// cut and is resumed; 0: 1 min.
	IdleTimeout time.Duration

	attempts int // of one call; 0: the default
}

// Store is a client of one object store. It is safe for concurrent use and
// needs no closing.
type Store struct {
	client      *regionalClient
	transfer    *transfermanager.Client
	endpoint    string
	region      string // that buckets are asked in unless the store names another
	workBucket  string
	idleTimeout time.Duration
	backoff     func(try int) time.Duration
	ifMatch     atomic.Bool // the work bucket's store was seen to honour it
}

// New makes a client. It checks the options and reads the SDK's configuration;
// it makes no call to the store.
func New(ctx context.Context, o Options) (*Store, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	cfg, err := o.load(ctx)
	if err != nil {
		return nil, err
	}
	client := &regionalClient{Client: s3.NewFromConfig(cfg, func(so *s3.Options) {
		so.UsePathStyle = o.PathStyle
		if o.Endpoint != "" {
			so.BaseEndpoint = aws.String(o.Endpoint)
		}
	})}
	return &Store{
		client:      client,
		transfer:    newTransfer(client, cfg.RequestChecksumCalculation),
		endpoint:    o.Endpoint,
		region:      cfg.Region,
		workBucket:  o.WorkBucket,
		idleTimeout: orDefault(o.IdleTimeout, defaultIdleTimeout),
		backoff:     defaultBackoff,
	}, nil
}

// WorkBucket is the bucket that Ferry writes to; it may be empty.
func (s *Store) WorkBucket() string { return s.workBucket }

// Work names an object of the work bucket.
func (s *Store) Work(key string) Location { return Location{Bucket: s.workBucket, Key: key} }

func (o Options) check() error {
	var problems []error
	if o.Endpoint != "" {
		u, err := url.Parse(o.Endpoint)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			problems = append(problems, fmt.Errorf("endpoint %q is not an http or https URL", o.Endpoint))
		}
	}
	if (o.AccessKeyID == "") != (o.SecretAccessKey == "") {
		problems = append(problems, errors.New("access key id and secret access key go together"))
	}
	if o.WorkBucket != "" && !bucketName.MatchString(o.WorkBucket) {
		problems = append(problems, fmt.Errorf("work bucket %q is not a bucket name", o.WorkBucket))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("object store: %w", err)
	}
	return nil
}

func (o Options) load(ctx context.Context) (aws.Config, error) {
	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(httpClient(orDefault(o.ConnectTimeout, defaultConnectTimeout))),
		config.WithDefaultRegion(defaultRegion),
		// Only whole, unresumed answers could be checked, and each of the
		// others would be a warning in the log.
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(so *retry.StandardOptions) { so.MaxAttempts = cmp.Or(o.attempts, defaultAttempts) })
		}),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.AccessKeyID != "" {
		load = append(load, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, o.SessionToken)))
	}
	if o.Endpoint != "" {
		// Many S3-compatible stores choke on the SDK's newer checksum
		// trailers. Over plain http the signature covers the body anyway.
		load = append(load, config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired))
	}
	if o.CAFile != "" {
		pem, err := os.Open(o.CAFile)
		if err != nil {
			return aws.Config{}, fmt.Errorf("object store: certificate authorities: %w", err)
		}
		defer pem.Close()
		load = append(load, config.WithCustomCABundle(pem))
	}
	// The SDK writes its own lines to stderr otherwise; what matters of them is
	// in the errors.
	load = append(load, config.WithLogger(logging.Nop{}))
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("object store: configuration of the AWS SDK: %w", err)
	}
	if cfg.Credentials != nil {
		cfg.Credentials = &namedCredentials{next: cfg.Credentials}
	}
	return cfg, nil
}

func httpClient(connect time.Duration) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connect }).
		WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout = 2 * connect
			t.ResponseHeaderTimeout = responseTimeout
			t.MaxIdleConnsPerHost = 64 // a batch's records read at once
		})
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}

// defaultBackoff is the pause before a retry of our own: 0.1 s, doubling to
// 5 s.
func defaultBackoff(try int) time.Duration {
	return min(100*time.Millisecond<<min(try, 10), 5*time.Second)
}

// pause waits before a retry, or until the context ends.
func (s *Store) pause(ctx context.Context, try int) error {
	timer := time.NewTimer(s.backoff(try))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
