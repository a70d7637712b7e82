package sandbox

import (
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// storedID is an external id as the target keeps it.
func (f *Faults) storedID(external string) string {
	if f.TrimIDs {
		external = strings.TrimSpace(external)
	}
	if f.FoldIDs {
		external = strings.ToLower(external)
	}
	return external
}

func (f *Faults) storedIDs(externals []string) []string {
	stored := make([]string, 0, len(externals))
	for _, external := range externals {
		stored = append(stored, f.storedID(external))
	}
	return stored
}

// storedCreate is a create with its external id as the target keeps it. The
// caller's body stays as it was: an identifier stands for what was sent.
func (f *Faults) storedCreate(body *resaleapi.CreateRequest) *resaleapi.CreateRequest {
	if body.ExternalEntitlementID == nil {
		return body
	}
	kept := *body
	kept.ExternalEntitlementID = new(f.storedID(*body.ExternalEntitlementID))
	return &kept
}

// storedDates is an entitlement with its dates as the target keeps them.
func (f *Faults) storedDates(e resaleapi.Entitlement) resaleapi.Entitlement {
	if !f.WholeSeconds {
		return e
	}
	for _, date := range []**time.Time{
		&e.DateCreated, &e.DateActivated, &e.DateSuspended, &e.DateResumed, &e.DateEnded, &e.DateExpiry, &e.DateLastUpdated,
	} {
		if *date != nil {
			*date = new((*date).Truncate(time.Second))
		}
	}
	return e
}
