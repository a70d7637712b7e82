package migrationfile

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// given is a record as a partner gives it; an empty text is a field left out.
type given struct {
	ID          string `json:"externalEntitlementId,omitzero"`
	Target      string `json:"entitlementId,omitzero"`
	Customer    string `json:"customerIdentifier,omitzero"`
	Merchant    string `json:"merchantAccountKey,omitzero"`
	Product     string `json:"productKey,omitzero"`
	Offer       string `json:"offerKey,omitzero"`
	Status      string `json:"status,omitzero"`
	Created     string `json:"dateCreated,omitzero"`
	Activated   string `json:"dateActivated,omitzero"`
	Suspended   string `json:"dateSuspended,omitzero"`
	Resumed     string `json:"dateResumed,omitzero"`
	Ended       string `json:"dateEnded,omitzero"`
	Expiry      string `json:"dateExpiry,omitzero"`
	Category    string `json:"reasonCategory,omitzero"`
	Code        string `json:"cancelReasonCode,omitzero"`
	Description string `json:"reasonDescription,omitzero"`
	URL         string `json:"notificationUrl,omitzero"`
	MerchantID  string `json:"merchantEntitlementId,omitzero"`
}

// acceptable says in other words than package entitlement which records a
// migration on route acme-nova takes.
func (g *given) acceptable(now time.Time) bool {
	oneOf := slices.Contains[[]string]
	ended := oneOf([]string{"CANCELLED", "REVOKED"}, g.Status)
	ids := []string{g.ID, g.Target, g.Customer, g.Merchant, g.Product, g.Offer, g.MerchantID}
	return g.ID != "" && g.Customer != "" && g.Merchant == "nova-music" && g.knownProduct() &&
		utf8.RuneCountInString(g.ID) <= 255 && utf8.RuneCountInString(g.Customer) <= 255 &&
		!slices.ContainsFunc(ids, func(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }) &&
		(g.Target == "" || uuid.MatchString(g.Target)) &&
		(g.Offer == "" || oneOf([]string{"bundle", "addon"}, g.Offer)) &&
		(ended || oneOf([]string{"PENDING", "ACTIVE", "ACTIVE-ENDING", "SUSPENDED"}, g.Status)) &&
		g.datesFit(now, ended) && g.reasonFits(ended) && g.urlFits()
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)

func (g *given) knownProduct() bool {
	name, nova := strings.CutPrefix(g.Product, "nova-")
	return nova && slices.Contains([]string{
		"basic", "premium", "family", "fail-create", "fail-activate", "fail-suspend", "fail-cancel", "fail-revoke",
	}, name)
}

func (g *given) datesFit(now time.Time, ended bool) bool {
	at := map[*string]time.Time{}
	for _, s := range []*string{&g.Created, &g.Activated, &g.Suspended, &g.Resumed, &g.Ended, &g.Expiry} {
		if *s == "" {
			continue
		}
		t, ok := dateOf(*s)
		if !ok {
			return false
		}
		at[s] = t
	}
	has := func(s *string) bool { _, found := at[s]; return found }
	ordered := func(in ...*string) bool { // those that are there
		in = slices.DeleteFunc(in, func(s *string) bool { return !has(s) })
		return slices.IsSortedFunc(in, func(a, b *string) int { return at[a].Compare(at[b]) })
	}
	past := func(s *string) bool { return !at[s].After(now) }
	activatedFits := g.Status != "PENDING"
	if !ended {
		activatedFits = has(&g.Activated) == (g.Status != "PENDING")
	}
	order := ordered(&g.Created, &g.Activated, &g.Suspended, &g.Resumed)
	if g.Status == "SUSPENDED" {
		order = ordered(&g.Created, &g.Activated, &g.Resumed, &g.Suspended)
	}
	ending := g.Status == "ACTIVE-ENDING"
	return has(&g.Created) && activatedFits && (g.Status != "SUSPENDED" || has(&g.Suspended)) &&
		has(&g.Ended) == (ended || ending) && order && ordered(&g.Created, &g.Activated, &g.Suspended, &g.Ended) &&
		past(&g.Created) && past(&g.Activated) && past(&g.Suspended) && past(&g.Resumed) &&
		(ending || past(&g.Ended)) && (!ending || !past(&g.Ended) || g.Target != "") && (!ended || past(&g.Expiry))
}

var (
	written   = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d)?([.,]\d{1,9})?(Z|[+-]\d\d(:?\d\d)?)$`)
	offsetEnd = regexp.MustCompile(`([+-]\d\d):?(\d\d)?$`)
)

// dateOf reads a date with the standard library, which knows one way of
// writing it.
func dateOf(s string) (time.Time, bool) {
	parts := written.FindStringSubmatch(s)
	if parts == nil || parts[2] == "" && parts[3] != "" {
		return time.Time{}, false
	}
	seconds, zone := parts[2], parts[4]
	if seconds == "" {
		seconds = ":00"
	}
	if offset := offsetEnd.FindStringSubmatch(zone); offset != nil {
		if offset[2] == "" {
			offset[2] = "00"
		}
		if offset[1][1:] > "23" || offset[2] > "59" {
			return time.Time{}, false
		}
		zone = offset[1] + ":" + offset[2]
	}
	t, err := time.Parse(time.RFC3339Nano, parts[1]+seconds+strings.Replace(parts[3], ",", ".", 1)+zone)
	year := t.UTC().Year()
	return t, err == nil && year >= 1 && year <= 9999
}

func (g *given) reasonFits(ended bool) bool {
	if g.Category == "" && g.Code == "" && g.Description == "" {
		return true
	}
	if !ended && g.Status != "ACTIVE-ENDING" {
		return false
	}
	_, _, standard := entitlement.StandardReason(g.Category, g.Code)
	return g.Category == "" && g.Code == "" || standard
}

func (g *given) urlFits() bool {
	if g.URL == "" {
		return true
	}
	u, err := url.Parse(g.URL)
	return err == nil && u.Scheme == "https" && u.Hostname() != ""
}

// A record is taken if, and only if, a second statement of the rules takes it.
func FuzzRules(f *testing.F) {
	date := func(month string) string { return "2024-" + month + "-01T00:00:00Z" }
	add := func(g given) {
		f.Add(g.ID, g.Target, g.Customer, g.Merchant, g.Product, g.Offer, g.Status, g.Created, g.Activated, g.Suspended, g.Resumed, g.Ended,
			g.Expiry, g.Category, g.Code, g.Description, g.URL, g.MerchantID)
	}
	good := given{ID: "ext-1", Customer: "cust-1", Merchant: "nova-music", Product: "nova-basic", Offer: "addon", Created: date("01")}
	for _, status := range entitlement.AllStatuses() {
		g := good
		g.Status = string(status)
		add(g)
		g.Activated, g.Suspended, g.Resumed = "2024-02-01T00:00:00+0100", "2024-03-01T00:00:00.5-05", date("04")
		add(g)
		g.Ended, g.Category, g.Code, g.Description = date("05"), "CUSTOMER_CANCELLED", "OTHER", "moved"
		add(g)
		g.Ended, g.Expiry, g.URL, g.Target = "2030-01-01T00:00Z", "2031-01-01T00:00:00Z", "https://notify.acme.example/1", someID
		add(g)
		g.Category, g.Code, g.MerchantID = "REVOKED", "SUSPENDED_CANCEL", "nm\t1"
		add(g)
	}
	f.Fuzz(func(t *testing.T, id, target, customer, merchant, product, offer, status, created, activated, suspended, resumed, ended,
		expiry, category, code, description, address, merchantID string,
	) {
		g := given{
			id, target, customer, merchant, product, offer, status, created, activated, suspended, resumed, ended, expiry,
			category, code, description, address, merchantID,
		}
		record, err := json.Marshal(g)
		if err != nil || len(record) > DefaultMaxRecordBytes {
			t.Skip("not a text, or too long")
		}
		b := setup(t)
		res := b.read(t, strings.NewReader("["+string(record)+"]"))
		require.Equal(t, g.acceptable(now), len(res.Problems) == 0, "%s: %v", record, refused(res))
		steps := 0
		for _, n := range res.Steps {
			steps += n
		}
		if len(res.Problems) > 0 {
			require.Zero(t, steps)
			return
		}
		r, err := Decode(b.stage.Bytes())
		require.NoError(t, err)
		require.Len(t, entitlement.Steps(&r, now), steps)
		require.Equal(t, map[entitlement.Status]int{entitlement.ExpectedStatus(&r, now): 1}, res.Statuses)
	})
}
