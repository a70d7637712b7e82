// Package resaleapi is generated from api/resale.yaml: the models, the client
// and the server interface of the Resale API, migration profile. The target's
// client (internal/resale) and the sandbox (internal/sandbox) use it; it never
// judges an answer.
package resaleapi

//go:generate go tool -modfile=../../../tools/dev/go.mod oapi-codegen -config oapi-codegen.yaml ../../../api/resale.yaml
