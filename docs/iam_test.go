package docs_test

import (
	"encoding/json"
	"go/ast"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"
)

// permits says which action each operation of S3's takes. Operations that only
// demos and tests call take none of ours.
var permits = map[string]string{
	"GetObject":                 "s3:GetObject",
	"HeadObject":                "s3:GetObject",
	"PutObject":                 "s3:PutObject",
	"DeleteObject":              "s3:DeleteObject",
	"AbortMultipartUpload":      "s3:AbortMultipartUpload",
	"NewListObjectsV2Paginator": "s3:ListBucket",
	"UploadObject":              "s3:PutObject", // in one call, or as a multipart upload
	"CreateBucket":              "",
	"CopyObject":                "",
}

// operations finds the calls to S3 in the only package that makes any.
func operations(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, file := range sources(t, "internal/objectstore") {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, is := n.(*ast.CallExpr); is {
				if operation := operationOf(call); operation != "" {
					found[operation] = true
				}
			}
			return true
		})
	}
	return found
}

// operationOf is the operation of a call on an S3 client, or of a paginator.
func operationOf(call *ast.CallExpr) string {
	method, is := call.Fun.(*ast.SelectorExpr)
	if !is {
		return ""
	}
	switch on := method.X.(type) {
	case *ast.SelectorExpr:
		if on.Sel.Name == "client" && method.Sel.Name != "Options" || on.Sel.Name == "transfer" {
			return method.Sel.Name
		}
	case *ast.Ident:
		if on.Name == "s3" && strings.HasSuffix(method.Sel.Name, "Paginator") {
			return method.Sel.Name
		}
	}
	return ""
}

// policy is an IAM policy.
type policy struct {
	Version   string
	Statement []struct {
		Sid, Effect      string
		Action, Resource texts
	}
}

// texts are one string or several, as IAM allows.
type texts []string

func (t *texts) UnmarshalJSON(body []byte) error {
	var one string
	if json.Unmarshal(body, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(body, (*[]string)(t))
}

func readPolicy(t *testing.T, name string) policy {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("iam", name))
	require.NoError(t, err)
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	var p policy
	require.NoError(t, decoder.Decode(&p), name)
	require.Equal(t, "2012-10-17", p.Version)
	return p
}

var policies = []string{"worker.json", "operator.json", "dashboard.json", "purge.json"}

// TestPoliciesAllowWhatTheCodeCalls holds the policies to the code: each
// operation in it has its action, and no policy allows what no code calls.
func TestPoliciesAllowWhatTheCodeCalls(t *testing.T) {
	t.Parallel()
	called := slices.Sorted(maps.Keys(operations(t)))
	require.Equal(t, slices.Sorted(maps.Keys(permits)), called, "an operation is new or gone: think of the policies")
	needed := map[string]bool{}
	for _, operation := range called {
		if action := permits[operation]; action != "" {
			needed[action] = true
		}
	}
	allowed := map[string]bool{}
	for _, name := range policies {
		for _, s := range readPolicy(t, name).Statement {
			for _, action := range s.Action {
				require.True(t, needed[action], "%s: %s: nothing calls for %s", name, s.Sid, action)
				allowed[action] = true
			}
		}
	}
	require.Equal(t, needed, allowed)
}

// TestPoliciesNameWhatTheyAllow refuses statements that are wider than their
// action: objects for calls on objects, buckets for listings, no bare star.
func TestPoliciesNameWhatTheyAllow(t *testing.T) {
	t.Parallel()
	for _, name := range policies {
		for _, s := range readPolicy(t, name).Statement {
			require.Contains(t, []string{"Allow", "Deny"}, s.Effect)
			for _, resource := range s.Resource {
				path, is := strings.CutPrefix(resource, "arn:aws:s3:::")
				require.True(t, is, "%s: %s", name, resource)
				bucket, key, onObjects := strings.Cut(path, "/")
				require.Contains(t, []string{"ferry-work", "partner-files"}, bucket)
				require.Equal(t, !slices.Contains(s.Action, "s3:ListBucket"), onObjects, "%s: %s", name, s.Sid)
				writes := slices.ContainsFunc(s.Action, func(a string) bool { return a != "s3:GetObject" && a != "s3:ListBucket" })
				require.False(t, writes && (bucket != "ferry-work" || key == "*"), "%s: %s is too wide", name, resource)
			}
		}
	}
	for _, name := range []string{"operator.json", "dashboard.json"} {
		for _, s := range readPolicy(t, name).Statement {
			require.NotContains(t, s.Action, "s3:DeleteObject", "%s: people who delete are those who purge", name)
		}
	}
}

// TestLifecycleRulesAreS3s reads the rules into the protocol's own type.
func TestLifecycleRulesAreS3s(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join("iam", "lifecycle.json"))
	require.NoError(t, err)
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	var rules types.BucketLifecycleConfiguration
	require.NoError(t, decoder.Decode(&rules))
	aborts := false
	for _, rule := range rules.Rules {
		require.Equal(t, types.ExpirationStatusEnabled, rule.Status)
		require.True(t, rule.Expiration == nil || rule.Expiration.Days == nil, "nothing expires by its age")
		aborts = aborts || rule.AbortIncompleteMultipartUpload != nil
	}
	require.True(t, aborts)
}

// TestPoliciesAreExplained wants every file of the folder on the page.
func TestPoliciesAreExplained(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("operations.md")
	require.NoError(t, err)
	files, err := os.ReadDir("iam")
	require.NoError(t, err)
	require.Len(t, files, len(policies)+1)
	for _, file := range files {
		require.Contains(t, string(page), "(iam/"+file.Name()+")")
	}
}
