package integration

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// policyGate stands before the S3 server and lets pass what an IAM policy
// allows. It knows of policies what ours use: actions, resources with stars,
// and that a denial wins.
type policyGate struct {
	url        string
	statements []statement

	mu     sync.Mutex
	used   map[string]bool // actions that were let pass
	denied []string        // "action resource"
}

type statement struct {
	Effect           string
	Action, Resource oneOrMore
}

// oneOrMore is a string or a list of them.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(body []byte) error {
	var one string
	if json.Unmarshal(body, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(body, (*[]string)(o))
}

// gated has a policy of docs/iam stand before the stack's buckets, and gives
// the gate.
func (s *stack) gated(name string) *policyGate {
	s.t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "docs", "iam", name))
	require.NoError(s.t, err)
	named := strings.NewReplacer(":::ferry-work", ":::"+s.bucket, ":::partner-files", ":::"+s.bucket+"-in").Replace(string(body))
	var policy struct{ Statement []statement }
	require.NoError(s.t, json.Unmarshal([]byte(named), &policy))
	g := &policyGate{statements: policy.Statement, used: map[string]bool{}}
	to, err := url.Parse(shared.s3.Endpoint)
	require.NoError(s.t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
		r.Out.Host = r.In.Host // the signature covers it
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if action, resource := asked(r); !g.allows(action, resource) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	s.t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// asked is what a request needs to be allowed.
func asked(r *http.Request) (action, resource string) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	resource = "arn:aws:s3:::" + bucket
	if key == "" {
		return "s3:ListBucket", resource
	}
	resource += "/" + key
	switch r.Method {
	case http.MethodPut, http.MethodPost:
		return "s3:PutObject", resource
	case http.MethodDelete:
		if r.URL.Query().Has("uploadId") {
			return "s3:AbortMultipartUpload", resource
		}
		return "s3:DeleteObject", resource
	}
	return "s3:GetObject", resource
}

func (g *policyGate) allows(action, resource string) bool {
	allowed := false
	for _, s := range g.statements {
		if !s.is(action, resource) {
			continue
		}
		if s.Effect == "Deny" {
			allowed = false
			break
		}
		allowed = true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if allowed {
		g.used[action] = true
	} else {
		g.denied = append(g.denied, action+" "+resource)
	}
	return allowed
}

func (s statement) is(action, resource string) bool {
	for _, a := range s.Action {
		for _, pattern := range s.Resource {
			if a == action && matches(pattern, resource) {
				return true
			}
		}
	}
	return false
}

// matches takes a star for anything, slashes too, as IAM does.
func matches(pattern, resource string) bool {
	flat := func(text string) string { return strings.ReplaceAll(text, "/", "|") }
	ok, err := path.Match(flat(pattern), flat(resource))
	return err == nil && ok
}

// refusals are what was asked for and not allowed.
func (g *policyGate) refusals() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string{}, g.denied...)
}

func (g *policyGate) uses(action string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.used[action]
}

func TestPolicyGateReadsPolicies(t *testing.T) {
	t.Parallel()
	g := &policyGate{used: map[string]bool{}, statements: []statement{
		{Effect: "Allow", Action: oneOrMore{"s3:DeleteObject"}, Resource: oneOrMore{"arn:aws:s3:::w/migrations/*"}},
		{Effect: "Deny", Action: oneOrMore{"s3:DeleteObject"}, Resource: oneOrMore{"arn:aws:s3:::w/migrations/*/claim.json"}},
	}}
	for resource, allowed := range map[string]bool{
		"arn:aws:s3:::w/migrations/a/outcomes/1.ndjson": true,
		"arn:aws:s3:::w/migrations/a/claim.json":        false,
		"arn:aws:s3:::w/ledger/a":                       false,
		"arn:aws:s3:::x/migrations/a":                   false,
	} {
		require.Equal(t, allowed, g.allows("s3:DeleteObject", resource), resource)
		require.False(t, g.allows("s3:GetObject", resource))
	}
}
