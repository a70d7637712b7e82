package resale

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// echoLimit bounds the question whether the target's echo passes, which comes
// on top of a call that has had its answer.
const echoLimit = 10 * time.Second

// attribute finds out whose a refusal is that came from before the target, or
// names no cause. If the target's echo passes at the same time it is this
// call's alone; if echo is refused as well it is the run's; and if echo doesn't
// come through the target is away.
func (c *Client) attribute(ctx context.Context, k call, f *fault.Fault) {
	if k.name == callEcho {
		k.blameRun(f)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, echoLimit)
	defer cancel()
	err := c.Echo(ctx)
	e, failed := fault.As(err)
	switch {
	case !failed:
		f.Alone = true
		if f.Kind == fault.Unauthorized {
			f.Kind = fault.Final
		}
		explain(f, ", while echo passes: this call alone is refused")
	case e.Kind == fault.Unauthorized:
		explain(f, ", and so is "+e.Message[:e.OwnWords])
		k.blameRun(f)
	case f.Kind == fault.Unauthorized:
		f.Kind = fault.Retryable
		explain(f, ", and "+e.Message[:e.OwnWords])
	}
}

// blameRun makes a refusal of every call nobody's record.
func (k call) blameRun(f *fault.Fault) {
	if f.Kind == fault.Unauthorized && f.HTTPStatus == http.StatusForbidden {
		f.Code = fault.CodeUnauthorized
	}
}

// explain adds to Ferry's own words, before what is quoted.
func explain(f *fault.Fault, words string) {
	f.Message = f.Message[:f.OwnWords] + words + f.Message[f.OwnWords:]
	f.OwnWords += len(words)
}

// redirectedTo is where an answer points: host and path alone, since what else
// an address has may be a secret.
func redirectedTo(got answer) string {
	to, err := url.Parse(got.header.Get("Location"))
	if err != nil || got.header.Get("Location") == "" {
		return "nowhere"
	}
	if got.from != nil {
		to = got.from.ResolveReference(to)
	}
	return clean((&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String())
}
