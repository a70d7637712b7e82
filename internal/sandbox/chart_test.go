package sandbox

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

var (
	past   = start.Add(-time.Hour)
	future = start.Add(time.Hour)
)

// ways lead a new entitlement to each status.
var ways = map[entitlement.Status][]struct {
	kind kind
	at   *time.Time
}{
	entitlement.Pending:      {},
	entitlement.Active:       {{kindActivate, &past}},
	entitlement.Suspended:    {{kindActivate, &past}, {kindSuspend, &past}},
	entitlement.ActiveEnding: {{kindActivate, &past}, {kindCancel, &future}},
	entitlement.Cancelled:    {{kindActivate, &past}, {kindCancel, &past}},
	entitlement.Revoked:      {{kindActivate, &past}, {kindRevoke, &past}},
}

// The whole chart: what every call makes of every status; absent is CONFLICT.
var chart = map[entitlement.Status]map[kind]entitlement.Status{
	entitlement.Pending: {
		kindActivate: entitlement.Active, kindCancel: entitlement.Cancelled, kindRevoke: entitlement.Revoked,
	},
	entitlement.Active: {
		kindSuspend: entitlement.Suspended, kindCancel: entitlement.Cancelled, kindRevoke: entitlement.Revoked,
	},
	entitlement.Suspended: {
		kindResume: entitlement.Active, kindCancel: entitlement.Cancelled, kindRevoke: entitlement.Revoked,
	},
	entitlement.ActiveEnding: {kindRevoke: entitlement.Revoked},
	entitlement.Cancelled:    {},
	entitlement.Revoked:      {},
}

func (b *bundle) at(status entitlement.Status, external string) string {
	b.t.Helper()
	made := b.create(migration(external, resaleapi.StatusACTIVE))
	require.Equal(b.t, "OK", made.Code, made.Message)
	for _, step := range ways[status] {
		require.Equal(b.t, "OK", b.call(step.kind, made.EntitlementID, step.at).Code)
	}
	require.Equal(b.t, string(status), b.get(made.EntitlementID).Status)
	return made.EntitlementID
}

func TestStateChart(t *testing.T) {
	t.Parallel()
	for status, possible := range chart {
		for _, k := range []kind{kindActivate, kindSuspend, kindResume, kindCancel, kindRevoke} {
			t.Run(string(status)+"/"+string(k), func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				id := b.at(status, "e")
				before := b.stats()
				got := b.call(k, id, &past)
				after := b.stats()
				require.Equal(t, before.Calls[string(k)]+1, after.Calls[string(k)])
				if want, ok := possible[k]; ok {
					require.Equal(t, http.StatusOK, got.HTTP)
					require.Equal(t, string(want), got.Status)
					require.Equal(t, string(want), b.get(id).Status)
					require.Equal(t, before.Effective[string(k)]+1, after.Effective[string(k)])
					require.Equal(t, int64(1), after.Entitlements[want])
					return
				}
				require.Equal(t, http.StatusConflict, got.HTTP)
				require.Equal(t, "CONFLICT", got.Code)
				require.Equal(t, string(status), b.get(id).Status)
				require.Equal(t, before.Effective, after.Effective)
				require.Equal(t, before.Rejected+1, after.Rejected)
			})
		}
	}
}

func TestActiveEndingEndsByItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.at(entitlement.ActiveEnding, "e")
	b.clock.forward(time.Hour - time.Millisecond)
	require.Equal(t, "ACTIVE-ENDING", b.get(id).Status)
	b.clock.forward(time.Millisecond)
	require.Equal(t, int64(1), b.stats().Entitlements[entitlement.Cancelled])
	got := b.get(id)
	require.Equal(t, "CANCELLED", got.Status)
	require.Equal(t, future, *got.DateEnded)
	require.Equal(t, "CONFLICT", b.call(kindRevoke, id, &past).Code)
}

func TestCancelInTheFutureEndsLater(t *testing.T) {
	t.Parallel()
	for _, status := range []entitlement.Status{entitlement.Pending, entitlement.Active, entitlement.Suspended} {
		b := setup(t)
		got := b.call(kindCancel, b.at(status, "e"), &future)
		require.Equal(t, "ACTIVE-ENDING", got.Status, status)
	}
}

func TestRevocationIsImmediate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.at(entitlement.Active, "e")
	require.Equal(t, "BAD_REQUEST", b.call(kindRevoke, id, &future).Code)
	got := b.call(kindRevoke, id, nil)
	require.Equal(t, "REVOKED", got.Status)
	require.Equal(t, start, *got.DateEnded)
}

func TestCreateKeepsAllThatItCarries(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 5*3600+30*60)
	date := func(day int) *time.Time {
		return new(time.Date(2024, 3, day, 10, 20, 30, 123_456_789, zone))
	}
	body := migration("e", resaleapi.StatusSUSPENDED)
	body.DateCreated, body.DateActivated, body.DateResumed = date(1), date(2), date(4)
	body.DateSuspended, body.DateExpiry = date(5), new(future)
	body.MerchantEntitlementID, body.EntitlementDisplayName = new("m-1"), new("Nova <Basic> & more")
	body.ActivationCode, body.NotificationURL = new("code"), new("https://n.example.com/a?b=c&d")
	body.ExtensionData = new(json.RawMessage(`{"b":[1,2.50,{"a":null}],"a":"<x>"}`))
	b := setup(t)
	made := b.create(body)
	require.Equal(t, "PENDING", made.Status)
	got := b.get(made.EntitlementID)
	require.Equal(t, "PENDING", got.Status)
	for _, pair := range [][2]*time.Time{
		{body.DateCreated, got.DateCreated},
		{body.DateActivated, got.DateActivated},
		{body.DateResumed, got.DateResumed},
		{body.DateSuspended, got.DateSuspended},
		{body.DateExpiry, got.DateExpiry},
	} {
		require.True(t, pair[0].Equal(*pair[1]), "want %v, got %v", pair[0], pair[1])
	}
	require.Nil(t, got.DateEnded)
	require.Equal(t, body.MerchantEntitlementID, got.MerchantEntitlementID)
	require.Equal(t, body.EntitlementDisplayName, got.EntitlementDisplayName)
	require.Equal(t, body.ActivationCode, got.ActivationCode)
	require.Equal(t, body.NotificationURL, got.NotificationURL)
	require.JSONEq(t, string(*body.ExtensionData), string(*got.ExtensionData))
}

func TestCreateWithoutMigrationIsActiveAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := resaleapi.CreateRequest{CustomerIdentifier: "c", MerchantAccountKey: "nova-music", ProductKey: "nova-basic"}
	got := b.create(body)
	require.Equal(t, "ACTIVE", got.Status)
	require.Equal(t, start, *got.DateActivated)
	body.DateEnded = &future
	require.Equal(t, "BAD_REQUEST", b.create(body).Code)
}

func TestCancelKeepsTheReason(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.at(entitlement.Active, "e")
	end := resaleapi.EndRequest{
		DateEnded: &past, CancelReasonCategory: new("CUSTOMER_CANCELLED"), CancelReasonCode: new("NOT_RENEWED"),
	}
	require.Equal(t, "OK", b.reply(b.raw().CancelEntitlement(t.Context(), id, nil, end)).Code)
	got := b.get(id)
	require.Equal(t, "CUSTOMER_CANCELLED", *got.CancelReasonCategory)
	require.Equal(t, "NOT_RENEWED", *got.CancelReasonCode)
}
