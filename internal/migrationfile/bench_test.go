package migrationfile

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkImport(b *testing.B) {
	env := setup(b)
	env.opts.Stage = nil
	file := madeUp(b, GenOptions{Records: 20_000, FailShare: 0.05})
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		res, err := Import(context.Background(), strings.NewReader(file), env.opts)
		require.NoError(b, err)
		require.Empty(b, res.Problems)
	}
}

func BenchmarkDecode(b *testing.B) {
	env := setup(b)
	env.text(b, madeUp(b, GenOptions{Records: 1000}))
	lines := bytes.SplitAfter(bytes.TrimSpace(env.stage.Bytes()), []byte("\n"))
	b.SetBytes(int64(env.stage.Len() / len(lines)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		_, err := Decode(lines[i%len(lines)])
		require.NoError(b, err)
		i++
	}
}
