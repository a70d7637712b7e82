package reconcile

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

const (
	same   = migrationfile.CorrelationOK
	status = "Error: Status is different"
	many   = "Error: Multiple differences"
)

func TestWhatIsAsItShouldBe(t *testing.T) {
	t.Parallel()
	for _, s := range entitlement.AllStatuses() {
		v := setup(t, s).judge()
		require.Equal(t, entitlement.StatusGroup(s), v.Due)
		require.Equal(t, v.Due, v.Found)
		require.Equal(t, []migration.Difference{{Record: 1, ExternalEntitlementID: "ext-1", EntitlementID: id(1), Result: same}}, v.Rows)
		require.True(t, v.Same() && v.AsLeft())
	}
}

func TestWordsForWhatDiffers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bundle)
		result string
		fields []string
	}{
		"missing":  {func(b *bundle) { b.there = entitlement.Entitlement{} }, migrationfile.CorrelationMissing, []string{"missing"}},
		"product":  {func(b *bundle) { b.there.ProductKey = "x" }, "Error: ProductKey is different", []string{"productKey"}},
		"customer": {func(b *bundle) { b.there.CustomerIdentifier = "x" }, "Error: CustomerIdentifier is different", []string{"customerIdentifier"}},
		"offer":    {func(b *bundle) { b.there.OfferKey = "x" }, "Error: OfferKey is different", []string{"offerKey"}},
		"suspended": {
			func(b *bundle) { b.there.Status, b.there.DateSuspended = entitlement.Suspended, ago(1) }, status,
			[]string{"status", "dateSuspended"},
		},
		"ended":        {func(b *bundle) { b.there.Status, b.there.DateEnded = entitlement.Cancelled, ago(1) }, status, []string{"status", "dateEnded"}},
		"failed":       {func(b *bundle) { b.there.Status = "FAILED" }, status, []string{"status"}},
		"further back": {func(b *bundle) { b.there.Status = entitlement.Pending }, status, []string{"status"}},
		"activated":    {func(b *bundle) { b.there.DateActivated = ago(79) }, "Error: DateActivated is different", []string{"dateActivated"}},
		"created":      {func(b *bundle) { b.there.DateCreated = nil }, "Error: DateCreated is different", []string{"dateCreated"}},
		"resumed":      {func(b *bundle) { b.there.DateResumed = ago(1) }, "Error: DateResumed is different", []string{"dateResumed"}},
		"another":      {func(b *bundle) { b.there.EntitlementID = id(2) }, "Error: EntitlementId is different", []string{"entitlementId"}},
		"two": {
			func(b *bundle) { b.there.ProductKey, b.there.CustomerIdentifier = "x", "y" }, many,
			[]string{"customerIdentifier", "productKey"},
		},
		"status and product": {func(b *bundle) { b.there.Status, b.there.ProductKey = entitlement.Revoked, "x" }, many, []string{"productKey", "status"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, entitlement.Active)
			c.change(b)
			v := b.judge()
			require.Len(t, v.Rows, 1)
			require.Equal(t, c.result, v.Rows[0].Result)
			require.Equal(t, c.fields, v.Rows[0].Fields)
			require.Equal(t, id(1), v.Rows[0].EntitlementID, "the one that the run knows")
			require.Equal(t, entitlement.GroupActive, v.Due)
			require.Equal(t, entitlement.StatusGroup(b.there.Status), v.Found)
			require.False(t, v.Same())
			var sum migration.Correlation
			v.Count(&sum)
			require.Equal(t, []int{1, 1, 0, 1}, []int{sum.Checked, sum.Differing, sum.Extra, sum.Different()})
		})
	}
}

func TestExtraEntitlementsAreNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, entitlement.Active)
	b.found = []entitlement.Entitlement{b.besides(7), b.besides(8)}
	v := b.judge()
	var rows [][2]string
	for _, r := range v.Rows {
		rows = append(rows, [2]string{r.EntitlementID, r.Result})
	}
	require.Equal(t, [][2]string{{id(1), same}, {id(7), migrationfile.CorrelationExtra}, {id(8), migrationfile.CorrelationExtra}}, rows)
	var sum migration.Correlation
	v.Count(&sum)
	require.Equal(t, []int{1, 0, 2, 2}, []int{sum.Checked, sum.Differing, sum.Extra, sum.Different()})
	require.Equal(t, migration.ByGroup{Active: 1}, sum.Found, "those besides are in no count of ours")

	b.there.EntitlementID = id(9) // of three strangers it is the one that looks like the record
	v = b.judge()
	require.Equal(t, "Error: EntitlementId is different", v.Rows[0].Result)
	require.Len(t, v.Rows, 3)
}

// Statuses move by themselves.
func TestStatusesThatMoveByThemselves(t *testing.T) {
	t.Parallel()
	ended := func(b *bundle, s entitlement.Status, at *time.Time) { b.there.Status, b.there.DateEnded = s, at }
	for name, c := range map[string]struct {
		status     entitlement.Status
		change     func(*bundle)
		due, found string
		result     string
	}{
		"an end that has passed": {entitlement.ActiveEnding, func(b *bundle) {
			b.record.DateEnded = ago(1)
			ended(b, entitlement.Cancelled, ago(1))
		}, entitlement.GroupTerminated, entitlement.GroupTerminated, same},
		"an end that the platform's clock has not reached": {entitlement.ActiveEnding, func(b *bundle) {
			b.record.DateEnded, b.there.DateEnded = ago(0), ago(0)
			b.record.DateEnded = new(now)
			b.there.DateEnded = new(now)
		}, entitlement.GroupTerminated, entitlement.GroupActive, same},
		"an end that is to come": {
			entitlement.ActiveEnding, func(b *bundle) { ended(b, entitlement.Cancelled, ago(1)) },
			entitlement.GroupActive, entitlement.GroupTerminated, status,
		},
		"run out and ended": {entitlement.Active, func(b *bundle) {
			b.record.DateExpiry, b.there.DateExpiry = ago(3), ago(3)
			ended(b, entitlement.Cancelled, ago(3))
		}, entitlement.GroupTerminated, entitlement.GroupTerminated, same},
		"run out and revoked a day later": {entitlement.Suspended, func(b *bundle) {
			b.record.DateExpiry, b.there.DateExpiry = ago(3), ago(3)
			ended(b, entitlement.Revoked, ago(2))
		}, entitlement.GroupTerminated, entitlement.GroupTerminated, same},
		"run out and left alone": {
			entitlement.Active, func(b *bundle) { b.record.DateExpiry, b.there.DateExpiry = ago(3), ago(3) },
			entitlement.GroupActive, entitlement.GroupActive, same,
		},
		"run out but ended before": {entitlement.Active, func(b *bundle) {
			b.record.DateExpiry, b.there.DateExpiry = ago(3), ago(3)
			ended(b, entitlement.Cancelled, ago(4))
		}, entitlement.GroupActive, entitlement.GroupTerminated, status},
		"run out but ended a moment before": {entitlement.Active, func(b *bundle) {
			b.record.DateExpiry, b.there.DateExpiry = ago(3), ago(3)
			ended(b, entitlement.Cancelled, new(ago(3).Add(-time.Millisecond)))
		}, entitlement.GroupActive, entitlement.GroupTerminated, status},
		"run out and ended in the same instant, kept more coarsely": {entitlement.Active, func(b *bundle) {
			b.record.DateExpiry, b.there.DateExpiry = new(ago(3).Add(time.Microsecond)), ago(3)
			ended(b, entitlement.Cancelled, ago(3))
		}, entitlement.GroupTerminated, entitlement.GroupTerminated, same},
		"not run out yet and ended nobody knows when": {entitlement.Active, func(b *bundle) {
			b.record.DateExpiry, b.there.DateExpiry = ago(-3), ago(-3)
			ended(b, entitlement.Cancelled, nil)
		}, entitlement.GroupActive, entitlement.GroupTerminated, status},
		"not run out yet and ended as if it had": {entitlement.Active, func(b *bundle) {
			b.record.DateExpiry, b.there.DateExpiry = ago(-3), ago(-3)
			ended(b, entitlement.Cancelled, ago(-3))
		}, entitlement.GroupActive, entitlement.GroupTerminated, status},
		"run out and ended nobody knows when": {entitlement.Active, func(b *bundle) {
			b.record.DateExpiry, b.there.DateExpiry = ago(3), ago(3)
			ended(b, entitlement.Cancelled, nil)
		}, entitlement.GroupTerminated, entitlement.GroupTerminated, same},
		"runs out now": {entitlement.Active, func(b *bundle) {
			b.record.DateExpiry, b.there.DateExpiry = new(now), new(now)
			ended(b, entitlement.Cancelled, new(now))
		}, entitlement.GroupTerminated, entitlement.GroupTerminated, same},
		"run out, and another product": {entitlement.Active, func(b *bundle) {
			b.record.DateExpiry, b.there.DateExpiry, b.there.ProductKey = ago(3), ago(3), "x"
			ended(b, entitlement.Cancelled, ago(3))
		}, entitlement.GroupTerminated, entitlement.GroupTerminated, "Error: ProductKey is different"},
		"not run out yet": {entitlement.Active, func(b *bundle) {
			b.record.DateExpiry, b.there.DateExpiry = ago(-3), ago(-3)
			ended(b, entitlement.Cancelled, ago(0))
		}, entitlement.GroupActive, entitlement.GroupTerminated, status},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, c.status)
			c.change(b)
			v := b.judge()
			require.Equal(t, c.result, v.Rows[0].Result)
			require.Equal(t, c.due, v.Due)
			require.Equal(t, c.found, v.Found)
		})
	}
}

// Of what was not migrated only the unexpected is told.
func TestWhatWasNotMigrated(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*bundle)
		rows     []string
		since    bool
		laterToo bool // the same after the run
	}{
		"not there":       {func(b *bundle) { b.there = entitlement.Entitlement{} }, nil, false, true},
		"there, done":     {func(b *bundle) { b.outcome.EntitlementID = "" }, []string{same}, true, true},
		"partial":         {func(b *bundle) { b.there.Status = entitlement.Pending }, nil, false, true},
		"partial, done":   {func(*bundle) {}, []string{same}, true, true},
		"somebody else's": {func(b *bundle) { b.outcome.EntitlementID, b.there.ProductKey = "", "x" }, []string{migrationfile.CorrelationExtra}, false, false},
		"half-way": {
			func(b *bundle) { b.outcome.EntitlementID, b.there.Status = "", entitlement.Pending },
			[]string{migrationfile.CorrelationExtra},
			false, false,
		},
		"known": {func(b *bundle) {
			b.outcome.EntitlementID, b.there.ProductKey, b.outcome.Code = "", "x", fault.CodeTargetDiffers
		}, nil, false, true},
		"exists already": {func(b *bundle) {
			b.outcome.EntitlementID, b.there.ProductKey, b.outcome.Code = "", "x", fault.CodeAlreadyExists
		}, nil, false, true},
		"another migration's": {func(b *bundle) {
			b.outcome.EntitlementID, b.there.Status, b.outcome.Code = "", entitlement.Pending, fault.CodeInAnotherMigration
		}, nil, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, entitlement.Active)
			b.outcome.Fate, b.outcome.Code = migration.Failed, fault.CodeTargetUnavailable
			c.change(b)
			v := b.judge()
			require.Equal(t, c.rows, results(v))
			require.Equal(t, c.since, v.Since)
			require.Empty(t, v.Due+v.Found, "it is in no count")
			require.Equal(t, len(c.rows) == 0, v.AsLeft())
			b.later = true
			later := b.judge()
			if c.laterToo {
				require.Equal(t, v, later)
			} else {
				require.Empty(t, later.Rows)
				require.True(t, later.Since, "a reload may have corrected it")
			}
		})
	}
}

// A record that was there before is held to the file as one that was migrated.
func TestAlreadyMigratedIsCheckedToo(t *testing.T) {
	t.Parallel()
	b := setup(t, entitlement.Active)
	b.outcome.Fate = migration.AlreadyMigrated
	require.Equal(t, entitlement.GroupActive, b.judge().Due)
	b.there.ProductKey = "x"
	v := b.judge()
	require.Equal(t, []string{"Error: ProductKey is different"}, results(v))
	var sum migration.Correlation
	v.Count(&sum)
	require.Equal(t, []int{1, 1, 0}, []int{sum.Checked, sum.Differing, sum.Extra})
}

func TestWhatWasNotMigratedIsCountedApart(t *testing.T) {
	t.Parallel()
	b := setup(t, entitlement.Active)
	b.outcome.Fate, b.outcome.EntitlementID = migration.Failed, ""
	var sum migration.Correlation
	v := b.judge()
	v.Count(&sum)
	require.Equal(t, []int{0, 0, 0, 1}, []int{sum.Checked, sum.Differing, sum.Extra, sum.Since}, "done since by another")

	twin := b.there
	twin.EntitlementID = id(7)
	b.found = []entitlement.Entitlement{twin}
	require.Equal(t, []string{same, migrationfile.CorrelationExtra}, results(b.judge()), "one of two that are alike is enough")

	b.found, b.there.ProductKey, sum = nil, "x", migration.Correlation{}
	v = b.judge()
	v.Count(&sum)
	require.Equal(t, []int{0, 0, 1, 0}, []int{sum.Checked, sum.Differing, sum.Extra, sum.Since}, "somebody else's is extra, not different")
}

func results(v Verdict) []string {
	var all []string
	for _, r := range v.Rows {
		all = append(all, r.Result)
	}
	return all
}
