package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

var errAway = errors.New("connection refused")

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(text)
}

// slowStore holds up uploads until it is let go.
type slowStore struct {
	*fakeStore
	begun chan struct{}
	goOn  chan struct{}
}

func (s *slowStore) Upload(ctx context.Context, loc objectstore.Location, kind string, r io.Reader) (objectstore.Object, error) {
	s.begun <- struct{}{}
	<-s.goOn
	return s.fakeStore.Upload(ctx, loc, kind, r)
}

func TestUploadsAreBoundedInAllAndForEachUser(t *testing.T) {
	t.Parallel()
	b := setup(t, olga, pia, otto, vera)
	slow := &slowStore{b.store, make(chan struct{}), make(chan struct{})}
	b.server.store = slow
	var sent sync.WaitGroup
	begin := func(as, route, name string) {
		sent.Go(func() {
			a := b.send(as, map[string]string{"route": route}, name, "[]")
			if a.status != http.StatusSeeOther {
				b.t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		})
		<-slow.begun
	}
	for i := range uploadsEach {
		begin("pia", "acme-nova", fmt.Sprintf("p%d.json", i))
	}
	a := b.send("pia", map[string]string{"route": "acme-nova", "batches": "3"}, "more.json", "[]")
	require.Equal(t, http.StatusTooManyRequests, a.status)
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Contains(t, a.body, "files on their way, and more are not for one user")
	require.Contains(t, a.body, `name="batches" inputmode="numeric" value="3"`, "what was filled in is kept")

	for i := range maxUploads - uploadsEach {
		begin("otto", "other-route", fmt.Sprintf("o%d.json", i))
	}
	a = b.send("olga", map[string]string{"route": "acme-nova"}, "more.json", "[]")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Contains(t, a.body, "this dashboard bears no more")
	b.finished("old-1", "acme-nova", migration.StoppedByLimit)
	form := map[string][]string{"as": {"old-1-reload-1"}}
	require.Equal(t, http.StatusServiceUnavailable, b.post("/migrations/old-1/do/reload", "olga", form).status, "a reload carries a file, too")
	require.NotContains(t, b.store.keys(""), "input/acme-nova/more.json")

	close(slow.goOn)
	sent.Wait()
	b.server.store = b.store
	require.Equal(t, http.StatusSeeOther, b.send("pia", map[string]string{"route": "acme-nova"}, "more.json", "[]").status, "places are given back")
	require.Zero(t, b.server.uploads.taken)
}

func TestStreamsAreSharedOut(t *testing.T) {
	t.Parallel()
	b := setup(t, olga, vera)
	b.server.open.total, b.server.open.each = 5, 3
	b.running("run-1", "acme-nova")
	follow := func(as string) (status int, again string, done func()) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.web.URL+"/migrations/run-1/events", http.NoBody)
		require.NoError(t, err)
		r.SetBasicAuth(as, as)
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = res.Body.Close() })
		return res.StatusCode, res.Header.Get("Retry-After"), func() { _ = res.Body.Close() }
	}
	for range 3 {
		status, _, _ := follow("vera")
		require.Equal(t, http.StatusOK, status)
	}
	status, again, _ := follow("vera")
	require.Equal(t, http.StatusTooManyRequests, status)
	require.NotEmpty(t, again)
	for range 2 {
		status, _, _ := follow("olga")
		require.Equal(t, http.StatusOK, status, "others have places left")
	}
	status, again, _ = follow("olga")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.NotEmpty(t, again)
	require.Less(t, streamsEach, maxStreams/2, "no user takes most of them")
}

// sendRaw sends parts of a form in an order of its own.
func (b *bundle) sendRaw(as string, parts ...[2]string) answer {
	b.t.Helper()
	var body strings.Builder
	w := multipart.NewWriter(&body)
	for _, p := range parts {
		var err error
		var into io.Writer
		if name, isFile := strings.CutPrefix(p[0], "upload "); isFile {
			into, err = w.CreateFormFile("upload", name)
		} else {
			into, err = w.CreateFormField(p[0])
		}
		require.NoError(b.t, err)
		_, err = io.WriteString(into, p[1])
		require.NoError(b.t, err)
	}
	require.NoError(b.t, w.Close())
	return b.ask(http.MethodPost, "/start", as, strings.NewReader(body.String()), func(r *http.Request) {
		r.Header.Set("Content-Type", w.FormDataContentType())
	})
}

// Every field is judged before anything is stored; what can't have a say is
// refused, not passed over.
func TestNothingIsStoredOfAStartThatIsSentBack(t *testing.T) {
	t.Parallel()
	b := setup(t, pia)
	route, file := [2]string{"route", "acme-nova"}, [2]string{"upload a.json", "[]"}
	for says, parts := range map[string][][2]string{
		"errorRate": {route, {"errorRate", "NaN"}, file},
		`dryRun: &#34;on&#34; is neither yes nor`:  {route, {"dryRun", "on"}, file},
		`waves: &#34;maybe&#34; is neither yes no`: {route, {"waves", "maybe"}, file},
		`there is no field &#34;requestPerSecond`:  {route, {"requestPerSecond", "5"}, file},
		"the field dryRun is there twice":          {route, {"dryRun", ""}, {"dryRun", "yes"}, file},
		"something behind the file":                {route, file, {"dryRun", "yes"}},
	} {
		a := b.sendRaw("pia", parts...)
		require.Equal(t, http.StatusBadRequest, a.status, says)
		require.Contains(t, a.body, says)
		require.Empty(t, b.store.keys(""), says)
	}
	require.Zero(t, b.engine.count("start"))
	require.Equal(t, http.StatusSeeOther, b.sendRaw("pia", route, [2]string{"dryRun", "yes"}, file).status)
	require.True(t, b.engine.starts[0].DryRun)
}
