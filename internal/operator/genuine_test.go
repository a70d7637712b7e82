package operator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

func infoOf(body string) migration.FileInfo {
	sum := sha256.Sum256([]byte(body))
	return migration.FileInfo{URI: "s3://work/x", Bytes: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}
}

func TestOnlyAGenuineFileIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	known := map[string]migration.FileInfo{migration.FileReload: infoOf("[1,2,3]")}
	for name, c := range map[string]struct{ body, says string }{
		"as it was": {"[1,2,3]", ""},
		"shortened": {"[1,2", "it is shorter"},
		"longer":    {"[1,2,3,4]", "it is longer"},
		"changed":   {"[1,2,4]", "its content is another"},
		"emptied":   {"", "it is shorter"},
	} {
		for how, reader := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "with its end": iotest.DataErrReader,
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				got, err := io.ReadAll(Genuine("acme", migration.FileReload, known, reader(strings.NewReader(c.body))))
				if c.says == "" {
					require.NoError(t, err)
					require.Equal(t, c.body, string(got))
					return
				}
				f, ok := fault.As(err)
				require.True(t, ok)
				require.Equal(t, fault.CodeStoreFault, f.Code)
				require.Contains(t, f.Message, "reload.json of migration acme is not what was written: ")
				if how == "at once" {
					require.Contains(t, f.Message, c.says)
				}
				require.NotContains(t, string(got), "]", "what makes it whole is kept back")
			})
		}
	}
	got, err := io.ReadAll(Genuine("acme", "other.csv", known, strings.NewReader("x")))
	require.NoError(t, err)
	require.Equal(t, "x", string(got))
}

type endedRun struct {
	state State
	sum   migration.Summary
}

func (e endedRun) Describe(context.Context, string) (Run, error) {
	if e.state == "" {
		return Run{}, ErrUnknown
	}
	return Run{State: e.state}, nil
}

func (e endedRun) Result(context.Context, string) (migration.Summary, error) { return e.sum, nil }

type oneFile struct {
	Bucket
	body []byte
}

func (o oneFile) Work(key string) objectstore.Location {
	return objectstore.Location{Bucket: "work", Key: key}
}

func (o oneFile) Read(context.Context, objectstore.Location, int64) ([]byte, string, error) {
	if o.body == nil {
		return nil, "", &fault.Fault{Code: fault.CodeFileNotFound}
	}
	return o.body, "", nil
}

func TestEndedFilesGoByTheResultWhereThereIsOne(t *testing.T) {
	t.Parallel()
	sum := migration.Summary{
		Migration: "acme", Result: migration.Completed, Records: 3, Outcomes: migration.Outcomes{Migrated: 2, Failed: 1},
		Files: map[string]migration.FileInfo{migration.FileReload: infoOf("[1]")},
	}
	body, err := json.MarshalIndent(sum, "", "  ")
	require.NoError(t, err)
	ask := func(e endedRun, body []byte) (map[string]migration.FileInfo, error) {
		return EndedFiles(t.Context(), e, NewArchive(oneFile{body: body}), "acme")
	}
	for _, state := range []State{Completed, Terminated, ""} {
		got, err := ask(endedRun{state, sum}, body)
		require.NoError(t, err)
		require.Equal(t, sum.Files, got)
	}
	for name, edited := range map[string][]byte{
		"counts":   bytes.Replace(body, []byte(`"FAILED": 1`), []byte(`"FAILED": 0`), 1),
		"checksum": bytes.Replace(body, []byte(infoOf("[1]").SHA256), []byte(infoOf("[]").SHA256), 1),
	} {
		require.NotEqual(t, string(body), string(edited))
		_, err := ask(endedRun{Completed, sum}, edited)
		require.ErrorContains(t, err, "summary.json of migration acme is not what was written", name)
	}
	got, err := ask(endedRun{Completed, sum}, nil)
	require.NoError(t, err)
	require.Equal(t, sum.Files, got, "a summary that is gone is missed elsewhere")
}
