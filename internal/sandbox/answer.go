package sandbox

import (
	"encoding/json"
	"net/http"

	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// answer is the success of a write or of a read of one entitlement, as it goes
// over the wire and as it is remembered.
type answer struct {
	status   int
	body     []byte
	replayed bool
}

func newAnswer(status int, e resaleapi.Entitlement) (*answer, error) {
	envelope := resaleapi.Envelope{ResponseCode: "OK", ResponseMessage: "Success"}
	if status == http.StatusAccepted {
		envelope.ResponseMessage = "Accepted and pending"
	}
	body, err := json.Marshal(struct {
		resaleapi.Envelope
		resaleapi.Entitlement
	}{envelope, e})
	return &answer{status: status, body: body}, err
}

func (a *answer) visit(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, err := w.Write(a.body)
	return err
}

// VisitCreateEntitlementResponse writes the answer.
func (a *answer) VisitCreateEntitlementResponse(w http.ResponseWriter) error { return a.visit(w) }

// VisitUpdateEntitlementResponse writes the answer.
func (a *answer) VisitUpdateEntitlementResponse(w http.ResponseWriter) error { return a.visit(w) }

// VisitActivateEntitlementResponse writes the answer.
func (a *answer) VisitActivateEntitlementResponse(w http.ResponseWriter) error { return a.visit(w) }

// VisitCancelEntitlementResponse writes the answer.
func (a *answer) VisitCancelEntitlementResponse(w http.ResponseWriter) error { return a.visit(w) }

// VisitRevokeEntitlementResponse writes the answer.
func (a *answer) VisitRevokeEntitlementResponse(w http.ResponseWriter) error { return a.visit(w) }

// VisitGetEntitlementResponse writes the answer.
func (a *answer) VisitGetEntitlementResponse(w http.ResponseWriter) error { return a.visit(w) }
