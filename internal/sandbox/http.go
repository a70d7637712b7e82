package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/f0a90b9a/ferry/api"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// bodyLimit is the longest request body that is read, in bytes.
const bodyLimit = 1 << 20

// operation is one call of the API: what it is in the books, and what the
// published document says of it.
type operation struct {
	kind kind
	spec *routers.Route
}

// operationKinds are the document's operationIds in the words of the books.
// updateEntitlement is suspend or resume by its body.
var operationKinds = map[string]kind{
	"echo": kindEcho, "getRoute": kindRoute, "createEntitlement": kindCreate,
	"activateEntitlement": kindActivate, "updateEntitlement": kindSuspend,
	"cancelEntitlement": kindCancel, "revokeEntitlement": kindRevoke,
	"getEntitlement": kindGet, "reportEntitlements": kindReport,
}

// routesOfHTTP puts the handlers together. A call of the API goes through
// credentials, books, faults and the published document before it is served.
func (s *Server) routesOfHTTP() (http.Handler, error) {
	operations, err := readOperations()
	if err != nil {
		return nil, err
	}
	strict := resaleapi.NewStrictHandlerWithOptions(&handlers{s}, nil, resaleapi.StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  func(w http.ResponseWriter, _ *http.Request, _ error) { writeRefusal(w, bad("the body can't be read")) },
		ResponseErrorHandlerFunc: s.writeError,
	})
	mux := http.NewServeMux()
	resaleapi.HandlerWithOptions(strict, resaleapi.StdHTTPServerOptions{
		BaseRouter:       mux,
		ErrorHandlerFunc: func(w http.ResponseWriter, _ *http.Request, _ error) { writeRefusal(w, bad("a parameter is invalid")) },
		// The last is the first to see a call.
		Middlewares: []resaleapi.MiddlewareFunc{
			s.check(operations), s.inject, s.book(operations), s.requireCredentials,
		},
	})
	mux.Handle("/v1/", s.requireCredentials(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeRefusal(w, refuse(fault.CodeNotFound, "there is no such call"))
	})))
	mux.Handle("/_sandbox/", s.requireCredentials(s.adminHandler()))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	return mux, nil
}

// readOperations finds the document's operations by the pattern under which
// the generated server registers them.
func readOperations() (map[string]operation, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Resale)
	if err != nil {
		return nil, fmt.Errorf("resale.yaml: %w", err)
	}
	operations := make(map[string]operation)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			kind, ok := operationKinds[op.OperationID]
			if !ok {
				return nil, fmt.Errorf("resale.yaml: operation %s is not served", op.OperationID)
			}
			operations[method+" "+path] = operation{kind: kind, spec: &routers.Route{
				Spec: doc, Path: path, PathItem: item, Method: method, Operation: op,
			}}
		}
	}
	return operations, nil
}

func (s *Server) requireCredentials(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.authorized(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="resale"`)
			writeRefusal(w, refuse(fault.CodeUnauthorized, "the credentials are missing or wrong"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// book counts a call, reads its body, and notes what it is for those behind.
func (s *Server) book(operations map[string]operation) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
			if err != nil {
				writeRefusal(w, bad("the body is too long or cut"))
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			kind := operations[r.Pattern].kind
			if kind == kindSuspend && resumes(body) {
				kind = kindResume
			}
			s.counts.call(kind)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callKey{}, bookedCall{kind, body})))
		})
	}
}

type callKey struct{}

// bookedCall is what the books note of a call for those behind them.
type bookedCall struct {
	kind kind
	body []byte
}

func callOf(r *http.Request) bookedCall {
	c, _ := r.Context().Value(callKey{}).(bookedCall)
	return c
}

func resumes(body []byte) bool {
	var update struct {
		Benefits resaleapi.Benefits `json:"entitlementBenefits"`
	}
	return json.Unmarshal(body, &update) == nil && update.Benefits == resaleapi.BenefitsNORMAL
}

// check holds a call against the published document.
func (s *Server) check(operations map[string]operation) func(http.Handler) http.Handler {
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			spec := operations[r.Pattern].spec
			input := &openapi3filter.RequestValidationInput{Request: r, Route: spec, PathParams: pathParams(r, spec), Options: options}
			if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
				if callOf(r).kind.write() {
					s.counts.reject()
				}
				writeRefusal(w, bad(complaint(err)))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func pathParams(r *http.Request, spec *routers.Route) map[string]string {
	params := make(map[string]string)
	for _, p := range spec.Operation.Parameters {
		if p.Value.In == openapi3.ParameterInPath {
			params[p.Value.Name] = r.PathValue(p.Value.Name)
		}
	}
	return params
}

// complaint names what is wrong with a request, without its values.
func complaint(err error) string {
	if schema, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		field := "the body"
		if pointer := schema.JSONPointer(); len(pointer) > 0 {
			field = pointer[len(pointer)-1]
		}
		return field + " is required or invalid (" + schema.SchemaField + ")"
	}
	var request *openapi3filter.RequestError
	if errors.As(err, &request) && request.Parameter != nil {
		return request.Parameter.Name + " is required or invalid"
	}
	return "the body is invalid"
}

// writeError answers for a handler that gave an error: a refusal, or trouble of
// the sandbox's own.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if ref, ok := errors.AsType[*refusal](err); ok {
		writeRefusal(w, ref)
		return
	}
	s.log.ErrorContext(r.Context(), "the sandbox could not serve a call", "error", err)
	writeRefusal(w, refuse(fault.CodeInternalError, "the sandbox could not serve the call"))
}
