package migrator

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"time"

	"github.com/google/uuid"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// namespace keeps Ferry's identifiers apart from anybody else's.
var namespace = uuid.MustParse("6f3f1f4e-6d0a-5f6b-9b0c-2f1f0a90b9a0")

// RequestID is the X-RequestIdentifier of a step: a UUIDv5 of route, external
// id, step and what the call says. The same call has the same identifier in
// every attempt, run and reload; a corrected record has another.
func RequestID(route string, r *entitlement.Record, step entitlement.Step, entitlementID string) string {
	h := sha256.New()
	for _, s := range []string{route, r.ExternalEntitlementID, string(step), entitlementID} {
		put(h, []byte(s))
	}
	putBody(h, r, step)
	return uuid.NewSHA1(namespace, h.Sum(nil)).String()
}

func putBody(h hash.Hash, r *entitlement.Record, step entitlement.Step) {
	switch step {
	case entitlement.Create:
		putCreate(h, r)
	case entitlement.Activate:
		putTime(h, r.DateActivated)
	case entitlement.Suspend:
		putTime(h, r.DateSuspended)
	case entitlement.Cancel, entitlement.Revoke:
		putTime(h, r.DateEnded)
		for _, s := range []string{r.ReasonCategory, r.ReasonCode, r.ReasonDescription} {
			put(h, []byte(s))
		}
	}
}

func putCreate(h hash.Hash, r *entitlement.Record) {
	for _, s := range []string{
		r.CustomerIdentifier, r.MerchantAccountKey, r.ProductKey, r.OfferKey, string(r.Status),
		r.ReasonCategory, r.ReasonCode, r.ReasonDescription, r.NotificationURL,
		r.EntitlementDisplayName, r.MerchantEntitlementID, r.ActivationCode,
	} {
		put(h, []byte(s))
	}
	for _, t := range []*time.Time{
		r.DateCreated, r.DateActivated, r.DateSuspended, r.DateResumed, r.DateEnded, r.DateExpiry,
	} {
		putTime(h, t)
	}
	put(h, r.ExtensionData)
}

// put writes a length before each value, so that no two lists of values look
// the same.
func put(h hash.Hash, b []byte) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(b)))
	h.Write(n[:])
	h.Write(b)
}

func putTime(h hash.Hash, t *time.Time) {
	if t == nil {
		put(h, nil)
		return
	}
	put(h, []byte(t.UTC().Format(time.RFC3339Nano)))
}
