package resale

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

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
// question is left out.
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
		asked[id] = true
	}
	keep := func(e *resaleapi.Entitlement) bool {
		return e.MerchantAccountKey == merchantAccountKey && asked[text(e.ExternalEntitlementID)]
	}
	return c.report(ctx, resaleapi.ReportRequest{
		MerchantAccountKey:     &merchantAccountKey,
		ExternalEntitlementIds: &externalIDs,
	}, keep)
}

func (c *Client) report(
	ctx context.Context, filter resaleapi.ReportRequest, keep func(*resaleapi.Entitlement) bool,
) ([]entitlement.Entitlement, error) {
	k := call{name: "report", send: func(ctx context.Context) (*http.Response, error) {
		return c.api.ReportEntitlements(ctx, filter)
	}}
	size := findLimit
	filter.PageSize = &size
	var found []entitlement.Entitlement
	for page := 1; page <= findPages; {
		filter.Page = &page
		got, err := c.do(ctx, k)
		if err != nil {
			return nil, err
		}
		var body resaleapi.ReportAnswer
		if json.Unmarshal(got.body, &body) != nil || body.Entitlements == nil {
			return nil, k.unexpected(got, "it is no list of entitlements")
		}
		for i := range body.Entitlements {
			e := &body.Entitlements[i]
			if lack := missing(e); lack != "" {
				return nil, k.unexpected(got, "an entitlement without "+lack)
			}
			if keep(e) {
				found = append(found, domain(e))
			}
		}
		if body.NextPage == nil {
			return found, nil
		}
		if *body.NextPage <= page {
			return nil, k.unexpected(got, "its pages go backwards")
		}
		page = *body.NextPage
	}
	return nil, k.unexpected(answer{status: http.StatusOK}, "it has too many pages")
}
