package migrationfile

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/routes"
)

// now is the time at which the tests judge.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// bench is what a test of an import works with.
type bench struct {
	route entitlement.Route
	stage bytes.Buffer
	opts  ImportOptions
}

func setup(testing.TB) *bench {
	b := &bench{route: routes.AcmeNova()}
	b.opts = ImportOptions{Route: &b.route, Now: now, Stage: &b.stage}
	return b
}

func (b *bench) read(t testing.TB, src io.Reader) *Result {
	t.Helper()
	b.stage.Reset()
	res, err := Import(context.Background(), src, b.opts)
	require.NoError(t, err)
	return res
}

func (b *bench) text(t testing.TB, file string) *Result {
	t.Helper()
	return b.read(t, strings.NewReader(file))
}

// refused shows the problems as "record:line:column pointer CODE".
func refused(r *Result) []string {
	out := []string{}
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("%d:%d:%d %s %s", p.Record, p.Line, p.Column, p.Pointer, p.Code))
	}
	return out
}

// sound is a good ACTIVE record of a customer of its own; more is what comes
// before its end, e.g. `,"offerKey":"addon"`.
func sound(n int, more string) string {
	return fmt.Sprintf(`{"externalEntitlementId":"ext-%d","customerIdentifier":"cust-%d","merchantAccountKey":"nova-music",`+
		`"productKey":"nova-basic","status":"ACTIVE","dateCreated":"2024-01-01T00:00:00Z",`+
		`"dateActivated":"2024-01-02T00:00:00Z"%s}`, n, n, more)
}

// with is a sound record in which the value of a field is another JSON text.
func with(field, json string) string {
	r := sound(1, "")
	key := `"` + field + `":`
	i := strings.Index(r, key)
	if i < 0 {
		return sound(1, ","+key+json)
	}
	i += len(key)
	end := i + 1 + strings.IndexByte(r[i+1:], '"') + 1
	return r[:i] + json + r[end:]
}

func packed(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(s))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

func madeUp(t testing.TB, opts GenOptions) string {
	t.Helper()
	if opts.Route == nil {
		r := routes.AcmeNova()
		opts.Route = &r
	}
	if opts.Now.IsZero() {
		opts.Now = now
	}
	var b bytes.Buffer
	require.NoError(t, Generate(&b, opts))
	return b.String()
}
