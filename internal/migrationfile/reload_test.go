package migrationfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

const someID = "12345678-1234-1234-1234-123456789012"

func reload(t testing.TB, line, id string) string {
	t.Helper()
	var b bytes.Buffer
	w := NewReloadWriter(&b)
	require.NoError(t, w.Add([]byte(line), id))
	require.NoError(t, w.Close())
	return b.String()
}

func TestReloadKeepsRecordsAsSupplied(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		`{"b":1.50,"a":"\u00e9 \" {"}`:                       `{"entitlementId":"` + someID + `","b":1.50,"a":"\u00e9 \" {"}`,
		`{"b":1,"entitlementId":null,"a":{}}`:                `{"b":1,"entitlementId":"` + someID + `","a":{}}`,
		`{"b":1,"entitlement\u0049d":"old"}`:                 `{"b":1,"entitlement\u0049d":"` + someID + `"}`,
		`{"x":{"entitlementId":"inner"}}`:                    `{"entitlementId":"` + someID + `","x":{"entitlementId":"inner"}}`,
		`{"x":"entitlementId","entitlementId":"old"}` + "\n": `{"x":"entitlementId","entitlementId":"` + someID + `"}`,
		`{}`: `{"entitlementId":"` + someID + `"}`,
	} {
		require.Equal(t, "[\n"+want+"\n]\n", reload(t, given, someID))
		require.Equal(t, "[\n"+strings.TrimSpace(given)+"\n]\n", reload(t, given, ""))
	}
}

// A reload file is itself a migration file that keeps all but the ids.
func TestReloadIsAMigrationFile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := setup(t)
		require.Empty(rt, b.text(t, madeUp(t, GenOptions{
			Records: rapid.IntRange(1, 20).Draw(rt, "records"), Seed: rapid.Uint64().Draw(rt, "seed"),
		})).Problems)
		var file bytes.Buffer
		var want []entitlement.Record
		w := NewReloadWriter(&file)
		for line := range bytes.Lines(b.stage.Bytes()) {
			id := ""
			if rapid.Bool().Draw(rt, "partial") {
				id = fmt.Sprintf("12345678-1234-1234-1234-%012d", len(want))
			}
			r, err := Decode(line)
			require.NoError(rt, err)
			r.EntitlementID = id
			want = append(want, r)
			require.NoError(rt, w.Add(line, id))
		}
		require.NoError(rt, w.Close())
		require.Equal(rt, len(want), w.Records())

		res := b.read(t, &file)
		require.Empty(rt, res.Problems)
		var got []entitlement.Record
		for line := range bytes.Lines(b.stage.Bytes()) {
			r, err := Decode(line)
			require.NoError(rt, err)
			got = append(got, r)
		}
		require.Equal(rt, want, got)
	})
}

func TestReloadRefuses(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := NewReloadWriter(&b)
	for _, line := range []string{``, `[]`, `{"a":1`, `{"a":1}{}`, `{"a":SECRET}`, `{"SECRET`} {
		err := w.Add([]byte(line), "")
		require.Error(t, err, line)
		require.NotContains(t, err.Error(), "SECRET")
	}
	require.Error(t, w.Add([]byte(`{}`), `","x":"`))
	require.Zero(t, w.Records())
	require.NoError(t, w.Close())
	require.NoError(t, w.Close())
	require.Equal(t, "[]\n", b.String())
	require.Error(t, w.Add([]byte(`{}`), ""))

	full := NewReloadWriter(fullDisk{})
	require.NoError(t, full.Add([]byte(`{}`), ""))
	require.ErrorIs(t, full.Close(), errCable)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	line := `{"externalEntitlementId":"é\n","entitlementId":"` + someID + `","customerIdentifier":"c","merchantAccountKey":"m",` +
		`"productKey":"p","offerKey":"o","status":"REVOKED","dateCreated":"2024-01-01T01:00:00+01:00","dateExpiry":null,` +
		`"cancelReasonCategory":"REVOKED","cancelReasonCode":"SUSPENDED_CANCEL","reasonDescription":"d","notificationUrl":"u",` +
		`"entitlementDisplayName":"n","merchantEntitlementId":"i","activationCode":"a","extensionData":{"k":1.0},"colour":[]}` + "\n"
	r, err := Decode([]byte(line))
	require.NoError(t, err)
	require.Equal(t, "2024-01-01T01:00:00+01:00", r.DateCreated.Format("2006-01-02T15:04:05Z07:00"))
	r.DateCreated = nil
	require.Equal(t, entitlement.Record{
		ExternalEntitlementID: "é\n", EntitlementID: someID, CustomerIdentifier: "c", MerchantAccountKey: "m",
		ProductKey: "p", OfferKey: "o", Status: entitlement.Revoked, ReasonCategory: "REVOKED", ReasonCode: "SUSPEND_TERMINATED",
		ReasonDescription: "d", NotificationURL: "u", EntitlementDisplayName: "n", MerchantEntitlementID: "i",
		ActivationCode: "a", ExtensionData: []byte(`{"k":1.0}`),
	}, r)
	for _, bad := range []string{``, `[]`, `{"status":1}`, `{"dateCreated":"SECRET"}`, `{"a":SECRET}`, `{}{}`} {
		_, err := Decode([]byte(bad))
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "SECRET")
	}
}

// A decoded record owns its bytes.
func TestDecodeKeepsNothingOfTheLine(t *testing.T) {
	t.Parallel()
	line := []byte(`{"customerIdentifier":"abc","extensionData":"def"}`)
	r, err := Decode(line)
	require.NoError(t, err)
	for i := range line {
		line[i] = 'x'
	}
	require.Equal(t, "abc", r.CustomerIdentifier)
	require.True(t, json.Valid(r.ExtensionData))
}
