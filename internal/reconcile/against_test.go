package reconcile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// fleet is a migration with the report that the platform would make of it.
type fleet struct {
	records []Migrated
	there   []entitlement.Entitlement
	updated []time.Time
	opened  int
	chunk   int
	given   Contents
	rows    map[string]string // by external id
}

func newFleet(t *testing.T, statuses ...entitlement.Status) *fleet {
	t.Helper()
	f := &fleet{given: Everything, rows: map[string]string{}}
	for i, s := range statuses {
		b := setup(t, s)
		name := fmt.Sprintf("ext-%d", i)
		b.record.ExternalEntitlementID, b.outcome.ExternalEntitlementID, b.outcome.Record = name, name, i+1
		b.outcome.EntitlementID, b.there.EntitlementID = id(i), strings.ToUpper(id(i))
		f.records = append(f.records, Migrated{b.record, b.outcome})
		f.there, f.updated = append(f.there, b.there), append(f.updated, now)
	}
	return f
}

func everyStatus(n int) []entitlement.Status {
	return slices.Concat(slices.Repeat([][]entitlement.Status{entitlement.AllStatuses()}, n)...)
}

func cell(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(reportDate)
}

// report writes the report, in an order of its own.
func (f *fleet) report() []byte {
	rows := make([]string, 0, len(f.there))
	for i, e := range f.there {
		suspended := e.DateSuspended
		if e.Status != entitlement.Suspended {
			suspended = nil
		}
		updated := f.updated[i]
		customer, _ := charmap.Windows1252.NewEncoder().String(e.CustomerIdentifier)
		rows = append(rows, strings.Join([]string{
			customer, e.EntitlementID, string(e.Status), e.MerchantAccountKey, "", e.ProductKey, "", cell(e.DateCreated),
			cell(e.DateActivated), cell(suspended), cell(e.DateExpiry), cell(&updated), cell(e.DateEnded), "", "",
		}, ",")+"\r\n")
	}
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return []byte(header + strings.Join(rows, ""))
}

func (f *fleet) all() iter.Seq2[Migrated, error] {
	return func(yield func(Migrated, error) bool) {
		for _, m := range f.records {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (f *fleet) compare(body []byte) (migration.Correlation, migration.ReportCounts, error) {
	return Against(Comparison{
		Records: f.all(), Contents: f.given, Now: now, chunk: f.chunk,
		Open: func() (io.ReadCloser, error) { f.opened++; return io.NopCloser(bytes.NewReader(body)), nil },
		Row:  func(d migration.Difference) error { f.rows[d.ExternalEntitlementID] = d.Result; return nil },
	})
}

func TestAgainstAReportThatAgrees(t *testing.T) {
	t.Parallel()
	f := newFleet(t, everyStatus(3)...)
	f.records[4].Record.DateSuspended, f.records[4].Record.DateResumed = ago(40), ago(30) // history, which a report leaves out
	sum, counts, err := f.compare(f.report())
	require.NoError(t, err)
	require.Zero(t, sum.Different(), "%+v", sum.Differences)
	require.Equal(t, migration.ByGroup{Pending: 3, Active: 6, Suspended: 3, Terminated: 6}, sum.Expected)
	require.Equal(t, sum.Expected, sum.Found)
	require.Equal(t, migration.ReportCounts{Rows: 18}, counts)
	require.Equal(t, 1, f.opened)
}

func TestAgainstAReportThatDiffers(t *testing.T) {
	t.Parallel()
	f := newFleet(t, slices.Repeat([]entitlement.Status{entitlement.Active}, 9)...)
	f.there[1].ProductKey = "x"
	f.there[2].CustomerIdentifier = "x"
	f.there[3].Status, f.there[3].DateEnded = entitlement.Cancelled, ago(1)
	f.there[4].Status, f.there[4].DateSuspended = entitlement.Suspended, ago(1)
	f.there[5].DateActivated = new(f.there[5].DateActivated.Add(-time.Second))
	f.there[6].EntitlementID = id(100) // somebody else's
	f.there[7].DateEnded, f.there[7].ProductKey = ago(1), "x"
	want := map[string]string{
		"ext-0": same, "ext-1": "Error: ProductKey is different", "ext-2": "Error: CustomerIdentifier is different", "ext-3": status,
		"ext-4": status, "ext-5": "Error: DateActivated is different", "ext-6": migrationfile.CorrelationMissing, "ext-7": many, "ext-8": same,
	}
	for _, chunk := range []int{0, 1, 2, 4, 9, 10} {
		f.chunk, f.opened, f.rows = chunk, 0, map[string]string{}
		sum, counts, err := f.compare(f.report())
		require.NoError(t, err)
		require.Equal(t, want, f.rows)
		require.Equal(t, []int{9, 7, 7, 0}, []int{sum.Checked, sum.Differing, sum.Different(), sum.Extra})
		require.Equal(t, migration.ReportCounts{Rows: 9, Others: 1}, counts)
		if chunk > 0 {
			require.Equal(t, (9+chunk-1)/chunk, f.opened)
		}
	}
}

// What a report need not have is no difference; what it has is compared.
func TestAgainstReportsOfAPart(t *testing.T) {
	t.Parallel()
	for contents, want := range map[Contents]struct{ checked, missing, beyond int }{
		Everything: {6, 5, 0}, ActiveOnes: {2, 1, 4}, Changes: {1, 0, 5},
	} {
		f := newFleet(t, everyStatus(1)...)
		f.there, f.given = f.there[1:2], contents // an ACTIVE one alone
		sum, counts, err := f.compare(f.report())
		require.NoError(t, err)
		require.Equal(t, want.checked, sum.Checked, contents)
		require.Equal(t, want.missing, sum.Different(), contents)
		require.Equal(t, want.beyond, counts.Beyond, contents)
	}
	f := newFleet(t, entitlement.Suspended, entitlement.Active)
	f.given = ActiveOnes
	f.there[0].Status, f.there[0].DateSuspended = entitlement.Active, nil // resumed since
	f.records[1].Record.DateExpiry = ago(1)                               // run out
	f.there = f.there[:1]
	sum, counts, err := f.compare(f.report())
	require.NoError(t, err)
	require.Equal(t, []int{1, 1, 1}, []int{sum.Checked, sum.Different(), counts.Beyond})
	require.Equal(t, map[string]string{"ext-0": status}, f.rows)
}

// In a report of events the latest row of an entitlement counts.
func TestAgainstAReportOfEvents(t *testing.T) {
	t.Parallel()
	f := newFleet(t, entitlement.Active)
	old := f.there[0]
	old.Status, old.ProductKey = entitlement.Pending, "x"
	f.there = append(f.there, old, old)
	f.updated = append(f.updated, now.Add(-time.Hour), now.Add(-2*time.Hour))
	sum, counts, err := f.compare(f.report())
	require.NoError(t, err)
	require.Zero(t, sum.Different())
	require.Equal(t, migration.ReportCounts{Rows: 3}, counts)
}

func TestAgainstEndsWithItsErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	f := newFleet(t, entitlement.Active)
	_, _, err := f.compare([]byte("a,b\n"))
	require.ErrorContains(t, err, "it lacks the columns")
	c := Comparison{
		Records: f.all(), Contents: Everything, Now: now,
		Open: func() (io.ReadCloser, error) { return nil, broken }, Row: func(migration.Difference) error { return nil },
	}
	_, _, err = Against(c)
	require.ErrorIs(t, err, broken)
	c.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.report())), nil }
	c.Row = func(migration.Difference) error { return broken }
	_, _, err = Against(c)
	require.ErrorIs(t, err, broken)
	c.Records = func(yield func(Migrated, error) bool) { yield(Migrated{}, broken) }
	_, _, err = Against(c)
	require.ErrorIs(t, err, broken)
	f.records = nil
	_, _, err = f.compare([]byte("a,b\n"))
	require.Error(t, err, "a wrong report is told even if there is nothing to compare")
}

// BenchmarkAgainst compares a hundred thousand records; what is held at once is
// that of one chunk.
func BenchmarkAgainst(b *testing.B) {
	const records = 100_000
	f := &fleet{given: Everything, rows: map[string]string{}}
	var body bytes.Buffer
	body.WriteString(header)
	for i := range records {
		fmt.Fprintf(&body, "customer-%d,%s,Active,nova-music,,nova-basic,,01/01/2024 00:00:00,02/01/2024 00:00:00,,,03/01/2024 00:00:00,,,\r\n", i, id(i))
	}
	all := func(yield func(Migrated, error) bool) {
		for i := range records {
			line := fmt.Sprintf(`{"externalEntitlementId":"ext-%d","customerIdentifier":"customer-%d","merchantAccountKey":"nova-music",`+
				`"productKey":"nova-basic","status":"ACTIVE","dateCreated":"2024-01-01T00:00:00Z","dateActivated":"2024-01-02T00:00:00Z",`+
				`"extensionData":{"filler":"%0400d"}}`, i, i, i)
			r, err := migrationfile.Decode([]byte(line))
			o := migration.Outcome{Record: i + 1, ExternalEntitlementID: r.ExternalEntitlementID, Fate: migration.Migrated, EntitlementID: id(i)}
			if !yield(Migrated{r, o}, err) {
				return
			}
		}
	}
	for _, chunk := range []int{5_000, chunkRecords} {
		b.Run(fmt.Sprint(chunk), func(b *testing.B) {
			b.SetBytes(int64(body.Len()))
			for b.Loop() {
				var peak uint64
				n := 0
				sum, _, err := Against(Comparison{
					Records: all, Contents: f.given, Now: now, chunk: chunk,
					Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body.Bytes())), nil },
					Row: func(migration.Difference) error {
						if n++; n%20_000 == 0 {
							var m runtime.MemStats
							runtime.ReadMemStats(&m)
							peak = max(peak, m.HeapAlloc-uint64(body.Len()))
						}
						return nil
					},
				})
				require.NoError(b, err)
				require.Zero(b, sum.Different())
				b.ReportMetric(float64(peak)/(1<<20), "MiB-heap")
			}
		})
	}
}
