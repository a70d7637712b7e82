package activities

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/routes"
)

const folder = "migrations/acme/"

var staged = []string{folder + "batches.json", folder + "plan.json", folder + "records.ndjson"}

func TestImportFileStagesAndPlans(t *testing.T) {
	t.Parallel()
	b := setup(t)
	file := array(
		sound(1, nil),
		sound(2, map[string]any{"status": "PENDING", "dateActivated": nil, "dateSuspended": nil}),
		sound(3, map[string]any{"status": "CANCELLED", "dateSuspended": nil, "dateEnded": "2025-01-01T00:00:00Z"}),
		sound(4, map[string]any{"status": "ACTIVE", "dateSuspended": nil}),
		sound(5, map[string]any{"status": "ACTIVE-ENDING", "dateSuspended": nil, "dateEnded": "2027-01-01T00:00:00Z"}),
		sound(6, map[string]any{"status": "REVOKED", "dateSuspended": nil, "dateEnded": "2025-01-01T00:00:00Z"}),
	)
	in := b.importInput("acme", b.upload("acme.json", file))
	res := run[ImportFileResult](b, ImportFileName, in)
	sum := sha256.Sum256(file)
	require.Equal(t, hex.EncodeToString(sum[:]), res.SHA256)
	require.Equal(t, 6, res.Records)
	require.Nil(t, res.Problems)
	require.Equal(t, migration.ByGroup{Pending: 1, Active: 2, Suspended: 1, Terminated: 2}, res.Expected)
	require.Equal(t, 2, res.Batches)
	require.Equal(t, []migrationfile.Wave{{Number: 1, FirstBatch: 1, LastBatch: 2, Records: 6}}, res.Waves)
	require.Equal(t, staged, b.keys(folder))
	require.Len(t, res.Files, 3)
	for name, info := range res.Files {
		b.requireInfo("acme", name, info)
	}

	var plan Plan
	require.NoError(t, json.Unmarshal(b.file("acme", migration.FilePlan), &plan))
	require.Equal(t, Plan{
		Migration: "acme", File: in.File, SHA256: res.SHA256, Route: "acme-nova", Records: 6,
		Statuses: map[entitlement.Status]int{
			entitlement.Pending: 1, entitlement.Active: 1, entitlement.ActiveEnding: 1,
			entitlement.Suspended: 1, entitlement.Cancelled: 1, entitlement.Revoked: 1,
		},
		Steps: map[entitlement.Step]int{
			entitlement.Create: 6, entitlement.Activate: 5, entitlement.Suspend: 1,
			entitlement.Cancel: 2, entitlement.Revoke: 1,
		},
		Batches: 2, Waves: res.Waves, Settings: b.settings, Rules: routes.AcmeNova(), Hash: res.PlanHash,
		Files: without(res.Files, migration.FilePlan),
	}, plan)
	require.Equal(t, int64(0), b.stats().Calls["create"])
}

func without(files map[string]migration.FileInfo, name string) map[string]migration.FileInfo {
	rest := maps.Clone(files)
	delete(rest, name)
	return rest
}

// What was imported before a reset holds, whatever has become of the source
// and the settings; without a plan there is nothing that could hold.
func TestImportFileOfAnHeirKeepsThePlan(t *testing.T) {
	t.Parallel()
	b := setup(t)
	odd := strings.Replace(sound(1, nil), "{", `{"odd":1,`, 1)
	in := b.importInput("acme", b.upload("acme.json", array(odd, sound(2, nil))))
	in.Heir = true
	first := run[ImportFileResult](b, ImportFileName, in)
	require.Equal(t, 2, first.Records)
	batches := b.file("acme", migration.FileBatches)

	other := b.importInput("acme", b.upload("acme.json", array(sounds(7)...)))
	other.Heir, other.Settings.BatchSize = true, 1
	require.Equal(t, first, run[ImportFileResult](b, ImportFileName, other))
	require.Equal(t, batches, b.file("acme", migration.FileBatches))

	b.put(folder+migration.FilePlan, []byte("{}"))
	requireFault(t, refused(b, ImportFileName, in), fault.Final, fault.CodeStoreFault)
}

// The hash is what an approval names, so it must follow what it approves.
func TestImportFileHashesWhatIsApproved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.importInput("acme", b.upload("acme.json", array(sounds(3)...)))
	hash := run[ImportFileResult](b, ImportFileName, in).PlanHash
	require.NotEmpty(t, hash)
	in.Settings.Limits.Consecutive = 99
	require.NotEqual(t, hash, run[ImportFileResult](b, ImportFileName, in).PlanHash)
	other := b.importInput("else", b.upload("else.json", array(sounds(2)...)))
	require.NotEqual(t, hash, run[ImportFileResult](b, ImportFileName, other).PlanHash)
}

// Order, the spelling of numbers and unknown fields are the partner's.
func TestImportFileKeepsTheBytesAndWarns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	odd := strings.Replace(sound(1, nil), "{", `{ "z_note" : 1.500,  "a_note":"é\u00e9", `, 1)
	for name, file := range map[string][]byte{"array": array(odd, sound(2, nil)), "gzip": packed(t, join(odd, sound(2, nil)))} {
		res := run[ImportFileResult](b, ImportFileName, b.importInput(name, b.upload(name, file)))
		require.Equal(t, &migration.Problems{
			ByCode: map[string]int{}, Warnings: map[string]int{migrationfile.CodeUnknownField: 2},
		}, res.Problems, "warnings refuse nothing")
		require.Equal(t, 1, res.Batches)
		b.requireInfo(name, migration.FileValidation, res.Files[migration.FileValidation])
		require.Contains(t, string(b.file(name, migration.FileValidation)), "z_note")
		first, _, _ := strings.Cut(string(b.file(name, migration.FileRecords)), "\n")
		require.True(t, strings.HasPrefix(first, `{"z_note":1.500,"a_note":"é\u00e9","activationCode"`), first)
	}
	require.Equal(t, b.file("array", migration.FileRecords), b.file("gzip", migration.FileRecords))
}

func packed(t *testing.T, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(body)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

func TestImportFileRejects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	file := array(
		sound(1, nil),
		sound(2, map[string]any{"notificationUrl": "ftp://hook-private"}),
		sound(3, map[string]any{"customerIdentifier": "cust-private-1"}),
		sound(4, map[string]any{"dateCreated": "cust-private"}),
		sound(5, map[string]any{"activationCode": ""}),
		sound(6, map[string]any{"extensionData": []string{"name-private"}}),
		strings.Replace(sound(7, nil), `"name":`, `"name":"name-private","name":`, 1),
	)
	res := run[ImportFileResult](b, ImportFileName, b.importInput("acme", b.upload("acme.json", file)))
	require.Equal(t, 7, res.Records)
	require.Equal(t, 6, res.Problems.Total)
	require.Equal(t, 1, res.Problems.ByCode[migrationfile.CodeTooManyLiving])
	require.Equal(t, 1, res.Problems.ByCode[migrationfile.CodeDuplicateKey])
	require.Len(t, res.First, 6)
	require.Contains(t, res.First[0], "line 2, record 2, ")
	require.Zero(t, res.Batches)
	require.Equal(t, []string{folder + "validation.json"}, b.keys(folder), "nothing is staged")
	require.Len(t, res.Files, 1)
	b.requireInfo("acme", migration.FileValidation, res.Files[migration.FileValidation])
	said := string(b.file("acme", migration.FileValidation)) + strings.Join(res.First, "\n")
	for _, value := range personal {
		require.NotContains(t, said, value)
	}
	require.Contains(t, said, "ext-0002")
}

func TestImportFileBoundsWhatItTells(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := make([]string, 15)
	for i := range bad {
		bad[i] = sound(i+1, map[string]any{"status": "GONE"})
	}
	in := b.importInput("acme", b.upload("acme.json", array(bad...)))
	in.Settings.MaxProblems = 12
	res := run[ImportFileResult](b, ImportFileName, in)
	require.Equal(t, 15, res.Problems.Total)
	require.Len(t, res.First, 10)
	var told migrationfile.Result
	require.NoError(t, json.Unmarshal(b.file("acme", migration.FileValidation), &told))
	require.Len(t, told.Problems, 12)
	require.Equal(t, 15, told.ProblemTotal())
}

func TestImportFileNoticesAnotherFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.importInput("acme", b.upload("acme.json", array(sounds(2)...)))
	b.upload("acme.json", array(sounds(3)...))
	f := refused(b, ImportFileName, in)
	requireFault(t, f, fault.Final, fault.CodeFileChanged)
	loc, err := objectstore.ParseURI(in.File)
	require.NoError(t, err)
	require.NoError(t, b.store.Delete(t.Context(), loc))
	requireFault(t, refused(b, ImportFileName, in), fault.Final, fault.CodeFileNotFound)
	require.Empty(t, b.keys(folder))
}

// cut is a source that stops after so many bytes.
type cut struct {
	io.ReadCloser
	left int
	stop func() error
}

func (c *cut) Read(p []byte) (int, error) {
	if c.left <= 0 {
		if err := c.stop(); err != nil {
			return 0, err
		}
	}
	n, err := c.ReadCloser.Read(p[:min(len(p), 64<<10)])
	c.left -= n
	return n, err
}

// cutSource is a store whose sources stop after more than a part of an upload.
func cutSource(stop func(*bundle) func() error) func(*bundle) Store {
	return func(b *bundle) Store {
		s := &brokenStore{Store: b.store}
		stopped := stop(b)
		s.open = func(ctx context.Context, loc objectstore.Location, etag string) (io.ReadCloser, error) {
			r, err := b.store.Open(ctx, loc, etag)
			return &cut{r, 9 << 20, stopped}, err
		}
		return s
	}
}

func TestImportFileCancelledHalfWayLeavesNothing(t *testing.T) {
	t.Parallel()
	cancelled := false
	b := setup(t, cutSource(func(b *bundle) func() error {
		return func() error { cancelled = true; b.cancel(); return nil }
	}))
	in := b.importInput("acme", b.upload("acme.json", bulky(240)))
	_, err := b.env().ExecuteActivity(ImportFileName, in)
	require.Error(t, err)
	require.True(t, cancelled)
	require.Empty(t, b.keys(folder))
}

func TestImportFileStartsOverAfterASourceThatFailed(t *testing.T) {
	t.Parallel()
	b := setup(t, cutSource(func(*bundle) func() error { return once(away()) }))
	in := b.importInput("acme", b.upload("acme.json", bulky(240)))
	requireFault(t, refused(b, ImportFileName, in), fault.Retryable, fault.CodeStoreFault)
	require.Empty(t, b.keys(folder))
	require.Equal(t, 240, run[ImportFileResult](b, ImportFileName, in).Records)
}

// A retry trusts nothing that is there, and leaves what one pass would.
func TestImportFileRepeats(t *testing.T) {
	t.Parallel()
	s := &brokenStore{}
	b := setup(t, broken(s))
	lose := once(away())
	s.put = func(_ context.Context, loc objectstore.Location, _ []byte) error {
		if strings.HasSuffix(loc.Key, migration.FilePlan) {
			return lose()
		}
		return nil
	}
	file := generate(t, migrationfile.GenOptions{Records: 40, Seed: 3})
	in := b.importInput("acme", b.upload("acme.json", file))
	requireFault(t, refused(b, ImportFileName, in), fault.Retryable, fault.CodeStoreFault)
	b.put(folder+migration.FileRecords, []byte("half a"))
	first := run[ImportFileResult](b, ImportFileName, in)
	contents := map[string][]byte{}
	for name, info := range first.Files {
		b.requireInfo("acme", name, info)
		contents[name] = b.file("acme", name)
	}
	b.clock.forward(time.Minute)
	require.Equal(t, first, run[ImportFileResult](b, ImportFileName, in))
	for name, content := range contents {
		require.Equal(t, string(content), string(b.file("acme", name)), name)
	}
}

// An end that passes between two attempts makes the second refuse what the
// first had staged.
func TestImportFileThatRejectsLeavesNoRecords(t *testing.T) {
	t.Parallel()
	s := &brokenStore{}
	b := setup(t, broken(s))
	lose := once(away())
	s.put = func(_ context.Context, loc objectstore.Location, _ []byte) error {
		if strings.HasSuffix(loc.Key, migration.FilePlan) {
			return lose()
		}
		return nil
	}
	file := array(sound(1, map[string]any{
		"status": "ACTIVE-ENDING", "dateSuspended": nil, "dateEnded": start.Add(time.Hour).Format(time.RFC3339),
	}))
	in := b.importInput("acme", b.upload("acme.json", file))
	_ = refused(b, ImportFileName, in)
	b.clock.forward(2 * time.Hour)
	res := run[ImportFileResult](b, ImportFileName, in)
	require.Equal(t, 1, res.Problems.Total)
	require.Equal(t, []string{folder + "validation.json"}, b.keys(folder))

	in.Parent = "before" // in a reload the end may have passed
	res = run[ImportFileResult](b, ImportFileName, in)
	require.Zero(t, res.Problems.Total)
	require.Equal(t, migration.ByGroup{Terminated: 1}, res.Expected)
}

func TestImportFileReportsWhenItCannotWrite(t *testing.T) {
	t.Parallel()
	for _, name := range []string{migration.FileValidation, migration.FileBatches, migration.FilePlan} {
		s := &brokenStore{}
		b := setup(t, broken(s))
		s.put = func(_ context.Context, loc objectstore.Location, _ []byte) error {
			if strings.HasSuffix(loc.Key, name) {
				return fmt.Errorf("write %s: %w", loc, errors.New("cust-private"))
			}
			return nil
		}
		file := array(strings.Replace(sound(1, nil), "{", `{"odd":1,`, 1))
		f := refused(b, ImportFileName, b.importInput("acme", b.upload("acme.json", file)))
		requireFault(t, f, fault.Retryable, fault.CodeUnexpected)
		require.NotContains(t, f.Cause.Error(), "private", "nobody has looked at the text of an unknown error")
	}
}
