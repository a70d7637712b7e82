package view

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFileProgressInLines(t *testing.T) {
	t.Parallel()
	b := setup(t)
	clock := *at(10, 0)
	p := &fileLines{w: &b.out, name: "a.json", total: 100 << 20, now: func() time.Time { return clock }, last: clock}
	p.Show(1<<20, 2_000)
	require.Empty(t, b.out.String(), "a quick one stays silent")
	clock = clock.Add(lineEvery)
	p.Show(45<<20, 90_000)
	p.Show(46<<20, 92_000)
	clock = clock.Add(lineEvery)
	p.Show(100<<20, 200_000)
	p.Close()
	require.Equal(t, "a.json: 45 % of 100.0 MiB, 90000 records\n", b.out.String(), "the end has a verdict instead")
}

func TestFileProgressOfUnknownSize(t *testing.T) {
	t.Parallel()
	b := setup(t)
	clock := *at(10, 0)
	p := &fileLines{w: &b.out, name: FileName("-"), total: -1, now: func() time.Time { return clock }}
	p.Show(45<<20, 90_000)
	require.Equal(t, "stdin: 45.0 MiB, 90000 records\n", b.out.String())
}

func TestFileProgressAsABar(t *testing.T) {
	t.Parallel()
	b := setup(t)
	small := NewFileProgress(&b.out, true, "a.json", 1<<20)
	small.Show(1<<20, 2_000)
	small.Close()
	require.Empty(t, b.out.String(), "a small file needs no bar")

	big := NewFileProgress(&b.out, true, "a\x1b.json", 100<<20).(*fileBar)
	big.Show(45<<20, 90_000)
	require.NotNil(t, big.line)
	require.Equal(t, int64(45<<20), big.line.Current())
	big.Close()
	require.NotContains(t, b.out.String(), "a\x1b")

	unknown := NewFileProgress(&b.out, true, "-", -1).(*fileBar)
	unknown.Show(bigFile-1, 1)
	require.Nil(t, unknown.line)
	unknown.Show(bigFile, 2)
	require.NotNil(t, unknown.line)
	unknown.Close()
}
