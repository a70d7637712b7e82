package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/routes"
)

// routeChoice is what the flags of validate say about a route.
type routeChoice struct {
	value      string // a name, or a file with the rules
	fromTarget bool
}

// maxRouteFile is far above any route's rules.
const maxRouteFile = 16 << 20

// rules gives the rules of the chosen route; nil if there is no choice. Only
// fromTarget asks anybody.
func (r routeChoice) rules(ctx context.Context, c *config.Config) (*entitlement.Route, error) {
	switch {
	case r.value == "" && r.fromTarget:
		return nil, usagef("--from-target needs --route with the route's name")
	case r.value == "":
		return nil, nil
	case r.fromTarget && c.Target.BaseURL == "":
		return nil, &problem{
			code: exitUnable, thing: "route " + r.value,
			err: errors.New("no target is configured"), remedy: "set target.base_url and its credentials",
		}
	case r.fromTarget:
		route, err := targetRoute(ctx, c, r.value)
		return &route, err
	}
	if route, known := routes.Builtin(r.value); known {
		return &route, nil
	}
	if r.isFile() {
		return readRoute(r.value)
	}
	return nil, &problem{
		code: exitUnable, thing: "route " + r.value,
		err:    fmt.Errorf("is neither a file nor one of the routes known without a target: %s", strings.Join(routes.Names(), ", ")),
		remedy: "ask the target with --from-target, or name a file made by 'ferry route NAME --json'",
	}
}

// isFile reports whether the value looks like a file's name, or is one.
func (r routeChoice) isFile() bool {
	if strings.HasSuffix(r.value, ".json") || strings.ContainsAny(r.value, `/\`) {
		return true
	}
	_, err := os.Stat(r.value)
	return err == nil
}

// readRoute reads a file with a route's rules. A key that it doesn't know is
// refused: a misspelt rule would be one that is not checked.
func readRoute(name string) (*entitlement.Route, error) {
	unfit := func(err error) error {
		return &problem{code: exitUnable, thing: "route file " + name, err: err, remedy: "make one with 'ferry route NAME --json'"}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("route: %w", err)
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, maxRouteFile))
	if err != nil {
		return nil, fmt.Errorf("route: %w", err)
	}
	var route entitlement.Route
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&route); err != nil {
		return nil, unfit(notRules(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, unfit(errors.New("has more than one route"))
	}
	if route.Route == "" || route.MerchantAccountKey == "" {
		return nil, unfit(errors.New("has no route or no merchantAccountKey"))
	}
	return &route, nil
}

// notRules says without Go's types what of a file is not as it should be.
func notRules(err error) error {
	other, is := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case !is:
		return fmt.Errorf("holds no route's rules: %w", err)
	case other.Field == "":
		return fmt.Errorf("holds no route's rules, but a JSON %s", other.Value)
	}
	return fmt.Errorf("has a JSON %s for %s", other.Value, other.Field)
}
