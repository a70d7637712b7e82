package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// CheckStartInput is what an operator asked for. Nil fields take the worker's
// defaults.
type CheckStartInput struct {
	Migration         string   `json:"migration"`
	File              string   `json:"file"`
	Route             string   `json:"route"`
	DryRun            bool     `json:"dryRun,omitempty"`
	RequireApproval   *bool    `json:"requireApproval,omitempty"`
	ApproveFirstWave  *bool    `json:"approveFirstWave,omitempty"`
	Reconcile         *bool    `json:"reconcile,omitempty"`
	Waves             *bool    `json:"waves,omitempty"`
	ErrorRate         *float64 `json:"errorRate,omitempty"`
	MinSample         *int     `json:"minSample,omitempty"`
	Consecutive       *int     `json:"consecutive,omitempty"`
	MaxFailures       *int     `json:"maxFailures,omitempty"`
	Batches           *int     `json:"batches,omitempty"`
	PerBatch          *int     `json:"perBatch,omitempty"`
	RequestsPerSecond *float64 `json:"requestsPerSecond,omitempty"`
}

// CheckStartResult is what the run goes by from here on.
type CheckStartResult struct {
	Settings migration.Settings `json:"settings"`
	ETag     string             `json:"etag"` // of the source, as it was checked
	Bytes    int64              `json:"bytes"`
	Rules    entitlement.Route  `json:"rules"`

	// SearchAttributes are those that the run may set.
	SearchAttributes []string `json:"searchAttributes,omitempty"`
}

// CheckStart looks before the leap: the input makes sense, the source exists,
// the target takes the credentials and knows the route, and the work bucket's
// store can hold claims. It writes nothing that outlives it. Faults:
// BAD_INPUT, FILE_NOT_FOUND, FILE_UNREADABLE, UNAUTHORIZED, GATEWAY (every call
// is turned away before the target, or redirected), ROUTE_UNKNOWN,
// STORE_UNFIT (final); whatever may pass is retried by its caller's policy.
func (a *Activities) CheckStart(ctx context.Context, in CheckStartInput) (*CheckStartResult, error) {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	res, err := a.checkStart(ctx, in)
	if err != nil {
		return nil, fault.Activity(err)
	}
	return res, nil
}

func (a *Activities) checkStart(ctx context.Context, in CheckStartInput) (*CheckStartResult, error) {
	settings := a.settings(in)
	loc, err := objectstore.ParseURI(in.File)
	if wrong := oneLine(err, checkID(in.Migration), checkRoute(in.Route), settings.Check(), checkLedgerKey(settings.Environment, loc)); wrong != "" {
		return nil, &fault.Fault{Kind: fault.Final, Code: fault.CodeBadInput, Message: wrong}
	}
	object, err := a.store.Head(ctx, loc)
	if err != nil {
		return nil, err
	}
	if err := a.target.Echo(ctx); err != nil {
		return nil, explainTarget("the target's echo", err)
	}
	rules, err := a.target.Route(ctx, in.Route)
	if err != nil {
		return nil, explainRoute(in.Route, err)
	}
	if err := a.store.CheckConditionalPut(ctx); err != nil {
		return nil, err
	}
	return &CheckStartResult{
		Settings: settings, ETag: object.ETag, Bytes: object.Size, Rules: rules, SearchAttributes: a.marks,
	}, nil
}

// settings overlays the worker's configuration with the start's input.
func (a *Activities) settings(in CheckStartInput) migration.Settings {
	s := a.defaults
	s.DryRun = in.DryRun
	overlay(&s.RequireApproval, in.RequireApproval)
	overlay(&s.ApproveFirstWave, in.ApproveFirstWave)
	overlay(&s.Reconcile, in.Reconcile)
	overlay(&s.Waves, in.Waves)
	overlay(&s.Limits.ErrorRate, in.ErrorRate)
	overlay(&s.Limits.MinSample, in.MinSample)
	overlay(&s.Limits.Consecutive, in.Consecutive)
	overlay(&s.Limits.MaxFailures, in.MaxFailures)
	overlay(&s.Concurrency.Batches, in.Batches)
	overlay(&s.Concurrency.PerBatch, in.PerBatch)
	overlay(&s.RequestsPerSecond, in.RequestsPerSecond)
	return s
}

func overlay[T any](value *T, with *T) {
	if with != nil {
		*value = *with
	}
}

// oneLine tells everything that is wrong in one line; empty if nothing is. A
// fault's code is left to the fault that carries the line.
func oneLine(errs ...error) string {
	var texts []string
	for _, err := range errs {
		if f, ok := fault.As(err); ok {
			texts = append(texts, f.Message)
		} else if err != nil {
			texts = append(texts, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	return strings.Join(texts, "; ")
}

func checkID(id string) error {
	if migration.ValidID(id) {
		return nil
	}
	return fmt.Errorf("workflow id %q can't name a migration: use 1 to 80 letters, digits, '.', '_' and '-', starting with a letter or digit", id)
}

// checkLedgerKey refuses a key under which the claim of the file's name would
// not fit into a store, before anything is claimed.
func checkLedgerKey(environment string, source objectstore.Location) error {
	over := len(migration.LedgerKey(environment, source.Bucket, source.Key)) - objectstore.MaxKeyLength
	if over <= 0 {
		return nil
	}
	return fmt.Errorf("the file's key is too long by %d bytes for the ledger of used names, which keeps it under %s%s/%s/ (copy the file to a shorter key)",
		over, migration.LedgerPrefix, environment, source.Bucket)
}

func checkRoute(route string) error {
	if route != "" {
		return nil
	}
	return errors.New(`route is missing: name the route to migrate to, e.g. "route":"acme-nova"`)
}

func explainTarget(what string, err error) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	told := *f
	told.Message = what + ": " + f.Message
	switch {
	case f.Kind == fault.Unauthorized && f.Code == fault.CodeUnauthorized:
		told.Message += " (check target.username and target.password of the worker's configuration)"
	case f.Kind == fault.Unauthorized:
		told.Message += " (check target.base_url of the worker's configuration, and what stands before the target)"
	}
	return &told
}

func explainRoute(route string, err error) error {
	f, ok := fault.As(err)
	if ok && f.Code == fault.CodeNotFound {
		return &fault.Fault{
			Kind: fault.Final, Code: fault.CodeRouteUnknown, HTTPStatus: f.HTTPStatus,
			Message: fmt.Sprintf("the target does not know route %q (check the spelling, and that it is onboarded in this environment)", route),
		}
	}
	return explainTarget("reading the rules of route "+route, err)
}
