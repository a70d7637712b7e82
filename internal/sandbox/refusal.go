package sandbox

import (
	"encoding/json"
	"net/http"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// refusal is an answer other than a success. As the API's messages are for
// people, it names fields and never quotes their values.
type refusal struct {
	code          string
	message       string
	entitlementID string // of ALREADY_EXISTS and CONFLICT
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(code, message string) *refusal { return &refusal{code: code, message: message} }

func bad(message string) *refusal { return refuse(fault.CodeBadRequest, message) }

// httpStatus is the status that goes with each responseCode.
var httpStatus = map[string]int{
	fault.CodeBadRequest:         http.StatusBadRequest,
	fault.CodeUnauthorized:       http.StatusUnauthorized,
	fault.CodeNotFound:           http.StatusNotFound,
	fault.CodeAlreadyExists:      http.StatusConflict,
	fault.CodeConflict:           http.StatusConflict,
	fault.CodeNotAvailable:       http.StatusUnprocessableEntity,
	fault.CodeTooManyRequests:    http.StatusTooManyRequests,
	fault.CodeInternalError:      http.StatusInternalServerError,
	fault.CodeServiceUnavailable: http.StatusServiceUnavailable,
}

func writeRefusal(w http.ResponseWriter, r *refusal) {
	body := resaleapi.ErrorAnswer{ResponseCode: r.code, ResponseMessage: r.message}
	if r.entitlementID != "" {
		body.Parameters = &resaleapi.Parameters{EntitlementID: &r.entitlementID}
	}
	writeJSON(w, httpStatus[r.code], body)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
