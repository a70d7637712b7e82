package entitlement

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever a record looks like, every violation has a message and a hint, each
// on one line.
func TestEveryViolationHasAHint(t *testing.T) {
	t.Parallel()
	text := rapid.SampledFrom([]string{"", "x", "a\nb", "nova-music", "nova-basik", "bundel", "REVOKED", "FRAUD", "SUSPENDED_CANCEL", strings.Repeat("y", 300)})
	date := func(rt *rapid.T, name string) *time.Time {
		if rapid.Bool().Draw(rt, name) {
			return at(rapid.IntRange(-5, 2).Draw(rt, name+" day"))
		}
		return nil
	}
	rapid.Check(t, func(rt *rapid.T) {
		r := &Record{
			ExternalEntitlementID: text.Draw(rt, "id"), EntitlementID: text.Draw(rt, "target's id"), CustomerIdentifier: text.Draw(rt, "customer"),
			MerchantAccountKey: text.Draw(rt, "merchant"), ProductKey: text.Draw(rt, "product"), OfferKey: text.Draw(rt, "offer"),
			Status:      rapid.SampledFrom(append(AllStatuses(), "", "active", "GONE")).Draw(rt, "status"),
			DateCreated: date(rt, "created"), DateActivated: date(rt, "activated"), DateSuspended: date(rt, "suspended"),
			DateResumed: date(rt, "resumed"), DateEnded: date(rt, "ended"), DateExpiry: date(rt, "expiry"),
			ReasonCategory: text.Draw(rt, "category"), ReasonCode: text.Draw(rt, "code"), ReasonDescription: text.Draw(rt, "description"),
			NotificationURL: text.Draw(rt, "URL"), MerchantEntitlementID: text.Draw(rt, "merchant's id"),
		}
		rules := route()
		rules.Statuses, rules.Actions = rules.Statuses[:rapid.IntRange(0, 6).Draw(rt, "statuses")], rules.Actions[:rapid.IntRange(0, 4).Draw(rt, "actions")]
		rules.RequiredFields = []string{FieldOfferKey, FieldNotificationURL, "sharedCustomerId"}
		for _, v := range append(Validate(r, now), CheckRoute(r, rules)...) {
			require.NotEmpty(rt, v.Message, v.Code)
			require.NotEmpty(rt, v.Hint, "%s: %s", v.Code, v.Message)
			require.NotContains(rt, v.Message+v.Hint, "\n")
		}
	})
}

func TestOrderHint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status Status
		change func(*Record)
		want   string
	}{
		"ended before created":     {Cancelled, func(r *Record) { r.DateActivated, r.DateEnded = nil, at(-101) }, "it ends before it starts"},
		"ended before active":      {Revoked, func(r *Record) { r.DateEnded = at(-95) }, "it ends before it starts"},
		"ended before suspended":   {Revoked, func(r *Record) { r.DateSuspended = at(-1) }, "it ends before it is suspended"},
		"active before created":    {Active, func(r *Record) { r.DateActivated = at(-101) }, "it is active before it is created"},
		"suspended before active":  {Suspended, func(r *Record) { r.DateSuspended = at(-95) }, "it is suspended before it starts"},
		"resumed before created":   {Active, func(r *Record) { r.DateResumed = at(-101) }, "it is resumed before it starts"},
		"resumed before suspended": {Active, func(r *Record) { r.DateSuspended, r.DateResumed = at(-10), at(-20) }, "were the two dates swapped?"},
		"resumed since":            {Suspended, func(r *Record) { r.DateResumed = at(-1) }, "the status is ACTIVE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(t, c.status)
			c.change(r)
			vs := Validate(r, now)
			require.Len(t, vs, 1)
			require.Equal(t, CodeDateOrder, vs[0].Code)
			require.Contains(t, vs[0].Hint, c.want)
		})
	}
}

func TestReasonHint(t *testing.T) {
	t.Parallel()
	for given, want := range map[reason]string{
		{"REVOKED", "FRAUDD"}:                 "did you mean FRAUD?",
		{"REVOKED", "NOT_RENEWED"}:            "use one of ACCOUNT_TERMINATED, SUSPEND_TERMINATED, ",
		{"CUSTOMER_CANCELED", "NOT_RENEWED"}:  "did you mean CUSTOMER_CANCELLED/NOT_RENEWED?",
		{"revoked", "fraud"}:                  "did you mean REVOKED/FRAUD?",
		{"SOMETHING", "THAT NOBODY KNOWS OF"}: "reasonCategory is CUSTOMER_CANCELLED or REVOKED",
	} {
		r := record(t, Revoked)
		r.ReasonCategory, r.ReasonCode = given.category, given.code
		vs := Validate(r, now)
		require.Len(t, vs, 1)
		require.Contains(t, vs[0].Hint, want)
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()
	known := strings.Fields("one two three four five six seven eight nine ten")
	require.Equal(t, "did you mean seven? case and spelling count", choice("sevn", known, ""))
	require.Equal(t, "use one of one, two, three, four, five, six, seven, eight or 2 others", choice("million", known, ""))
	require.Equal(t, "use one of one, two", choice("million", known[:2], ""))
	require.Equal(t, "use one", choice("million", known[:1], ""))
	require.Equal(t, "there are none", choice("million", nil, "there are none"))
}

func TestDateHint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2024-05-31":                      "add a time and a zone",
		"2024-05-31 09:30:00Z":            "write a T between day and time",
		"2024-05-31t09:30:00Z":            "T and Z are capitals",
		"2024-05-31T09:30:00z":            "T and Z are capitals",
		"2024-05-31T09:30:00 CET":         "after the time comes Z or an offset",
		"2024-05-31T09:30:00.1234567890Z": "at most nine digits",
		" 2024-05-31T09:30:00Z":           "remove the blanks",
		"1717147800":                      "digits alone are no date",
		"31.05.2024":                      "write the year first",
		"31/05/2024 09:30":                "write the year first",
		"31-05-2024":                      "write the year first",
		"yesterday":                       "write it as in 2024-05-31T09:30:00Z",
		"2024-05-31T09:30:00":             "end it with Z for UTC",
		"2024-02-30T09:30:00Z":            "check the day of the month",
	} {
		_, err := ParseTime(text)
		require.Error(t, err, text)
		require.Contains(t, DateHint(text, err), want, text)
	}
}

// A hint is made of the text's outline, never of the text.
func TestDateHintRepeatsNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[0-9]{0,4}[-./ ]?SECRET[0-9T:Z ]{0,60}`).Draw(rt, "text")
		_, err := ParseTime(text)
		require.Error(rt, err)
		hint := DateHint(text, err)
		require.NotEmpty(rt, hint)
		require.NotContains(rt, hint, "SECRET")
		require.NotEmpty(rt, DateHint(text, errors.New("of another kind")))
	})
}
