package resale

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migrator"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

const callEcho = "echo"

// Echo checks that the target is there and knows the caller.
func (c *Client) Echo(ctx context.Context) error {
	id := rand.Text()
	k := call{name: callEcho, send: func(ctx context.Context) (*http.Response, error) { return c.api.Echo(ctx, id) }}
	got, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	var body resaleapi.EchoAnswer
	if json.Unmarshal(got.body, &body) != nil || body.Echo != id {
		return k.unexpected(got, "it doesn't repeat what was sent")
	}
	return nil
}

// Route reads a route's rules. An unknown route is a fault NOT_FOUND.
func (c *Client) Route(ctx context.Context, route string) (entitlement.Route, error) {
	k := call{name: "route", send: func(ctx context.Context) (*http.Response, error) { return c.api.GetRoute(ctx, route) }}
	got, err := c.do(ctx, k)
	if err != nil {
		return entitlement.Route{}, err
	}
	var rules entitlement.Route
	if json.Unmarshal(got.body, &rules) != nil || rules.Route != route || rules.MerchantAccountKey == "" {
		return entitlement.Route{}, k.unexpected(got, "it isn't the rules of the route")
	}
	return rules, nil
}

// Create sends the record as a migrated entitlement. The target's words in a
// fault are freed of the record's personal values. An answer that names an
// entitlement and is not understood else is a fault with Made and its id.
func (c *Client) Create(ctx context.Context, requestID string, r *entitlement.Record) (entitlement.Entitlement, error) {
	body := createRequest(r)
	params := &resaleapi.CreateEntitlementParams{XRequestIdentifier: &requestID}
	k := call{
		name:       "create",
		write:      true,
		scrub:      func(text string) string { return Scrub(text, r) },
		externalID: r.ExternalEntitlementID,
		send: func(ctx context.Context) (*http.Response, error) {
			return c.api.CreateEntitlement(ctx, params, body)
		},
	}
	return c.entitlement(ctx, k)
}

// Activate takes a PENDING entitlement to ACTIVE.
func (c *Client) Activate(ctx context.Context, requestID, entitlementID string, at time.Time) (entitlement.Entitlement, error) {
	params := &resaleapi.ActivateEntitlementParams{XRequestIdentifier: &requestID}
	k := call{
		name:          "activate",
		write:         true,
		entitlementID: entitlementID,
		send: func(ctx context.Context) (*http.Response, error) {
			return c.api.ActivateEntitlement(ctx, entitlementID, params, resaleapi.ActivateRequest{DateActivated: &at})
		},
	}
	return c.entitlement(ctx, k)
}

// Suspend takes an ACTIVE entitlement to SUSPENDED.
func (c *Client) Suspend(ctx context.Context, requestID, entitlementID string, at time.Time) (entitlement.Entitlement, error) {
	params := &resaleapi.UpdateEntitlementParams{XRequestIdentifier: &requestID}
	body := resaleapi.UpdateRequest{
		EntitlementID:       entitlementID,
		EntitlementBenefits: resaleapi.BenefitsSUSPENDED,
		DateSuspended:       &at,
	}
	k := call{
		name:          "suspend",
		write:         true,
		entitlementID: entitlementID,
		send: func(ctx context.Context) (*http.Response, error) {
			return c.api.UpdateEntitlement(ctx, params, body)
		},
	}
	return c.entitlement(ctx, k)
}

// Cancel ends an entitlement softly: ACTIVE-ENDING while the end is in the
// future, CANCELLED else.
func (c *Client) Cancel(ctx context.Context, requestID, entitlementID string, end migrator.Ending) (entitlement.Entitlement, error) {
	params := &resaleapi.CancelEntitlementParams{XRequestIdentifier: &requestID}
	k := call{
		name:          "cancel",
		write:         true,
		entitlementID: entitlementID,
		send: func(ctx context.Context) (*http.Response, error) {
			return c.api.CancelEntitlement(ctx, entitlementID, params, endRequest(end))
		},
	}
	return c.entitlement(ctx, k)
}

// Revoke ends an entitlement at once.
func (c *Client) Revoke(ctx context.Context, requestID, entitlementID string, end migrator.Ending) (entitlement.Entitlement, error) {
	params := &resaleapi.RevokeEntitlementParams{XRequestIdentifier: &requestID}
	k := call{
		name:          "revoke",
		write:         true,
		entitlementID: entitlementID,
		send: func(ctx context.Context) (*http.Response, error) {
			return c.api.RevokeEntitlement(ctx, entitlementID, params, endRequest(end))
		},
	}
	return c.entitlement(ctx, k)
}

// Get reads one entitlement; Settled is false while the target still works on
// an accepted call. An unknown id is a fault NOT_FOUND.
func (c *Client) Get(ctx context.Context, entitlementID string) (entitlement.Entitlement, error) {
	k := call{
		name:          "get",
		entitlementID: entitlementID,
		send: func(ctx context.Context) (*http.Response, error) {
			return c.api.GetEntitlement(ctx, entitlementID)
		},
	}
	return c.entitlement(ctx, k)
}
