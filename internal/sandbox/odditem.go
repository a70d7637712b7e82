package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// OddItem spoils single entitlements in the answers of report and get, while
// the rest of the answer is as it should be.
type OddItem struct {
	Match
	// As is how: see OddKind.
	As OddKind `json:"as"`
}

// OddKind is how an item is spoilt.
type OddKind string

// The ways in which items are spoilt.
const (
	OddStatus         OddKind = "unknown-status"   // a status that the API hasn't
	OddNullCustomer   OddKind = "null-customer"    // customerIdentifier is null
	OddNoID           OddKind = "no-id"            // there is no entitlementId
	OddWrongType      OddKind = "wrong-type"       // productKey is a number
	OddDate           OddKind = "bad-date"         // dateCreated is no date
	OddNull           OddKind = "null"             // the item is null; in reports only
	OddNotAsked       OddKind = "not-asked"        // beside it a sound one of another id; in reports only
	OddNotAskedBroken OddKind = "not-asked-broken" // the same, with nothing in it that can be read
)

var oddKinds = []OddKind{
	OddStatus, OddNullCustomer, OddNoID, OddWrongType, OddDate, OddNull, OddNotAsked, OddNotAskedBroken,
}

// UnmarshalJSON refuses unknown fields; those left out are not set.
func (o *OddItem) UnmarshalJSON(raw []byte) error {
	type plain OddItem
	return decodeRule(raw, (*plain)(o))
}

func (o OddItem) validate() error {
	err := o.Match.validate([]kind{kindReport, kindGet})
	if !slices.Contains(oddKinds, o.As) {
		err = errors.Join(err, fmt.Errorf("as: %q is none of %v", o.As, oddKinds))
	}
	return err
}

// spoil gives the items that stand in an answer where the sound one would.
func (o OddItem) spoil(item map[string]any) []any {
	switch o.As {
	case OddStatus:
		item["status"] = "SANDBOX-ODD"
	case OddNullCustomer:
		item["customerIdentifier"] = nil
	case OddNoID:
		delete(item, "entitlementId")
	case OddWrongType:
		item["productKey"] = 7
	case OddDate:
		item["dateCreated"] = "yesterday"
	case OddNull:
		return []any{nil}
	case OddNotAsked:
		other := maps.Clone(item)
		other["externalEntitlementId"] = otherID
		return []any{other, item}
	case OddNotAskedBroken:
		return []any{map[string]any{"externalEntitlementId": otherID, "status": 7, "dateCreated": []int{}}, item}
	}
	return []any{item}
}

// oddOf finds the rule that spoils an item, nil if there is none.
func (s *Server) oddOf(f *Faults, k kind, external *string) *OddItem {
	of := subject{kind: k, externals: func() []string {
		if external == nil {
			return nil
		}
		return []string{*external}
	}}
	for i, rule := range f.OddItems {
		if s.fits(rule, rule.Match, of) {
			return &f.OddItems[i]
		}
	}
	return nil
}

// spoilGet is the body of a get whose entitlement is odd.
func (s *Server) spoilGet(a *answer, external *string) (*answer, error) {
	odd := s.oddOf(s.faults.Load(), kindGet, external)
	if odd == nil {
		return a, nil
	}
	body := make(map[string]any)
	if err := json.Unmarshal(a.body, &body); err != nil {
		return nil, err
	}
	items := odd.spoil(body)
	var err error
	a.body, err = json.Marshal(items[len(items)-1])
	return a, err
}

// oddReport is a page with spoilt items.
type oddReport struct {
	resaleapi.ReportEntitlements200JSONResponse
	Entitlements []any `json:"entitlements"`
}

// VisitReportEntitlementsResponse writes the page.
func (o oddReport) VisitReportEntitlementsResponse(w http.ResponseWriter) error {
	writeJSON(w, http.StatusOK, o)
	return nil
}

// spoilReport gives a page as it is answered.
func (s *Server) spoilReport(sound resaleapi.ReportEntitlements200JSONResponse) (resaleapi.ReportEntitlementsResponseObject, error) {
	f := s.faults.Load()
	if len(f.OddItems) == 0 {
		return sound, nil
	}
	page := oddReport{sound, []any{}}
	for i := range sound.Entitlements {
		e := &sound.Entitlements[i]
		odd := s.oddOf(f, kindReport, e.ExternalEntitlementID)
		if odd == nil {
			page.Entitlements = append(page.Entitlements, e)
			continue
		}
		item, err := asObject(e)
		if err != nil {
			return nil, err
		}
		page.Entitlements = append(page.Entitlements, odd.spoil(item)...)
	}
	return page, nil
}

func asObject(e *resaleapi.Entitlement) (map[string]any, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	item := make(map[string]any)
	return item, json.Unmarshal(raw, &item)
}
