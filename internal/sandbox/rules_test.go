package sandbox

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

func TestCreateIsHeldToTheRoute(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) {
		o.Routes = []entitlement.Route{{
			Route: "strict", Reseller: "acme", MerchantAccountKey: "strict-tv",
			Products:       []entitlement.Product{{ProductKey: "tv", OfferKeys: []string{"one"}}},
			Statuses:       []entitlement.Status{entitlement.Active},
			RequiredFields: []string{"offerKey", "notificationUrl"},
		}}
	})
	for name, c := range map[string]struct {
		change func(*resaleapi.CreateRequest)
		says   string
	}{
		"good":           {func(*resaleapi.CreateRequest) {}, ""},
		"merchant":       {func(r *resaleapi.CreateRequest) { r.MerchantAccountKey = "STRICT-TV" }, "merchantAccountKey"},
		"product":        {func(r *resaleapi.CreateRequest) { r.ProductKey = "nova-basic" }, "productKey"},
		"offer":          {func(r *resaleapi.CreateRequest) { r.OfferKey = new("two") }, "offerKey"},
		"required":       {func(r *resaleapi.CreateRequest) { r.OfferKey = nil }, "offerKey"},
		"required too":   {func(r *resaleapi.CreateRequest) { r.NotificationURL = nil }, "notificationUrl"},
		"status":         {func(r *resaleapi.CreateRequest) { r.Status = new(resaleapi.StatusREVOKED) }, "status"},
		"unknown status": {func(r *resaleapi.CreateRequest) { r.Status = new(resaleapi.Status("active")) }, "status"},
		"no status":      {func(r *resaleapi.CreateRequest) { r.Status = nil }, "status"},
		"no external id": {func(r *resaleapi.CreateRequest) { r.ExternalEntitlementID = nil }, "externalEntitlementId"},
		"no date":        {func(r *resaleapi.CreateRequest) { r.DateCreated = nil }, "dateCreated"},
		"empty":          {func(r *resaleapi.CreateRequest) { r.CustomerIdentifier = "" }, "customerIdentifier"},
		"plain http":     {func(r *resaleapi.CreateRequest) { r.NotificationURL = new("http://n.example.com") }, "notificationUrl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := migration("strict-"+name, resaleapi.StatusACTIVE)
			body.MerchantAccountKey, body.ProductKey, body.OfferKey = "strict-tv", "tv", new("one")
			body.NotificationURL = new("https://n.example.com")
			c.change(&body)
			got := b.create(body)
			if c.says == "" {
				require.Equal(t, http.StatusOK, got.HTTP, got.Message)
				return
			}
			require.Equal(t, http.StatusBadRequest, got.HTTP)
			require.Equal(t, "BAD_REQUEST", got.Code)
			require.Contains(t, got.Message, c.says)
		})
	}
}

func TestRouteWithoutAnActionRefusesIt(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) {
		o.Routes = []entitlement.Route{{
			Route: "plain", MerchantAccountKey: "plain", Products: []entitlement.Product{{ProductKey: "p"}},
			Statuses: []entitlement.Status{entitlement.Active}, Actions: []entitlement.Step{entitlement.Activate},
		}}
	})
	body := migration("e", resaleapi.StatusACTIVE)
	body.MerchantAccountKey, body.ProductKey, body.OfferKey = "plain", "p", nil
	id := b.create(body).EntitlementID
	require.Equal(t, "OK", b.call(kindActivate, id, nil).Code)
	require.Equal(t, "NOT_AVAILABLE", b.call(kindSuspend, id, nil).Code)
}

func TestFailProductsRefuseTheirStepOnly(t *testing.T) {
	t.Parallel()
	for _, refused := range []kind{kindCreate, kindActivate, kindSuspend, kindCancel, kindRevoke} {
		b := setup(t)
		body := migration("e", resaleapi.StatusACTIVE)
		body.ProductKey = "nova-fail-" + string(refused)
		made := b.create(body)
		if refused == kindCreate {
			require.Equal(t, http.StatusUnprocessableEntity, made.HTTP)
			require.Equal(t, "NOT_AVAILABLE", made.Code)
			continue
		}
		require.Equal(t, "OK", made.Code)
		last := kindCancel
		if refused == kindRevoke {
			last = kindRevoke
		}
		for _, k := range []kind{kindActivate, kindSuspend, kindResume, last} {
			got := b.call(k, made.EntitlementID, nil)
			if k == refused {
				require.Equal(t, "NOT_AVAILABLE", got.Code)
				require.Contains(t, got.Message, "not available")
				break
			}
			require.Equal(t, "OK", got.Code, "%s of a product that refuses %s", k, refused)
		}
	}
}

func TestRefusalCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := migration("e", resaleapi.StatusACTIVE)
	body.ProductKey = "nova-fail-activate"
	id := b.create(body).EntitlementID
	activate := func() reply {
		params := &resaleapi.ActivateEntitlementParams{XRequestIdentifier: new("same")}
		return b.reply(b.raw().ActivateEntitlement(t.Context(), id, params, resaleapi.ActivateRequest{DateActivated: &past}))
	}
	require.Equal(t, "NOT_AVAILABLE", activate().Code)
	status, answer := b.admin(http.MethodPut, "refusals", `{"activate":[]}`)
	require.Equal(t, http.StatusOK, status, answer)
	require.Equal(t, "ACTIVE", activate().Status, "the same identifier, since a refusal isn't remembered")
	require.Equal(t, []string{"nova-fail-suspend"}, b.server.Faults().Refusals[entitlement.Suspend])
}

func TestCustomerLimitCountsTheFinalStatus(t *testing.T) {
	t.Parallel()
	b := setup(t)
	of := func(external string, status resaleapi.Status) resaleapi.CreateRequest {
		body := migration(external, status)
		body.CustomerIdentifier = "one"
		if status == resaleapi.StatusACTIVEENDING || status == resaleapi.StatusCANCELLED {
			body.DateEnded = &past
		}
		if status == resaleapi.StatusACTIVEENDING {
			body.DateEnded = &future
		}
		return body
	}
	for _, external := range []string{"history-1", "history-2", "history-3"} {
		require.Equal(t, "OK", b.create(of(external, resaleapi.StatusCANCELLED)).Code, "still PENDING, and no obstacle")
	}
	living := b.create(of("living", resaleapi.StatusACTIVEENDING))
	require.Equal(t, "OK", living.Code)
	refused := b.create(of("second", resaleapi.StatusACTIVE))
	require.Equal(t, http.StatusBadRequest, refused.HTTP)
	require.Equal(t, "BAD_REQUEST", refused.Code)
	require.Contains(t, refused.Message, "maximum number of subscriptions")
	require.Equal(t, "OK", b.create(of("history-4", resaleapi.StatusREVOKED)).Code)
	b.clock.forward(2 * time.Hour) // the living one's end passes though it was never cancelled
	second := b.create(of("second", resaleapi.StatusPENDING))
	require.Equal(t, "OK", second.Code)
	require.Equal(t, "BAD_REQUEST", b.create(of("third", resaleapi.StatusPENDING)).Code)
	require.Equal(t, "OK", b.call(kindRevoke, second.EntitlementID, nil).Code)
	require.Equal(t, "OK", b.create(of("third", resaleapi.StatusPENDING)).Code)
}

func TestExternalIDIsUniquePerRoute(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) {
		o.Routes = []entitlement.Route{{
			Route: "other", MerchantAccountKey: "other", Products: []entitlement.Product{{ProductKey: "p"}},
			Statuses: []entitlement.Status{entitlement.Active},
		}}
	})
	first := b.create(migration("e", resaleapi.StatusACTIVE))
	body := migration("e", resaleapi.StatusACTIVE)
	body.CustomerIdentifier = "somebody else"
	second := b.create(body)
	require.Equal(t, http.StatusConflict, second.HTTP)
	require.Equal(t, "ALREADY_EXISTS", second.Code)
	require.Equal(t, first.EntitlementID, *second.Parameters.EntitlementID)
	body.MerchantAccountKey, body.ProductKey, body.OfferKey = "other", "p", nil
	require.Equal(t, "OK", b.create(body).Code)
	require.Zero(t, b.stats().DuplicateExternalIDs)
}

func TestUniquenessOffLetsDuplicatesIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) { f.UniqueExternalIDs = false })
	for _, customer := range []string{"a", "b", "c"} {
		body := migration("same", resaleapi.StatusACTIVE)
		body.CustomerIdentifier = customer
		require.Equal(t, "OK", b.create(body).Code)
	}
	require.Equal(t, int64(2), b.stats().DuplicateExternalIDs)
}

func TestRoutesMustBeUnique(t *testing.T) {
	t.Parallel()
	for _, route := range []entitlement.Route{
		{Route: "acme-nova", MerchantAccountKey: "x"}, {Route: "x", MerchantAccountKey: "nova-music"}, {Route: "x"}, {},
	} {
		_, err := New(Options{Routes: []entitlement.Route{route}})
		require.ErrorContains(t, err, "sandbox route")
	}
}

func TestUnknownThingsAreNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, k := range []kind{kindActivate, kindSuspend, kindResume, kindCancel, kindRevoke} {
		require.Equal(t, "NOT_FOUND", b.call(k, "unknown", nil).Code, k)
	}
	require.Equal(t, "NOT_FOUND", b.get("unknown").Code)
	require.Equal(t, "NOT_FOUND", b.reply(b.raw().GetRoute(t.Context(), "unknown")).Code)
}
