package sandbox

import (
	"context"
	"net/http"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

var _ resaleapi.StrictServerInterface = (*handlers)(nil)

// handlers serve the calls of the API, after they have been checked against
// the published document.
type handlers struct{ s *Server }

const (
	defaultPageSize = 100
	success         = "Success"
	codeOK          = "OK"
)

// Echo repeats what was sent.
func (h *handlers) Echo(_ context.Context, r resaleapi.EchoRequestObject) (resaleapi.EchoResponseObject, error) {
	return resaleapi.Echo200JSONResponse{ResponseCode: codeOK, ResponseMessage: success, Echo: r.EchoRequestID}, nil
}

// GetRoute gives a route's rules.
func (h *handlers) GetRoute(_ context.Context, r resaleapi.GetRouteRequestObject) (resaleapi.GetRouteResponseObject, error) {
	rules, ok := h.s.rules.byName[r.Route]
	if !ok {
		return nil, refuse(fault.CodeNotFound, "there is no such route")
	}
	return routeAnswer(rules), nil
}

func routeAnswer(rules entitlement.Route) resaleapi.GetRoute200JSONResponse {
	a := resaleapi.GetRoute200JSONResponse{
		ResponseCode: codeOK, ResponseMessage: success,
		Route: rules.Route, Reseller: rules.Reseller, MerchantAccountKey: rules.MerchantAccountKey,
		EntitlementsPerCustomer: rules.EntitlementsPerCustomer,
		Products:                []resaleapi.Product{}, Statuses: []resaleapi.Status{},
		Actions: []resaleapi.Action{}, RequiredFields: append([]string{}, rules.RequiredFields...),
	}
	for _, p := range rules.Products {
		a.Products = append(a.Products, resaleapi.Product{
			ProductKey: p.ProductKey, OfferKeys: append([]string{}, p.OfferKeys...),
		})
	}
	for _, status := range rules.Statuses {
		a.Statuses = append(a.Statuses, resaleapi.Status(status))
	}
	for _, action := range rules.Actions {
		a.Actions = append(a.Actions, resaleapi.Action(action))
	}
	return a
}

// CreateEntitlement makes a new entitlement.
func (h *handlers) CreateEntitlement(
	_ context.Context, r resaleapi.CreateEntitlementRequestObject,
) (resaleapi.CreateEntitlementResponseObject, error) {
	return h.s.perform(write{
		kind: kindCreate, request: r.Params.XRequestIdentifier, body: r.Body, load: h.s.fresh(r.Body),
	})
}

// ActivateEntitlement takes PENDING to ACTIVE.
func (h *handlers) ActivateEntitlement(
	_ context.Context, r resaleapi.ActivateEntitlementRequestObject,
) (resaleapi.ActivateEntitlementResponseObject, error) {
	return h.s.perform(write{
		kind: kindActivate, request: r.Params.XRequestIdentifier, path: r.EntitlementID, body: r.Body,
		load: h.s.existing(r.EntitlementID, change{kind: kindActivate, at: r.Body.DateActivated}),
	})
}

// UpdateEntitlement suspends or resumes.
func (h *handlers) UpdateEntitlement(
	_ context.Context, r resaleapi.UpdateEntitlementRequestObject,
) (resaleapi.UpdateEntitlementResponseObject, error) {
	c := change{kind: kindSuspend, at: r.Body.DateSuspended}
	if r.Body.EntitlementBenefits == resaleapi.BenefitsNORMAL {
		c = change{kind: kindResume, at: r.Body.DateResumed}
	}
	return h.s.perform(write{
		kind: c.kind, request: r.Params.XRequestIdentifier, body: r.Body, load: h.s.existing(r.Body.EntitlementID, c),
	})
}

// CancelEntitlement ends softly.
func (h *handlers) CancelEntitlement(
	_ context.Context, r resaleapi.CancelEntitlementRequestObject,
) (resaleapi.CancelEntitlementResponseObject, error) {
	return h.s.perform(write{
		kind: kindCancel, request: r.Params.XRequestIdentifier, path: r.EntitlementID, body: r.Body,
		load: h.s.existing(r.EntitlementID, change{kind: kindCancel, at: r.Body.DateEnded, end: *r.Body}),
	})
}

// RevokeEntitlement ends at once.
func (h *handlers) RevokeEntitlement(
	_ context.Context, r resaleapi.RevokeEntitlementRequestObject,
) (resaleapi.RevokeEntitlementResponseObject, error) {
	return h.s.perform(write{
		kind: kindRevoke, request: r.Params.XRequestIdentifier, path: r.EntitlementID, body: r.Body,
		load: h.s.existing(r.EntitlementID, change{kind: kindRevoke, at: r.Body.DateEnded, end: *r.Body}),
	})
}

// GetEntitlement reads one entitlement, with 202 while a call is pending.
func (h *handlers) GetEntitlement(
	ctx context.Context, r resaleapi.GetEntitlementRequestObject,
) (resaleapi.GetEntitlementResponseObject, error) {
	if err := h.s.store.settle(h.s.now()); err != nil {
		return nil, err
	}
	row, err := h.s.store.get(ctx, r.EntitlementID)
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if row.pending() {
		status = http.StatusAccepted
	}
	given, err := newAnswer(status, row.now)
	if err != nil {
		return nil, err
	}
	return h.s.spoilGet(given, row.now.ExternalEntitlementID)
}

// ReportEntitlements gives one page of what the filters find.
func (h *handlers) ReportEntitlements(
	ctx context.Context, r resaleapi.ReportEntitlementsRequestObject,
) (resaleapi.ReportEntitlementsResponseObject, error) {
	a := resaleapi.ReportEntitlements200JSONResponse{
		ResponseCode: codeOK, ResponseMessage: success, Entitlements: []resaleapi.Entitlement{},
	}
	f, page := h.filter(r.Body)
	if r.Body.MerchantAccountKey != nil && f.route == "" {
		return a, nil // a merchant without a route has none
	}
	if err := h.s.store.settle(h.s.now()); err != nil {
		return nil, err
	}
	size := f.limit
	f.limit++ // one more tells whether there is a next page
	rows, err := h.s.store.find(ctx, f)
	if err != nil {
		return nil, err
	}
	if len(rows) > size {
		next := page + 1
		a.NextPage, rows = &next, rows[:size]
	}
	for _, row := range rows {
		a.Entitlements = append(a.Entitlements, row.now)
	}
	return h.s.spoilReport(a)
}

func (h *handlers) filter(body *resaleapi.ReportRequest) (f filter, page int) {
	page, f.limit = 1, defaultPageSize
	if body.Page != nil {
		page = *body.Page
	}
	if body.PageSize != nil {
		f.limit = *body.PageSize
	}
	f.offset = (page - 1) * f.limit
	if body.ExternalEntitlementIds != nil {
		f.externals = h.s.faults.Load().storedIDs(*body.ExternalEntitlementIds)
	}
	if body.MerchantAccountKey != nil {
		f.route = h.s.rules.byMerchant[*body.MerchantAccountKey].Route
	}
	if body.CustomerIdentifier != nil {
		f.customer = *body.CustomerIdentifier
	}
	if body.ProductKey != nil {
		f.product = *body.ProductKey
	}
	if body.Status != nil {
		f.status = string(*body.Status)
	}
	return f, page
}
