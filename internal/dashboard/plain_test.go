package dashboard

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// What others have named reaches a page as it is read, not as it acts.
func TestInvisibleCharactersAreShownAsEscapes(t *testing.T) {
	t.Parallel()
	b := setup(t, olga)
	b.running("run-1", "acme-nova")
	const wicked = "ext\u202e1\x1b[31m\nnext\u2028\u200b"
	const shown = `ext\u202e1\x1b[31m\nnext\u2028\u200b`
	b.engine.change("run-1", func(s *migration.Summary) {
		s.Errors[0].Examples = []string{wicked}
		s.Audit = []migration.AuditEntry{{At: began, By: wicked, Action: "pause", Reason: wicked, Detail: wicked}}
		s.File = "s3://partner/" + wicked
		s.Reason = wicked
	})
	b.engine.records[workflows.EntitlementID("acme-nova", wicked)] = operator.RecordRun{
		Migration: "run-1", StartedAt: began,
		Outcome: &migration.Outcome{Fate: migration.Failed, ExternalEntitlementID: wicked, Code: "X", Message: wicked},
	}
	pages := []string{
		b.get("/migrations/run-1", "olga").body, b.get("/", "olga").body,
		b.get("/migrations/run-1/record?id="+url.QueryEscape(wicked), "olga").body,
		b.get("/migrations/run-1/record?id=x"+url.QueryEscape(wicked), "olga").body,
	}
	for i, page := range pages {
		for _, raw := range []string{"\u202e", "\x1b", "\u2028", "\u200b", "ext\n"} {
			require.NotContains(t, page, raw, i)
		}
	}
	page := pages[0]
	require.GreaterOrEqual(t, strings.Count(page, shown), 5)
	require.Contains(t, page, "record?id="+url.QueryEscape(wicked), "links keep every byte")
	require.Contains(t, pages[2], ">FAILED</span>")
}

func TestRecordsAreFoundByTheirExactIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.finished("old-1", "acme-nova", migration.Completed)
	long := strings.Repeat("é", 255) // 510 bytes
	lines := ""
	for _, id := range []string{" ext-1", "ext-1 ", long} {
		lines += `{"externalEntitlementId":"` + id + `","outcome":"MIGRATED"}` + "\n"
	}
	b.store.put(migration.Key("old-1", migration.OutcomesFile(1)), lines)
	for _, id := range []string{" ext-1", "ext-1 ", long} {
		a := b.get("/migrations/old-1/record?id="+url.QueryEscape(id), "")
		require.Equal(t, http.StatusOK, a.status, id)
		require.Contains(t, a.body, ">MIGRATED</span>")
	}
	require.Equal(t, http.StatusNotFound, b.get("/migrations/old-1/record?id=ext-1", "").status)
	a := b.get("/migrations/old-1/record?id=ext-2+", "")
	require.Equal(t, http.StatusNotFound, a.status)
	require.Contains(t, a.body, "begins or ends with a blank")

	a = b.get("/migrations/old-1/record?id="+url.QueryEscape(long+"x"), "")
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.body, "at most 255 characters; this has 256")
}
