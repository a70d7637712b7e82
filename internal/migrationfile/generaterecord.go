package migrationfile

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

const day = 24 * time.Hour

// dateStyles are the ways in which partners' systems write one date.
var dateStyles = [...]struct {
	layout string
	zone   *time.Location
}{
	{"2006-01-02T15:04:05Z", time.UTC},
	{"2006-01-02T15:04:05Z", time.UTC},
	{"2006-01-02T15:04:05.000Z", time.UTC},
	{"2006-01-02T15:04:05-07:00", time.FixedZone("", 3600)},
	{"2006-01-02T15:04:05-0700", time.FixedZone("", -5*3600)},
}

var displayNames = [...]string{
	"Nova Music", "Nova Music Premium", "Nova Music für zwei", "Nova Música Família", "ノヴァ・ミュージック",
	`Nova "Unlimited"`,
}

var (
	cancelReasons = [...]string{"NOT_RENEWED", "CHANGED_SERVICE", "SUBSCRIPTION_CANCELLED", "ADDON_CANCELLED", "OTHER"}
	revokeReasons = [...]string{"ACCOUNT_TERMINATED", "SUSPEND_TERMINATED", "FRAUD", "IMMEDIATE_CANCELLATION", "OTHER"}
)

// generated is one record on its way into the file.
type generated struct {
	*generator
	out    []byte
	style  int
	status entitlement.Status
}

// appendRecord appends record i as JSON.
func (g *generator) appendRecord(dst []byte, i int) []byte {
	var product entitlement.Product
	r := generated{generator: g, out: append(dst, '{'), style: g.rng.IntN(len(dateStyles))}
	r.status, product = g.plan(i)

	prefix, customer := g.opts.Prefix, "cust"
	if prefix == "" {
		prefix = "ext"
	} else {
		customer = prefix + "-cust"
	}
	r.text("externalEntitlementId", fmt.Sprintf("%s-%06d", prefix, i))
	// An odd factor scrambles 32-bit numbers without making two alike.
	r.text("customerIdentifier", fmt.Sprintf("%s-%08x", customer, uint32(i)*2654435761)) //nolint:gosec // i is from 1 to maxGenerated
	r.text("merchantAccountKey", g.opts.Route.MerchantAccountKey)
	r.text("productKey", product.ProductKey)
	if len(product.OfferKeys) > 0 && g.rng.IntN(4) > 0 {
		r.text("offerKey", product.OfferKeys[g.rng.IntN(len(product.OfferKeys))])
	}
	r.text("status", string(r.status))
	r.dates(strings.HasSuffix(product.ProductKey, "-fail-activate"))
	r.reason()
	r.extras(i)
	r.out[len(r.out)-1] = '}' // in place of the last comma
	return r.out
}

func (r *generated) key(name string) {
	r.out = append(append(append(r.out, '"'), name...), '"', ':')
}

func (r *generated) raw(name, json string) {
	r.key(name)
	r.out = append(append(r.out, json...), ',')
}

func (r *generated) text(name, value string) {
	r.key(name)
	r.out, _ = jsontext.AppendQuote(r.out, value) // fails for bad UTF-8 alone
	r.out = append(r.out, ',')
}

func (r *generated) date(name string, t time.Time) {
	s := dateStyles[r.style]
	r.text(name, t.In(s.zone).Format(s.layout))
}

// between is a time from a to b, on a millisecond.
func (r *generated) between(a, b time.Time) time.Time {
	return a.Add(time.Duration(r.rng.Float64() * float64(b.Sub(a)))).Truncate(time.Millisecond)
}

// dates makes up a life: every date lies between the one before and now.
// Formats that drop milliseconds drop them everywhere, which keeps the order.
func (r *generated) dates(activated bool) {
	now := r.opts.Now.Truncate(time.Second)
	at := r.between(now.Add(-1100*day), now.Add(-30*day))
	r.date("dateCreated", at)
	ended := r.status == entitlement.Cancelled || r.status == entitlement.Revoked
	neverActive := r.status == entitlement.Pending || ended && !activated && r.rng.IntN(6) == 0
	if neverActive {
		if r.rng.IntN(2) == 0 {
			r.raw("dateActivated", "null")
		}
	} else {
		at = r.between(at, at.Add(2*day))
		r.date("dateActivated", at)
		at = r.suspension(at, now)
	}
	switch {
	case ended:
		r.date("dateEnded", r.between(at, now))
	case r.status == entitlement.ActiveEnding:
		r.date("dateEnded", r.between(r.opts.EndsAfter, r.opts.EndsAfter.Add(300*day)))
	case r.rng.IntN(5) == 0:
		r.date("dateExpiry", r.between(r.opts.EndsAfter, r.opts.EndsAfter.Add(900*day)))
	}
}

// suspension adds the present one, or now and then one that is over.
func (r *generated) suspension(at, now time.Time) time.Time {
	past := r.rng.IntN(8) == 0
	if r.status == entitlement.Suspended {
		if past {
			at = r.between(at, now)
			r.date("dateResumed", at)
		}
		at = r.between(at, now)
		r.date("dateSuspended", at)
		return at
	}
	if past {
		at = r.between(at, now)
		r.date("dateSuspended", at)
		at = r.between(at, now)
		r.date("dateResumed", at)
	}
	return at
}

// reason uses the field's two names in turn.
func (r *generated) reason() {
	var category string
	var codes []string
	switch r.status {
	case entitlement.ActiveEnding, entitlement.Cancelled:
		category, codes = "CUSTOMER_CANCELLED", cancelReasons[:]
	case entitlement.Revoked:
		category, codes = "REVOKED", revokeReasons[:]
	default: // nothing has ended that a reason could be given for
		return
	}
	categoryName, codeName := "reasonCategory", "reasonCode"
	switch r.rng.IntN(4) {
	case 0:
		return
	case 1:
		categoryName, codeName = "cancelReasonCategory", "cancelReasonCode"
	}
	r.text(categoryName, category)
	r.text(codeName, codes[r.rng.IntN(len(codes))])
	if r.rng.IntN(3) == 0 {
		r.text("reasonDescription", "told by the shop, \"no longer needed\"")
	}
}

// extras are the optional fields.
func (r *generated) extras(i int) {
	if r.rng.IntN(3) > 0 {
		r.text("entitlementDisplayName", displayNames[r.rng.IntN(len(displayNames))])
	}
	if r.rng.IntN(3) > 0 {
		r.text("notificationUrl", fmt.Sprintf("https://notify.acme.example/v1/entitlements/%08d", i))
	}
	switch r.rng.IntN(4) {
	case 0:
		r.raw("merchantEntitlementId", "null")
	default:
		r.text("merchantEntitlementId", fmt.Sprintf("nm-%012x", r.rng.Uint64()>>16))
	}
	if r.rng.IntN(10) == 0 {
		r.text("activationCode", fmt.Sprintf("NOVA-%04X-%04X", r.rng.Uint32()>>16, r.rng.Uint32()>>16))
	}
	switch r.rng.IntN(4) {
	case 0:
	case 1:
		r.text("extensionData", fmt.Sprintf("shop=%03d;tariff=M", r.rng.IntN(1000)))
	default:
		r.raw("extensionData", fmt.Sprintf(`{"tariff":"red-%d","shop":{"id":"%05d","region":"south"},"price":%d.90,"flags":["migrated",%d]}`,
			r.rng.IntN(9), r.rng.IntN(100000), 5+r.rng.IntN(20), r.rng.IntN(10)))
	}
}
