package dashboard

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/workflows"
)

// Limits that are changed while a plan waits give it another name, and the form
// approves the plan as it is then.
//
//nolint:paralleltest // the tests on the real servers share one sandbox, which each slows down
func TestApproveAfterTheLimitsWereChanged(t *testing.T) {
	s := setupStack(t, "acme-approve")
	s.serve(s.options(shared.engine))
	id := s.begin(s.file(5, migrationfile.GenOptions{}), workflows.MigrateFileInput{RequireApproval: new(true)})
	hash := regexp.MustCompile(`name="plan" value="([0-9a-f]+)"`)
	awaits := func() string {
		var found []string
		require.Eventually(t, func() bool {
			page := s.get("/migrations/"+id, "pia").body
			found = hash.FindStringSubmatch(s.get("/migrations/"+id+"/do/approve", "pia").body)
			return strings.Contains(page, "Waiting for approval") && found != nil
		}, browserWait, 100*time.Millisecond)
		return found[1]
	}
	before := awaits()
	a := s.post("/migrations/"+id+"/do/limits", "pia", url.Values{"consecutive": {"7"}})
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	require.NotEqual(t, before, awaits())
	a = s.post("/migrations/"+id+"/do/approve", "pia", url.Values{"plan": {before}})
	require.Equal(t, http.StatusConflict, a.status, "nobody approves what has changed since")
	a = s.post("/migrations/"+id+"/do/approve", "pia", url.Values{"plan": {awaits()}})
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	require.Equal(t, migration.Completed, s.ended(id).Result)
}
