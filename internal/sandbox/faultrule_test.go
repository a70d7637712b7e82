package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// whole is an answer that may be no JSON.
type whole struct {
	status int
	header http.Header
	body   string
}

func (b *bundle) whole(resp *http.Response, err error) whole {
	b.t.Helper()
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return whole{resp.StatusCode, resp.Header, string(body)}
}

func (b *bundle) createWhole(external, id string) whole {
	b.t.Helper()
	params := &resaleapi.CreateEntitlementParams{XRequestIdentifier: &id}
	return b.whole(b.raw().CreateEntitlement(b.t.Context(), params, migration(external, resaleapi.StatusACTIVE)))
}

// report gives the items of a page as they came, by what they say is their
// external id.
func (b *bundle) report(externals ...string) (status int, items []map[string]any) {
	b.t.Helper()
	got := b.whole(b.raw().ReportEntitlements(b.t.Context(), resaleapi.ReportRequest{ExternalEntitlementIds: &externals}))
	var page struct {
		Entitlements []map[string]any `json:"entitlements"`
		NextPage     *int             `json:"nextPage"`
	}
	if json.Unmarshal([]byte(got.body), &page) != nil {
		return got.status, nil
	}
	require.Nil(b.t, page.NextPage)
	return got.status, page.Entitlements
}

func TestPatternsOfText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		like          bool
	}{
		{"ext-1", "ext-1", true},
		{"ext-1", "ext-10", false},
		{"ext-*", "ext-10", true},
		{"*-1*", "ext-10", true},
		{"*", "", true},
		{"a*a", "a", false},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"*../*", `{"x":"see ../terms"}`, true},
		{"*../*", `{"x":"see ./terms"}`, false},
	} {
		require.Equal(t, c.like, likeText(c.pattern, c.text), "%s %s", c.pattern, c.text)
	}
}

func TestRefusalsByIDAndByCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := map[string]string{}
	for _, external := range []string{"e-1", "e-2"} {
		ids[external] = b.create(migration(external, resaleapi.StatusACTIVE)).EntitlementID
	}
	b.faults(func(f *Faults) {
		f.Refuse = []RefuseRule{
			{Match: Match{ExternalID: "e-2", Call: "activate"}, Status: 403, Code: "LEGAL_HOLD", Message: "held"},
			{Match: Match{ExternalID: "e-2", Call: "report"}, Status: 500},
			{Match: Match{ExternalID: "e-3*", Call: "create"}, Status: 409, RetryAfter: "86400"},
		}
	})
	refused := b.call(kindActivate, ids["e-2"], &past)
	require.Equal(t, http.StatusForbidden, refused.HTTP)
	require.Equal(t, "LEGAL_HOLD", refused.Code)
	require.Equal(t, "held", refused.Message)
	require.Equal(t, "OK", b.call(kindActivate, ids["e-1"], &past).Code, "another's call isn't")
	require.Equal(t, "PENDING", b.get(ids["e-2"]).Status, "nor another call of the same")
	status, _ := b.report("e-1", "e-2")
	require.Equal(t, http.StatusInternalServerError, status, "a page with the id in it")
	status, items := b.report("e-1")
	require.Equal(t, http.StatusOK, status)
	require.Len(t, items, 1)
	made := b.create(migration("e-30", resaleapi.StatusACTIVE))
	require.Equal(t, "CONFLICT", made.Code)
	require.Equal(t, "86400", made.Header.Get("Retry-After"))
	stats := b.stats()
	require.Equal(t, int64(3), stats.Calls["create"])
	require.Equal(t, int64(2), stats.Effective["create"])
	require.Equal(t, int64(1), stats.Effective["activate"])
	require.Zero(t, stats.Rejected, "faults don't count")
}

func TestRefusalsByTextAndForSomeTimes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rule := RefuseRule{Match: Match{Body: "../", Times: 2}, Status: 403, HTML: true}
	b.faults(func(f *Faults) { f.Refuse = []RefuseRule{rule} })
	body := migration("e", resaleapi.StatusACTIVE)
	require.Equal(t, "OK", b.create(body).Code)
	body = migration("odd", resaleapi.StatusCANCELLED)
	body.EntitlementDisplayName = new("see ../terms")
	send := func() whole { return b.whole(b.raw().CreateEntitlement(t.Context(), nil, body)) }
	for range 2 {
		got := send()
		require.Equal(t, http.StatusForbidden, got.status)
		require.Contains(t, got.body, "<html>")
		b.faults(func(f *Faults) { f.LatencyMs = 1 }) // another change counts nothing anew
	}
	require.Equal(t, http.StatusOK, send().status)
	b.faults(func(f *Faults) { f.Refuse = nil })
	b.faults(func(f *Faults) { f.Refuse = []RefuseRule{rule} })
	require.Equal(t, http.StatusForbidden, send().status, "switched off and on it counts anew")
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b.faults(func(f *Faults) {
		f.Refuse = []RefuseRule{{Match: Match{Call: "echo"}, Status: 301, HTML: true, Location: "https://elsewhere.example.com/"}}
	})
	got := b.whole(b.raw().Echo(t.Context(), "x"))
	require.Equal(t, http.StatusMovedPermanently, got.status)
	require.Equal(t, "https://elsewhere.example.com/", got.header.Get("Location"))
}

func TestWritesAnsweredAsNeverByTheAPI(t *testing.T) {
	t.Parallel()
	for as, want := range map[AnswerKind]struct {
		status int
		says   string
	}{
		AnswerCreated:   {201, `"entitlementId"`},
		AnswerNoContent: {204, ""},
		AnswerEmpty:     {200, ""},
		AnswerPage:      {200, "<html>"},
		AnswerBare:      {200, `{"responseCode":"OK","responseMessage":"Success"}` + "\n"},
		AnswerOtherID:   {200, `"externalEntitlementId":"sandbox-other-id"`},
	} {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.faults(func(f *Faults) { f.WriteAnswers = []WriteAnswer{{As: as, Match: Match{ExternalID: "e-*"}}} })
			got := b.createWhole("e-1", "one")
			require.Equal(t, want.status, got.status)
			if want.says == "" {
				require.Empty(t, got.body)
			}
			require.Contains(t, got.body, want.says)
			require.Equal(t, int64(1), b.stats().Effective["create"], "it is done")
			require.Equal(t, got, again(got, b.createWhole("e-1", "one")), "and answered so from memory")
			require.Equal(t, int64(1), b.stats().Replayed)
			require.Equal(t, http.StatusConflict, b.createWhole("e-1", "two").status, "a refusal is answered as ever")
			require.Equal(t, http.StatusOK, b.createWhole("other", "three").status)
			require.Equal(t, "e-1", *b.entitlement("e-1").ExternalEntitlementID)
		})
	}
}

// again is an answer with the headers of another, where only the date differs.
func again(first, second whole) whole {
	second.header = second.header.Clone()
	second.header.Set("Date", first.header.Get("Date"))
	return second
}

// entitlement finds one by its external id in the sandbox's store.
func (b *bundle) entitlement(external string) resaleapi.Entitlement {
	b.t.Helper()
	for e, err := range b.server.Entitlements(b.t.Context(), "") {
		require.NoError(b.t, err)
		if *e.ExternalEntitlementID == external {
			return e
		}
	}
	require.Fail(b.t, "there is no entitlement", external)
	return resaleapi.Entitlement{}
}

func TestAnswersInsteadOfTheWrite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) {
		f.WriteAnswers = []WriteAnswer{{As: AnswerPage, Instead: true, Match: Match{Call: "create", Times: 1}}}
	})
	got := b.createWhole("e", "one")
	require.Equal(t, http.StatusOK, got.status)
	require.Contains(t, got.body, "<html>")
	require.Zero(t, b.stats().Effective["create"])
	require.Contains(t, b.createWhole("e", "one").body, `"entitlementId"`)
	require.Equal(t, int64(1), b.stats().Effective["create"])
	require.Zero(t, b.stats().Replayed)
}

func TestOddItemsInReports(t *testing.T) {
	t.Parallel()
	for as, check := range map[OddKind]func(*require.Assertions, map[string]any){
		OddStatus:       func(r *require.Assertions, item map[string]any) { r.Equal("SANDBOX-ODD", item["status"]) },
		OddNullCustomer: func(r *require.Assertions, item map[string]any) { r.Nil(item["customerIdentifier"]) },
		OddNoID:         func(r *require.Assertions, item map[string]any) { r.NotContains(item, "entitlementId") },
		OddWrongType:    func(r *require.Assertions, item map[string]any) { r.InDelta(7, item["productKey"], 0) },
		OddDate:         func(r *require.Assertions, item map[string]any) { r.Equal("yesterday", item["dateCreated"]) },
		OddNull:         func(r *require.Assertions, item map[string]any) { r.Nil(item) },
	} {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			odd := b.create(migration("e-1", resaleapi.StatusACTIVE)).EntitlementID
			b.create(migration("e-2", resaleapi.StatusACTIVE))
			b.faults(func(f *Faults) { f.OddItems = []OddItem{{As: as, Match: Match{ExternalID: "*-1"}}} })
			_, items := b.report("e-1", "e-2")
			require.Len(t, items, 2)
			check(require.New(t), items[0])
			require.Equal(t, "e-2", items[1]["externalEntitlementId"])
			require.Equal(t, "PENDING", items[1]["status"])
			if as != OddNull {
				got := b.whole(b.raw().GetEntitlement(t.Context(), odd))
				var item map[string]any
				require.NoError(t, json.Unmarshal([]byte(got.body), &item))
				require.Equal(t, "OK", item["responseCode"])
				check(require.New(t), item)
			}
			require.Equal(t, "e-1", *b.entitlement("e-1").ExternalEntitlementID, "what is stored is sound")
		})
	}
}

func TestItemsThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(migration("e-1", resaleapi.StatusACTIVE))
	for _, as := range []OddKind{OddNotAsked, OddNotAskedBroken} {
		b.faults(func(f *Faults) { f.OddItems = []OddItem{{As: as, Match: Match{Call: "report"}}} })
		_, items := b.report("e-1")
		require.Len(t, items, 2)
		require.Equal(t, otherID, items[0]["externalEntitlementId"])
		require.Equal(t, "e-1", items[1]["externalEntitlementId"])
		require.Equal(t, "PENDING", items[1]["status"])
	}
	require.Equal(t, int64(1), b.stats().Effective["create"])
}

func TestIDsAsTheTargetKeepsThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) { f.TrimIDs, f.FoldIDs = true, true })
	made := b.create(migration(" Ext-1 ", resaleapi.StatusACTIVE), "one")
	require.Equal(t, "ext-1", *made.ExternalEntitlementID)
	require.Equal(t, made.EntitlementID, b.create(migration(" Ext-1 ", resaleapi.StatusACTIVE), "one").EntitlementID)
	require.Equal(t, int64(1), b.stats().Replayed, "the identifier stands for what was sent")
	require.Equal(t, "ALREADY_EXISTS", b.create(migration("EXT-1", resaleapi.StatusACTIVE), "two").Code)
	_, items := b.report("eXt-1\t")
	require.Len(t, items, 1)
	b.faults(func(f *Faults) { f.TrimIDs, f.FoldIDs = false, false })
	_, items = b.report("Ext-1")
	require.Empty(t, items)
}

func TestDatesInWholeSeconds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) { f.WholeSeconds = true })
	body := migration("e", resaleapi.StatusACTIVE)
	second := body.DateCreated.Truncate(time.Second)
	body.DateCreated = new(second.Add(123_456_789))
	made := b.create(body)
	require.Equal(t, second, made.DateCreated.UTC())
	at := past.Truncate(time.Second).Add(time.Millisecond)
	require.Equal(t, at.Truncate(time.Second).UTC(), b.call(kindActivate, made.EntitlementID, &at).DateActivated.UTC())
}

func TestWritesUnderWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) { f.UnderWayRate, f.UnderWayMs = 1, int(time.Hour.Milliseconds()) })
	body := migration("e", resaleapi.StatusACTIVE)
	params := &resaleapi.CreateEntitlementParams{XRequestIdentifier: new("one")}
	resp, err := b.raw().CreateEntitlement(t.Context(), params, body)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.Error(t, err)
	require.Equal(t, "OK", b.reply(b.raw().Echo(t.Context(), "x")).Code)
	_, items := b.report("e")
	require.Empty(t, items, "it isn't done yet")
	refused := b.create(body, "one")
	require.Equal(t, "CONFLICT", refused.Code)
	require.Contains(t, refused.Message, "under way")
	stats := b.stats()
	require.Zero(t, stats.Effective["create"])
	require.Zero(t, stats.Rejected)
}

func TestWritesUnderWayAreDoneLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) { f.UnderWayRate, f.UnderWayMs = 1, 0 })
	body := migration("e", resaleapi.StatusACTIVE)
	params := &resaleapi.CreateEntitlementParams{XRequestIdentifier: new("one")}
	resp, err := b.raw().CreateEntitlement(t.Context(), params, body)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.Error(t, err)
	b.awaitCreates(1)
	b.faults(func(f *Faults) { f.UnderWayRate = 0 })
	require.Eventually(t, func() bool { return b.create(body, "one").Code == "OK" }, time.Minute, time.Millisecond)
	require.Equal(t, int64(1), b.stats().Effective["create"])
	require.Equal(t, int64(1), b.stats().Replayed)
}

func TestWritesUnderWayAreDoneBeforeTheEnd(t *testing.T) {
	t.Parallel()
	db := t.TempDir() + "/box.db"
	first := setup(t, func(o *Options) { o.DB = db })
	first.faults(func(f *Faults) { f.UnderWayRate, f.UnderWayMs = 1, int(time.Hour.Milliseconds()) })
	params := &resaleapi.CreateEntitlementParams{XRequestIdentifier: new("one")}
	resp, err := first.raw().CreateEntitlement(t.Context(), params, migration("e", resaleapi.StatusACTIVE))
	if err == nil {
		_ = resp.Body.Close()
	}
	require.Error(t, err)
	first.close()
	second := setup(t, func(o *Options) { o.DB = db })
	require.Equal(t, int64(1), second.stats().Effective["create"])
	require.Equal(t, "e", *second.entitlement("e").ExternalEntitlementID)
}

func TestRetryAfterOfAnySize(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, text := range []string{"86400", "99999999999999999999", "soon", "-5", "Sat, 21 Nov 2026 12:05:00 GMT"} {
		b.faults(func(f *Faults) { f.Outage, f.RetryAfterText = true, text })
		require.Equal(t, text, b.whole(b.raw().Echo(t.Context(), "x")).header.Get("Retry-After"))
	}
}

func TestRulesOverHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	status, answer := b.admin(http.MethodPatch, "faults", `{"refuse":[{"status":403,"call":"create","externalId":"e","times":3}],
		"writeAnswers":[{"as":"204","rate":0.5}],"oddItems":[{"as":"no-id","externalId":"x*"}]}`)
	require.Equal(t, http.StatusOK, status, answer)
	f := b.server.Faults()
	require.Equal(t, []RefuseRule{{Match: Match{Call: "create", ExternalID: "e", Times: 3}, Status: 403}}, f.Refuse)
	require.Equal(t, []WriteAnswer{{Match: Match{Rate: 0.5}, As: AnswerNoContent}}, f.WriteAnswers)
	require.Equal(t, []OddItem{{Match: Match{ExternalID: "x*"}, As: OddNoID}}, f.OddItems)

	status, answer = b.admin(http.MethodPatch, "faults", `{"refuse":[{"status":500}]}`)
	require.Equal(t, http.StatusOK, status, answer)
	require.Equal(t, []RefuseRule{{Status: 500}}, b.server.Faults().Refuse, "a list replaces the list")

	for body, says := range map[string]string{
		`{"refuse":[{"status":200}]}`:                         "refuse, no. 1: status",
		`{"refuse":[{"status":400,"call":"nap"}]}`:            "call",
		`{"refuse":[{"status":400},{"status":400,"rate":2}]}`: "refuse, no. 2: rate",
		`{"refuse":[{"status":400,"times":-1}]}`:              "times",
		`{"refuse":[{"status":400,"zip":1}]}`:                 "zip",
		`{"writeAnswers":[{"as":"205"}]}`:                     "as",
		`{"writeAnswers":[{"as":"204","call":"report"}]}`:     "call",
		`{"oddItems":[{"as":"nothing"}]}`:                     "as",
		`{"oddItems":[{"as":"no-id","call":"create"}]}`:       "call",
		`{"underWayRate":7}`:                                  "underWayRate",
	} {
		status, answer := b.admin(http.MethodPatch, "faults", body)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.Contains(t, answer, says, body)
	}
}

func TestParseRules(t *testing.T) {
	t.Parallel()
	f, err := ParseFaults("forbid=../,refuse=403:id=e-*:call=create:times=2:code=LEGAL_HOLD,refuse=301:location=x:html:message=moved:retry-after=5," +
		"answer=204:rate=0.1:instead,answer=html:call=activate,odd=no-id:id=e-1:call=report,odd=null:body=x," +
		"under-way=0.5,under-way-for=3s,trim-ids,fold-ids,whole-seconds")
	require.NoError(t, err)
	require.Equal(t, []RefuseRule{
		{Match: Match{Body: "../"}, Status: 403, HTML: true},
		{Match: Match{ExternalID: "e-*", Call: "create", Times: 2}, Status: 403, Code: "LEGAL_HOLD"},
		{Status: 301, Location: "x", HTML: true, Message: "moved", RetryAfter: "5"},
	}, f.Refuse)
	require.Equal(t, []WriteAnswer{
		{Match: Match{Rate: 0.1}, As: AnswerNoContent, Instead: true},
		{Match: Match{Call: "activate"}, As: AnswerPage},
	}, f.WriteAnswers)
	require.Equal(t, []OddItem{
		{Match: Match{ExternalID: "e-1", Call: "report"}, As: OddNoID},
		{Match: Match{Body: "x"}, As: OddNull},
	}, f.OddItems)
	require.InDelta(t, 0.5, f.UnderWayRate, 0)
	require.Equal(t, 3000, f.UnderWayMs)
	require.True(t, f.TrimIDs && f.FoldIDs && f.WholeSeconds)
	for _, spec := range []string{
		"forbid", "forbid=a:b", "refuse", "refuse=x", "refuse=200", "refuse=403:nap", "refuse=403:rate=x", "refuse=403:instead",
		"answer=205", "answer=204:html", "odd", "odd=html", "odd=no-id:times=x", "trim-ids=maybe", "under-way=2",
	} {
		_, err := ParseFaults(spec)
		require.ErrorContains(t, err, "fault", spec)
	}
}

func TestHelpNamesEveryKind(t *testing.T) {
	t.Parallel()
	for _, as := range answerKinds {
		require.Contains(t, FaultSpecHelp, string(as))
	}
	for _, as := range oddKinds {
		require.Contains(t, FaultSpecHelp, string(as))
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(oddKinds))), len(oddKinds))
	require.NotContains(t, FaultSpecHelp, "\t")
}
