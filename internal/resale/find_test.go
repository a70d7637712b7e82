package resale

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// sample is a sound item of a report, changed; a nil value takes a field away.
func sample(external string, changes map[string]any) string {
	item := map[string]any{
		"entitlementId": "id-of-" + external, "externalEntitlementId": external, "status": "ACTIVE",
		"customerIdentifier": "cust-4711", "merchantAccountKey": "nova-music", "productKey": "nova-basic",
		"dateCreated": "2024-01-01T00:00:00Z",
	}
	for field, value := range changes {
		item[field] = value
		if value == nil {
			delete(item, field)
		}
	}
	body, err := json.Marshal(item)
	if err != nil {
		panic(err)
	}
	return string(body)
}

func report(items ...string) string {
	return `{"responseCode":"OK","responseMessage":"","nextPage":null,"entitlements":[` + strings.Join(items, ",") + `]}`
}

func with(field string, value any) map[string]any { return map[string]any{field: value} }

var null = json.RawMessage("null")

// Whatever an item of another's holds, those that were asked for are read.
func TestItemsThatNobodyAskedForArePassedOver(t *testing.T) {
	t.Parallel()
	for name, odd := range map[string]string{
		"null":                    `null`,
		"a text":                  `"ext-1"`,
		"a number":                `1`,
		"a list":                  `["ext-1"]`,
		"an empty object":         `{}`,
		"unknown status":          sample("ext-9", with("status", "ASLEEP")),
		"no customer":             sample("ext-9", with("customerIdentifier", null)),
		"no id":                   sample("ext-9", with("entitlementId", nil)),
		"no external id":          sample("ext-9", with("externalEntitlementId", nil)),
		"null as external id":     sample("ext-9", with("externalEntitlementId", null)),
		"empty external id":       sample("", nil),
		"object as external id":   sample("ext-9", with("externalEntitlementId", map[string]any{"id": "ext-1"})),
		"another merchant's":      sample("ext-1", map[string]any{"merchantAccountKey": "other", "entitlementId": "another"}),
		"everything of odd types": `{"entitlementId":[],"externalEntitlementId":"ext-9","status":{},"dateCreated":7,"pendingAction":3}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := setup(t, says(200, report(odd, sample("ext-1", nil), odd, sample("ext-2", nil))))
			found, err := c.Find(t.Context(), "nova-music", []string{"ext-1", "ext-2", "ext-3"})
			require.NoError(t, err)
			require.Len(t, found, 2)
			for i, id := range []string{"ext-1", "ext-2"} {
				require.Equal(t, id, found[i].ExternalEntitlementID)
				require.Equal(t, "id-of-"+id, found[i].EntitlementID)
				require.Empty(t, found[i].Odd)
			}
		})
	}
}

// An item of an id that was asked is given with what isn't understood of it,
// and no value of the customer's is told.
func TestAnItemThatIsNotUnderstoodSaysWhy(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]map[string]any{
		"status is ASLEEP, which is none of the platform's":         with("status", "ASLEEP"),
		"status is none of the platform's":                          with("status", "jane@example.com"),
		"status is null":                                            with("status", null),
		"status is missing":                                         with("status", nil),
		"status is empty":                                           with("status", ""),
		"status is a number and no text":                            with("status", 3),
		"customerIdentifier is null":                                with("customerIdentifier", null),
		"customerIdentifier is a number and no text":                with("customerIdentifier", 4711),
		"productKey is a list and no text":                          with("productKey", []string{"nova-basic"}),
		"merchantAccountKey is missing":                             with("merchantAccountKey", nil),
		"entitlementId is missing":                                  with("entitlementId", nil),
		"entitlementId is an object and no text":                    with("entitlementId", map[string]any{}),
		"offerKey is true or false and no text":                     with("offerKey", true),
		"dateCreated is no date-time":                               with("dateCreated", "2024-13-45"),
		"dateActivated is no date-time":                             with("dateActivated", 1704067200),
		"dateSuspended is no date-time":                             with("dateSuspended", ""),
		"pendingAction is a number and no text":                     with("pendingAction", 1),
		"status is a number and no text, dateEnded is no date-time": {"status": 1, "dateEnded": false},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			c := setup(t, says(200, report(sample("ext-1", change), sample("ext-2", nil))))
			found, err := c.Find(t.Context(), "nova-music", []string{"ext-1", "ext-2"})
			require.NoError(t, err)
			require.Len(t, found, 2)
			require.Equal(t, want, found[0].WhyOdd())
			require.Empty(t, found[1].Odd)
			require.NotContains(t, found[0].WhyOdd(), "jane")
		})
	}
	c := setup(t, says(200, report(sample("x", with("externalEntitlementId", 4711)))))
	found, err := c.Find(t.Context(), "nova-music", []string{"4711"})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "externalEntitlementId is a number and no text", found[0].WhyOdd())
}

// What Ferry doesn't look at may be of any kind.
func TestFieldsThatFerryDoesNotReadMayBeOdd(t *testing.T) {
	t.Parallel()
	c := setup(t, says(200, report(sample("ext-1", map[string]any{
		"extensionData": 5, "activationCode": []int{1}, "dateLastUpdated": "now", "notificationUrl": 1, "new": null, "offerKey": null,
	}))))
	found, err := c.Find(t.Context(), "nova-music", []string{"ext-1"})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Empty(t, found[0].Odd)
}

func TestAnItemThatComesTwiceIsOne(t *testing.T) {
	t.Parallel()
	c := setup(t, says(200, report(
		sample("ext-1", nil), sample("ext-1", map[string]any{"status": "SUSPENDED", "entitlementId": "ID-of-ext-1"}),
		sample("ext-1", with("entitlementId", "another")),
	)))
	found, err := c.Find(t.Context(), "nova-music", []string{"ext-1"})
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, entitlement.Suspended, found[0].Status, "what was read last holds")
}

// A target that folds ids answers under one that is like what was asked: the
// caller decides what that means.
func TestIdsThatAreAlikeAreGiven(t *testing.T) {
	t.Parallel()
	c := setup(t, says(200, report(
		sample("ext-1", nil), sample(" EXT-1 ", nil), sample("EXT-11", nil),
		sample("Ext-1", map[string]any{"merchantAccountKey": "Nova-Music", "entitlementId": "folded"}),
	)))
	found, err := c.Find(t.Context(), "nova-music", []string{"Ext-1"})
	require.NoError(t, err)
	require.Len(t, found, 3)
}

// Pages that lie end in a fault that says so, after a bounded number of calls.
func TestPagesThatLie(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		next string
		want string
	}{
		"the same page": {"1", "its pages go backwards"},
		"backwards":     {"-3", "its pages go backwards"},
		"for ever":      {"%d", "it has too many pages"},
		"a text":        {`"2"`, "it is no list of entitlements"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			target := setup(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				next := c.next
				if strings.Contains(next, "%d") {
					next = fmt.Sprintf(next, calls+1)
				}
				says(200, `{"responseCode":"OK","responseMessage":"","total":-1,"nextPage":`+next+`,"entitlements":[`+sample("ext-9", nil)+`]}`)(w, r)
			}))
			_, err := target.Find(t.Context(), "nova-music", []string{"ext-1"})
			f := faultOf(t, err)
			require.Equal(t, fault.CodeUnexpected, f.Code)
			require.Contains(t, f.Message, c.want)
			require.LessOrEqual(t, calls, findPages)
		})
	}
}

// The answer to a read of one entitlement is as odd as its item in a report.
func TestGetOfAnOddEntitlement(t *testing.T) {
	t.Parallel()
	for want, body := range map[string]string{
		"status is ASLEEP, which is none of the platform's": strings.Replace(good, "PENDING", "ASLEEP", 1),
		"customerIdentifier is null":                        strings.Replace(good, `"cust-4711"`, "null", 1),
		"dateCreated is no date-time":                       strings.Replace(good, "2024-01-01T00:00:00Z", "yesterday", 1),
	} {
		c := setup(t, says(200, body))
		got, err := c.Get(t.Context(), entitlementID)
		require.NoError(t, err)
		require.Equal(t, want, got.WhyOdd())
		for call, err := range everyWrite(t, c) {
			f := faultOf(t, err)
			require.Equal(t, verdict{fault.Retryable, fault.CodeUnexpected, true, 0}, judged(t, err), call)
			require.Contains(t, f.Message, want)
		}
	}
}
