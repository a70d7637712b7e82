package entitlement

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2024-05-31T09:30:00Z":                "2024-05-31T09:30:00Z",
		"2024-05-31T09:30Z":                   "2024-05-31T09:30:00Z",
		"2024-05-31T09:30:15+01:00":           "2024-05-31T08:30:15Z",
		"2024-05-31T09:30:15+0130":            "2024-05-31T08:00:15Z",
		"2024-05-31T09:30:15-05":              "2024-05-31T14:30:15Z",
		"2024-05-31T09:30+01":                 "2024-05-31T08:30:00Z",
		"2024-05-31T09:30:15.5Z":              "2024-05-31T09:30:15.5Z",
		"2024-05-31T09:30:15,123456789-00:00": "2024-05-31T09:30:15.123456789Z",
		"2024-02-29T23:59:59Z":                "2024-02-29T23:59:59Z",
		"0001-01-01T00:00:00Z":                "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z":                "9999-12-31T23:59:59Z",
		"2024-05-31T09:30:15+23:59":           "2024-05-30T09:31:15Z",
	} {
		got, err := ParseTime(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.UTC().Format(time.RFC3339Nano), text)
	}
}

func TestParseTimeRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"":                                ErrTimeFormat,
		"2024-05-31":                      ErrTimeFormat,
		"2024-05-31 09:30:00Z":            ErrTimeFormat,
		"2024-05-31t09:30:00z":            ErrTimeFormat,
		"2024-05-31T09:30:00z":            ErrTimeFormat,
		"2024-05-31T09Z":                  ErrTimeFormat,
		"2024-5-31T09:30:00Z":             ErrTimeFormat,
		"20240531T093000Z":                ErrTimeFormat,
		"2024-05-31T09:30:00.Z":           ErrTimeFormat,
		"2024-05-31T09:30:00.1234567890Z": ErrTimeFormat,
		"2024-05-31T09:30:00Z ":           ErrTimeFormat,
		"2024-05-31T09:30:00+1":           ErrTimeFormat,
		"2024-05-31T09:30:00+01:0":        ErrTimeFormat,
		"2024-05-31T09:30:00+01:00:00":    ErrTimeFormat,
		"2024-05-31T09:30:00 Europe":      ErrTimeFormat,
		"+2024-05-31T09:30:00Z":           ErrTimeFormat,
		"2024-05-31T09:30:00":             ErrTimeZone,
		"2024-05-31T09:30":                ErrTimeZone,
		"2024-05-31T09:30:00.25":          ErrTimeZone,
		"2024-02-30T09:30:00Z":            ErrTimeRange,
		"2023-02-29T09:30:00Z":            ErrTimeRange,
		"2024-13-01T09:30:00Z":            ErrTimeRange,
		"2024-00-10T09:30:00Z":            ErrTimeRange,
		"2024-05-00T09:30:00Z":            ErrTimeRange,
		"2024-05-31T24:00:00Z":            ErrTimeRange,
		"2024-05-31T09:60:00Z":            ErrTimeRange,
		"2016-12-31T23:59:60Z":            ErrTimeRange,
		"2024-05-31T09:30:00+24:00":       ErrTimeRange,
		"2024-05-31T09:30:00+01:60":       ErrTimeRange,
		"0000-01-01T00:00:00Z":            ErrTimeRange,
		"0001-01-01T00:00:00+01:00":       ErrTimeRange,
		"9999-12-31T23:59:59-01:00":       ErrTimeRange,
	} {
		_, err := ParseTime(text)
		require.ErrorIs(t, err, want, text)
	}
}

// Whatever Go writes as RFC 3339 is the same instant read back.
func TestParseTimeReadsRFC3339(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "minutes east"))
		want := time.Unix(rapid.Int64Range(-6e10, 2.5e11).Draw(t, "seconds"),
			rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(zone)
		got, err := ParseTime(want.Format(time.RFC3339Nano))
		require.NoError(t, err)
		require.True(t, want.Equal(got))
		require.Equal(t, want.Format(time.RFC3339Nano), got.Format(time.RFC3339Nano))
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		"2024-05-31T09:30:00Z", "2024-05-31T09:30+01", "2024-05-31T09:30:15,5-0330", "2024-02-30T00:00:00Z",
		"2024-05-31T09:30:00", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-23:59", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s)
		if err != nil {
			require.True(t, got.IsZero())
			return
		}
		again, err := ParseTime(got.Format(time.RFC3339Nano))
		require.NoError(t, err)
		require.True(t, got.Equal(again))
		// What is read strictly by the standard library is read the same.
		if standard, err := time.Parse(time.RFC3339Nano, s); err == nil {
			require.True(t, standard.Equal(got))
		}
	})
}
