package operator_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// bucket is a work bucket in memory, by key.
type bucket struct {
	mu       sync.Mutex
	objects  map[string]string
	removed  []string
	versions bool
	// beforeRemove may refuse, or change what is there.
	beforeRemove func(key string) error
}

const workBucket = "ferry"

func (s *bucket) WorkBucket() string { return workBucket }

func (s *bucket) Work(key string) objectstore.Location {
	return objectstore.Location{Bucket: workBucket, Key: key}
}

func (s *bucket) Head(_ context.Context, loc objectstore.Location) (objectstore.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, there := s.objects[loc.Key]
	if !there || loc.Bucket != workBucket {
		return objectstore.Object{}, &fault.Fault{Kind: fault.Final, Code: fault.CodeFileNotFound, Message: loc.String() + " is not there"}
	}
	return objectstore.Object{Location: loc, Size: int64(len(content))}, nil
}

func (s *bucket) Read(ctx context.Context, loc objectstore.Location, _ int64) ([]byte, string, error) {
	_, err := s.Head(ctx, loc)
	s.mu.Lock()
	defer s.mu.Unlock()
	return []byte(s.objects[loc.Key]), "", err
}

func (s *bucket) keys(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for key := range s.objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (s *bucket) List(ctx context.Context, _, prefix string) iter.Seq2[objectstore.Object, error] {
	return func(yield func(objectstore.Object, error) bool) {
		for _, key := range s.keys(prefix) {
			if !yield(s.Head(ctx, s.Work(key))) {
				return
			}
		}
	}
}

func (s *bucket) ListPrefixes(_ context.Context, _, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var folders []string
		for _, key := range s.keys(prefix) {
			head, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
			folders = append(folders, prefix+head+"/")
		}
		for _, folder := range slices.Compact(folders) {
			if !yield(folder, nil) {
				return
			}
		}
	}
}

func (s *bucket) Put(_ context.Context, loc objectstore.Location, body []byte, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[loc.Key] = string(body)
	return nil
}

func (s *bucket) PutIfAbsent(ctx context.Context, loc objectstore.Location, body []byte, kind string) (bool, error) {
	if _, err := s.Head(ctx, loc); err == nil {
		return false, nil
	}
	return true, s.Put(ctx, loc, body, kind)
}

func (s *bucket) Remove(_ context.Context, loc objectstore.Location) (bool, error) {
	if s.beforeRemove != nil {
		if err := s.beforeRemove(loc.Key); err != nil {
			return false, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, loc.Key)
	s.removed = append(s.removed, loc.Key)
	return s.versions, nil
}

// claim writes a claim under a key.
func (s *bucket) claim(t *testing.T, key, id, file string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"namespace": "default", "migration": id, "file": file})
	require.NoError(t, err)
	s.objects[key] = string(body)
}

// withMigration puts a migration of an uploaded file into the bucket.
func (s *bucket) withMigration(t *testing.T, id, environment string) *bucket {
	t.Helper()
	s.claim(t, migration.Key(id, migration.FileClaim), id, "s3://ferry/input/a.json")
	s.claim(t, migration.LedgerKey(environment, workBucket, "input/a.json"), id, "s3://ferry/input/a.json")
	s.objects["input/a.json"] = "[personal]"
	for _, name := range []string{
		migration.FileRecords, migration.FileReload, migration.FileErrors, migration.FileCorrelation, migration.FileBatches,
		migration.FileValidation, migration.OutcomesFile(1), migration.OutcomesFile(2),
		migration.ReconciliationsFolder + "x.csv", "reload-corrected.json",
	} {
		s.objects[migration.Key(id, name)] = "personal"
	}
	for _, name := range []string{migration.FilePlan, migration.FileSummary, migration.FileAudit} {
		s.objects[migration.Key(id, name)] = "{}"
	}
	return s
}

func newBucket() *bucket { return &bucket{objects: map[string]string{}} }

// purge looks and purges, as a command does.
func (s *bucket) purge(t *testing.T, id, by string) (operator.Purged, error) {
	t.Helper()
	p := operator.NewPurger(s)
	held, err := p.Look(t.Context(), id)
	require.NoError(t, err)
	return p.Purge(t.Context(), operator.PurgeOrder{Holdings: held, By: by, Reason: "retention"})
}

var lasting = []string{
	"ledger/sandbox/ferry/input/a.json",
	"migrations/a/audit.ndjson", "migrations/a/claim.json", "migrations/a/plan.json", "migrations/a/purged.json", "migrations/a/summary.json",
}

func TestPurgeLeavesNamesAndCounts(t *testing.T) {
	t.Parallel()
	s := newBucket().withMigration(t, "a", "sandbox")
	done, err := s.purge(t, "a", "kim")
	require.NoError(t, err)
	require.NotNil(t, done.FinishedAt)
	require.Equal(t, 11, done.Objects)
	require.False(t, done.KeepsVersions)
	require.Equal(t, lasting, s.keys(""))
	for key, content := range s.objects {
		require.NotContains(t, content, "personal", key)
	}
	require.Len(t, done.Audit, 1)
	require.Equal(t, "kim", done.Audit[0].By)
	require.Equal(t, "retention", done.Audit[0].Reason)

	marker := s.objects["migrations/a/purged.json"]
	again, err := s.purge(t, "a", "lou")
	require.NoError(t, err)
	require.Equal(t, done.Purge, again.Purge, "nothing was left to do")
	require.Equal(t, marker, s.objects["migrations/a/purged.json"])
}

func TestInterruptedPurgeSaysSoAndIsFinished(t *testing.T) {
	t.Parallel()
	s := newBucket().withMigration(t, "a", "sandbox")
	cut := errors.New("the network is gone")
	s.beforeRemove = func(key string) error {
		require.Contains(t, s.keys(""), "migrations/a/purged.json", "whoever looks now must not think that it is whole")
		if strings.Contains(key, "outcomes/") {
			return cut
		}
		return nil
	}
	_, err := s.purge(t, "a", "kim")
	require.ErrorIs(t, err, cut)
	begun, err := operator.NewArchive(s).Purge(t.Context(), "a")
	require.NoError(t, err)
	require.Nil(t, begun.FinishedAt)
	require.Contains(t, begun.Says(), "has not ended")

	s.beforeRemove = nil
	done, err := s.purge(t, "a", "lou")
	require.NoError(t, err)
	require.Equal(t, lasting, s.keys(""))
	require.Equal(t, "kim", done.By, "who began it")
	require.Equal(t, begun.StartedAt, done.StartedAt)
	require.Len(t, done.Audit, 2)
	require.Equal(t, "lou", done.Audit[1].By)
}

func TestPurgeBeginsWithWhatHoldsMost(t *testing.T) {
	t.Parallel()
	s := newBucket().withMigration(t, "a", "sandbox")
	held, err := operator.NewPurger(s).Look(t.Context(), "a")
	require.NoError(t, err)
	var keys []string
	for _, o := range held.Going[:3] {
		keys = append(keys, o.Location.Key)
	}
	require.Equal(t, []string{"migrations/a/records.ndjson", "input/a.json", "migrations/a/reload.json"}, keys)
	require.EqualValues(t, 10*len("personal")+len("[personal]"), held.Bytes())
}

func TestWhatIsWrittenDuringAPurgeIsNoticed(t *testing.T) {
	t.Parallel()
	s := newBucket().withMigration(t, "a", "sandbox")
	s.beforeRemove = func(string) error {
		return s.Put(t.Context(), s.Work("migrations/a/outcomes/000003.ndjson"), []byte("personal"), "")
	}
	_, err := s.purge(t, "a", "kim")
	require.ErrorContains(t, err, "written meanwhile")
	s.beforeRemove = nil
	_, err = s.purge(t, "a", "kim")
	require.NoError(t, err)
	require.Equal(t, lasting, s.keys(""))
}

func TestTwoPurgesAtOnceAreOne(t *testing.T) {
	t.Parallel()
	s := newBucket().withMigration(t, "a", "sandbox")
	p := operator.NewPurger(s)
	held, err := p.Look(t.Context(), "a")
	require.NoError(t, err)
	first, err := s.purge(t, "a", "kim")
	require.NoError(t, err)
	second, err := p.Purge(t.Context(), operator.PurgeOrder{Holdings: held, By: "lou"})
	require.NoError(t, err)
	require.Equal(t, first.StartedAt, second.StartedAt)
	require.Equal(t, "kim", second.By)
	require.Equal(t, lasting, s.keys(""))
}

func TestVersionsAreTold(t *testing.T) {
	t.Parallel()
	s := newBucket().withMigration(t, "a", "sandbox")
	s.versions = true
	done, err := s.purge(t, "a", "kim")
	require.NoError(t, err)
	require.True(t, done.KeepsVersions)
}

func TestSourcesThatAreNotFerrysStay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, stays string
	}{
		"the partner's":                {"s3://partner/input/a.json", "not in input/ of the work bucket"},
		"elsewhere in the work bucket": {"s3://ferry/other/a.json", "not in input/ of the work bucket"},
		"another's reload":             {"s3://ferry/migrations/b/reload.json", "not in input/ of the work bucket"},
		"no place":                     {"/tmp/a.json", "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newBucket().withMigration(t, "a", "sandbox")
			s.objects["other/a.json"], s.objects["migrations/b/reload.json"] = "[]", "[]"
			s.claim(t, migration.Key("a", migration.FileClaim), "a", c.file)
			held, err := operator.NewPurger(s).Look(t.Context(), "a")
			require.NoError(t, err)
			require.Contains(t, held.Source.Stays, c.stays)
			_, err = s.purge(t, "a", "kim")
			require.NoError(t, err)
			require.Subset(t, s.keys(""), []string{"input/a.json", "other/a.json", "migrations/b/reload.json"})
		})
	}
}

func TestSharedSourceGoesWithItsLastMigration(t *testing.T) {
	t.Parallel()
	s := newBucket().withMigration(t, "a", "sandbox").withMigration(t, "b", "production")
	held, err := operator.NewPurger(s).Look(t.Context(), "a")
	require.NoError(t, err)
	require.Contains(t, held.Source.Stays, "migration b took it too")
	_, err = s.purge(t, "a", "kim")
	require.NoError(t, err)
	require.Contains(t, s.keys(""), "input/a.json")
	require.Contains(t, s.keys(""), "migrations/b/records.ndjson", "a purge stays in its folder")
	_, err = s.purge(t, "b", "kim")
	require.NoError(t, err)
	require.NotContains(t, s.keys(""), "input/a.json")
}

func TestPurgeOfAFolderWithoutAClaimIsOfNothing(t *testing.T) {
	t.Parallel()
	s := newBucket().withMigration(t, "a", "sandbox")
	delete(s.objects, "migrations/a/claim.json")
	_, err := operator.NewPurger(s).Look(t.Context(), "a")
	require.ErrorIs(t, err, operator.ErrUnknown)
}
