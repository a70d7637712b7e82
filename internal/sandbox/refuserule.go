package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// RefuseRule refuses the calls that match, and nothing is done: one record's
// calls for ever, the next two creates, or whatever a firewall before the
// target takes for an attack.
type RefuseRule struct {
	Match
	// Status is the HTTP status, from 300 to 599.
	Status int `json:"status"`
	// Code is the responseCode; empty is the one that goes with the status,
	// FORBIDDEN with 403.
	Code string `json:"code,omitempty"`
	// Message is the responseMessage; empty is one that names the sandbox.
	Message string `json:"message,omitempty"`
	// HTML answers a gateway's page instead of the API's envelope.
	HTML bool `json:"html,omitempty"`
	// RetryAfter is the header of this name as it stands; empty is none.
	RetryAfter string `json:"retryAfter,omitempty"`
	// Location is the header of this name, for a status below 400.
	Location string `json:"location,omitempty"`
}

// UnmarshalJSON refuses unknown fields; those left out are not set.
func (r *RefuseRule) UnmarshalJSON(raw []byte) error {
	type plain RefuseRule
	return decodeRule(raw, (*plain)(r))
}

func (r RefuseRule) validate() error {
	err := r.Match.validate(slices.Concat(writeKinds, readKinds))
	if r.Status < 300 || r.Status > 599 {
		err = errors.Join(err, fmt.Errorf("status: %d is not from 300 to 599", r.Status))
	}
	return err
}

// refuseByRule answers a call that a rule refuses; false if none does.
func (s *Server) refuseByRule(f *Faults, w http.ResponseWriter, r *http.Request) bool {
	if len(f.Refuse) == 0 {
		return false
	}
	call := s.subjectOf(r)
	at := slices.IndexFunc(f.Refuse, func(rule RefuseRule) bool { return s.fits(rule, rule.Match, call) })
	if at < 0 {
		return false
	}
	f.Refuse[at].answer(w)
	return true
}

func (r RefuseRule) answer(w http.ResponseWriter) {
	if r.RetryAfter != "" {
		w.Header().Set("Retry-After", r.RetryAfter)
	}
	if r.Location != "" {
		w.Header().Set("Location", r.Location)
	}
	if r.HTML {
		writePage(w, r.Status)
		return
	}
	writeJSON(w, r.Status, resaleapi.ErrorAnswer{
		ResponseCode:    cmp.Or(r.Code, codeOf(r.Status)),
		ResponseMessage: cmp.Or(r.Message, faultMessage),
	})
}

// codeOf is the responseCode that goes with a status. ALREADY_EXISTS, the
// other of 409's, needs an entitlement's id.
func codeOf(status int) string {
	switch status {
	case http.StatusForbidden:
		return "FORBIDDEN"
	case http.StatusConflict:
		return "CONFLICT"
	}
	for code, with := range httpStatus {
		if with == status {
			return code
		}
	}
	return "REFUSED"
}

// writePage answers as a gateway before the target does.
func writePage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	text := http.StatusText(status)
	_, _ = fmt.Fprintf(w, "<html><head><title>%d %s</title></head><body><h1>%s</h1></body></html>\n", status, text, text)
}
