package objectstore

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
)

var signedRegion = regexp.MustCompile(`Credential=[^/]+/\d{8}/([a-z0-9-]+)/s3/`)

// regional is a store whose bucket "partner" is in another region than the one
// that it is asked in at first, as AWS and MinIO say it.
func regional(t *testing.T, refuse func(http.ResponseWriter, *http.Request)) (s *Store, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var regions []string
	s = fakeStore(t, func(w http.ResponseWriter, r *http.Request) {
		region := signedRegion.FindStringSubmatch(r.Header.Get("Authorization"))[1]
		mu.Lock()
		regions = append(regions, r.Method+" "+region)
		mu.Unlock()
		if strings.HasPrefix(r.URL.Path, "/partner/") && region != "eu-west-1" {
			_, _ = io.Copy(io.Discard, r.Body)
			refuse(w, r)
			return
		}
		w.Header().Set("ETag", `"e"`)
		if r.Method == http.MethodPut {
			_, _ = io.Copy(io.Discard, r.Body)
			return
		}
		w.Header().Set("Content-Length", "4")
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte("data"))
		}
	})
	return s, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return regions
	}
}

func TestABucketElsewhereIsAskedInItsRegion(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(http.ResponseWriter, *http.Request){
		"a redirect with a header": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("x-amz-bucket-region", "eu-west-1")
			answer(http.StatusMovedPermanently, "PermanentRedirect")(w, r)
		},
		"a refusal that names it": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; `+
				`the region 'us-east-1' is wrong; expecting 'eu-west-1'</Message><Region>eu-west-1</Region></Error>`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, asked := regional(t, refuse)
			o, err := s.Head(t.Context(), Location{"partner", "in/a.json"})
			require.NoError(t, err)
			require.Equal(t, `"e"`, o.ETag)
			body, _, err := s.Read(t.Context(), Location{"partner", "in/a.json"}, 10)
			require.NoError(t, err)
			require.Equal(t, "data", string(body))
			require.Equal(t, "GET eu-west-1", asked()[len(asked())-1])
			require.NotEqual(t, "GET us-east-1", asked()[len(asked())-2], "what was learned is kept")
			require.NoError(t, s.Put(t.Context(), Location{"other", "k"}, []byte("x"), "text/plain"))
			require.Equal(t, "PUT us-east-1", asked()[len(asked())-1], "of that bucket alone")

			upload := strings.Repeat("x", 100)
			fresh, asked := regional(t, refuse)
			_, err = fresh.Upload(t.Context(), Location{"partner", "in/b.json"}, "text/plain", strings.NewReader(upload))
			require.NoError(t, err)
			require.Equal(t, []string{"PUT us-east-1", "PUT eu-west-1"}, asked())
			require.NoError(t, fresh.Put(t.Context(), Location{"partner", "in/c.json"}, []byte("x"), "text/plain"))
		})
	}
}

func TestABucketInNoKnownRegionSaysWhatTheSettingCovers(t *testing.T) {
	t.Parallel()
	s, asked := regional(t, answer(http.StatusMovedPermanently, "PermanentRedirect"))
	_, err := s.Head(t.Context(), Location{"partner", "in/a.json"})
	requireFault(t, err, fault.CodeStoreFault, fault.Final)
	require.ErrorContains(t, err, "bucket partner is in another region than us-east-1, and the store does not say which")
	require.ErrorContains(t, err, "s3.region")
	require.Len(t, asked(), 2, "one look, and one byte to learn why")
}

// A store that names ever another region ends somewhere.
func TestARegionThatIsRefusedTooIsAFault(t *testing.T) {
	t.Parallel()
	s, _ := regional(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-amz-bucket-region", "ap-south-1")
		answer(http.StatusMovedPermanently, "PermanentRedirect")(w, r)
	})
	_, err := s.Head(t.Context(), Location{"partner", "in/a.json"})
	requireFault(t, err, fault.CodeStoreFault, fault.Final)
	require.ErrorContains(t, err, "bucket partner is in region ap-south-1")
}

func TestARegionIsNoPlaceForAnythingElse(t *testing.T) {
	t.Parallel()
	s, asked := regional(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-amz-bucket-region", "evil.example/")
		answer(http.StatusMovedPermanently, "PermanentRedirect")(w, r)
	})
	_, err := s.Head(t.Context(), Location{"partner", "in/a.json"})
	requireFault(t, err, fault.CodeStoreFault, fault.Final)
	require.NotContains(t, err.Error(), "evil")
	for _, a := range asked() {
		require.True(t, strings.HasSuffix(a, " us-east-1"), a)
	}
}
