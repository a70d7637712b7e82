package figures_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/figures"
)

func TestBytes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 5 << 20: "5.0 MiB", 3 << 30: "3.0 GiB",
		2 << 40: "2.0 TiB", 5 << 50: "5120.0 TiB",
	} {
		require.Equal(t, want, figures.Bytes(n))
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1,234,567", figures.Number(1234567))
	require.Equal(t, "-999", figures.Number(-999))
	require.Equal(t, "-1,000", figures.Number(-1000))
	require.Equal(t, "1 record", figures.Plural(1, "record"))
	require.Equal(t, "1,200 records", figures.Plural(1200, "record"))
}

func TestSpans(t *testing.T) {
	t.Parallel()
	require.Equal(t, "18 to 44 seconds", figures.SpanRange(18*time.Second, 44*time.Second))
	require.Equal(t, "40 seconds to 2 minutes", figures.SpanRange(40*time.Second, 2*time.Minute))
	require.Equal(t, "about 3 minutes", figures.SpanRange(175*time.Second, 185*time.Second))
	require.Equal(t, "1 second", figures.Span(time.Second))
	require.Equal(t, "1.5 hours", figures.Span(91*time.Minute))
	require.Equal(t, "3.0 days", figures.Span(72*time.Hour))
}
