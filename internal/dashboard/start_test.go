package dashboard

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// send fills in the start form; a file comes last, as in the page.
func (b *bundle) send(as string, fields map[string]string, fileName, content string) answer {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range fields {
		require.NoError(b.t, w.WriteField(name, value))
	}
	part, err := w.CreateFormFile("upload", fileName)
	require.NoError(b.t, err)
	_, err = part.Write([]byte(content))
	require.NoError(b.t, err)
	require.NoError(b.t, w.Close())
	return b.ask(http.MethodPost, "/start", as, &body, func(r *http.Request) { r.Header.Set("Content-Type", w.FormDataContentType()) })
}

func TestUploadStartsAMigration(t *testing.T) {
	t.Parallel()
	b := setup(t, pia)
	a := b.send("pia", map[string]string{"route": "acme-nova", "batches": "2", "errorRate": "20", "waves": "no", "requireApproval": "yes"}, "acme-1.json", "[1]")
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	const uri = "s3://ferry/input/acme-nova/acme-1.json"
	id := migration.IDFor(uri)
	require.Equal(t, "/migrations/"+id+"?done=start", a.header.Get("Location"))
	require.Equal(t, "[1]", b.store.objects["input/acme-nova/acme-1.json"])
	require.Equal(t, []string{id}, b.engine.startIDs)
	require.Equal(t, workflows.MigrateFileInput{
		File: uri, Route: "acme-nova", Waves: new(false), RequireApproval: new(true),
		Limits: &workflows.LimitsInput{ErrorRate: new(0.2)}, Concurrency: &workflows.ConcurrencyInput{Batches: new(2)},
	}, b.engine.starts[0])
	require.Contains(t, b.get(a.header.Get("Location"), "pia").body, "The migration has started.")

	again := b.send("pia", map[string]string{"route": "acme-nova"}, "acme-1.json", "[1]")
	require.Equal(t, http.StatusConflict, again.status)
	require.Contains(t, again.body, "name is good once")
}

func TestStartFromAPlaceInS3(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.put("partner:a.json", "[]")
	a := b.send("", map[string]string{"route": "acme-nova", "file": "s3://partner/a.json", "dryRun": "yes"}, "", "")
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	require.True(t, b.engine.starts[0].DryRun)
	require.Contains(t, b.engine.startIDs[0], "-dry-")
	require.True(t, migration.ValidID(b.engine.startIDs[0]))
}

func TestStartUnderAChosenID(t *testing.T) {
	t.Parallel()
	b := setup(t, olga, pia)
	b.store.put("partner:a.json", "[]")
	fields := map[string]string{"route": "acme-nova", "file": "s3://partner/a.json", "id": "night-1"}
	a := b.send("olga", fields, "", "")
	require.Equal(t, "/migrations/night-1?done=start", a.header.Get("Location"), a.body)
	require.Equal(t, []string{"night-1"}, b.engine.startIDs)
	a = b.send("olga", fields, "", "")
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.body, "migration night-1: the id was used before")
	require.Contains(t, a.body, `name="id" maxlength="80" autocomplete="off" spellcheck="false" value="night-1"`)
	require.NotContains(t, b.get("/start", "pia").body, `name="id"`)
}

func TestStartsThatAreSentBack(t *testing.T) {
	t.Parallel()
	b := setup(t, olga, pia)
	b.store.put("partner:a.json", "[]")
	b.store.put("input/acme-nova/taken.json", "other")
	for _, c := range []struct {
		as     string
		fields map[string]string
		file   string
		says   string
	}{
		{"olga", nil, "a.json", "the route is missing"},
		{"olga", map[string]string{"route": "a b"}, "a.json", "the route must match"},
		{"pia", map[string]string{"route": "other-route"}, "a.json", "route other-route is not yours"},
		{"pia", map[string]string{"route": "acme-nova", "file": "s3://partner/a.json"}, "", "upload the file"},
		{"pia", map[string]string{"route": "acme-nova"}, "taken.json", "another file of this name"},
		{"pia", map[string]string{"route": "acme-nova"}, "", "choose a file"},
		{"olga", map[string]string{"route": "acme-nova", "file": "s3://partner/a.json"}, "a.json", "give one of them"},
		{"olga", map[string]string{"route": "acme-nova", "file": "s3://partner/none.json"}, "", "no such object"},
		{"olga", map[string]string{"route": "acme-nova", "file": "partner/a.json"}, "", "must start with s3://"},
		{"olga", map[string]string{"route": "acme-nova", "id": "a/b"}, "a.json", "id must match"},
		{"pia", map[string]string{"route": "acme-nova", "id": "night-1"}, "a.json", "takes an operator of all routes"},
		{"olga", map[string]string{"route": "acme-nova", "perBatch": "many"}, "a.json", "is not a whole number"},
		{"olga", map[string]string{"route": strings.Repeat("r", maxForm+1)}, "a.json", "the form is too large"},
	} {
		a := b.send(c.as, c.fields, c.file, "[]")
		require.Equal(t, http.StatusBadRequest, a.status, c.says)
		require.Contains(t, a.body, c.says)
		require.Equal(t, c.fields["perBatch"]+c.fields["id"] != "", strings.Contains(a.body, "<details open>"), "what is folded away is shown if it is filled in")
	}
	require.Zero(t, b.engine.count("start"))
	require.Equal(t, "other", b.store.objects["input/acme-nova/taken.json"])
}

func TestUploadThatIsTooLarge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.send("", map[string]string{"route": "acme-nova"}, "big.json", strings.Repeat("x", 2<<20))
	require.NotEqual(t, http.StatusSeeOther, a.status)
	require.Contains(t, a.body, "larger than 1.0 MiB")
	require.Zero(t, b.engine.count("start"))
	require.NotContains(t, b.store.keys(""), "input/acme-nova/big.json")
}

func TestStartAgainAfterAFailedStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const uri = "s3://ferry/input/acme-nova/a.json"
	id := migration.IDFor(uri)
	b.engine.runs[id] = operator.Run{ID: id, File: uri, State: operator.Failed}
	again, err := b.server.unused(t.Context(), id)
	require.NoError(t, err)
	require.True(t, again)
	b.store.put(migration.Key(id, migration.FileClaim), "{}")
	_, err = b.server.unused(t.Context(), id)
	require.ErrorIs(t, err, operator.ErrIDUsed)
}

func TestDryRunsOfLongNamesHaveValidIDs(t *testing.T) {
	t.Parallel()
	for _, stem := range []string{"a", strings.Repeat("x", 200), strings.Repeat("é-", 60)} {
		id := operator.NewID(workflows.MigrateFileInput{File: "s3://partner/" + stem + ".json", DryRun: true}, time.Now())
		require.True(t, migration.ValidID(id), id)
	}
}
