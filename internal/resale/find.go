package resale

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

const (
	findLimit = 100
	// findPages bounds a search: 100 ids are one page where ids are unique, and
	// a target that pages for ever must not hold a worker.
	findPages = 20
)

// Find reads the entitlements of a merchant by their external ids, at most 100
// at once, and follows the target's pages. What the target answers beyond the
// question is left out, whatever it holds; what it answers under an id that was
// asked and isn't understood is Odd. An id or merchant that differs from what
// was asked in the case of letters or in blanks at its ends is given, too: a
// target that folds ids may mean what was asked, so callers decide.
func (c *Client) Find(ctx context.Context, merchantAccountKey string, externalIDs []string) ([]entitlement.Entitlement, error) {
	if len(externalIDs) == 0 {
		return nil, nil // an empty filter would ask for everything
	}
	if len(externalIDs) > findLimit {
		return nil, &fault.Fault{
			Kind: fault.Final, Code: fault.CodeBadRequest,
			Message: fmt.Sprintf("report takes at most %d external ids, not %d", findLimit, len(externalIDs)),
		}
	}
	asked := make(map[string]bool, len(externalIDs))
	for _, id := range externalIDs {
		asked[entitlement.FoldKey(id)] = true
	}
	keep := func(e *entitlement.Entitlement) bool {
		merchant := entitlement.SameKey(e.MerchantAccountKey, merchantAccountKey) || e.IsOdd(entitlement.FieldMerchantAccountKey)
		return merchant && e.ExternalEntitlementID != "" && asked[entitlement.FoldKey(e.ExternalEntitlementID)]
	}
	return c.report(ctx, resaleapi.ReportRequest{
		MerchantAccountKey:     &merchantAccountKey,
		ExternalEntitlementIds: &externalIDs,
	}, keep)
}

// reportPage is a page of a report, its items still undecoded.
type reportPage struct {
	Entitlements []json.RawMessage `json:"entitlements"`
	NextPage     *int              `json:"nextPage"`
}

func (c *Client) report(
	ctx context.Context, filter resaleapi.ReportRequest, keep func(*entitlement.Entitlement) bool,
) ([]entitlement.Entitlement, error) {
	k := call{name: "report", send: func(ctx context.Context) (*http.Response, error) {
		return c.api.ReportEntitlements(ctx, filter)
	}}
	size := findLimit
	filter.PageSize = &size
	found := onceEach{at: map[string]int{}}
	for page := 1; page <= findPages; {
		filter.Page = &page
		got, err := c.do(ctx, k)
		if err != nil {
			return nil, err
		}
		var body reportPage
		if json.Unmarshal(got.body, &body) != nil || body.Entitlements == nil {
			return nil, k.unexpected(got, "it is no list of entitlements")
		}
		for _, raw := range body.Entitlements {
			if e, ok := decodeItem(raw); ok && keep(&e) {
				found.add(e)
			}
		}
		if body.NextPage == nil {
			return found.all, nil
		}
		if *body.NextPage <= page {
			return nil, k.unexpected(got, "its pages go backwards")
		}
		page = *body.NextPage
	}
	return nil, k.unexpected(answer{status: http.StatusOK}, "it has too many pages")
}

// onceEach are entitlements by their ids. One that comes twice, because pages
// overlap or the target repeats itself, is one: what was read last holds.
type onceEach struct {
	all []entitlement.Entitlement
	at  map[string]int // by entitlementId in lower case
}

func (o *onceEach) add(e entitlement.Entitlement) {
	id := strings.ToLower(e.EntitlementID)
	if i, there := o.at[id]; there {
		o.all[i] = e
		return
	}
	if id != "" {
		o.at[id] = len(o.all)
	}
	o.all = append(o.all, e)
}
