package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// WriteAnswer answers writes as the API never does, though they succeed.
type WriteAnswer struct {
	Match
	// As is how: see AnswerKind.
	As AnswerKind `json:"as"`
	// Instead leaves the write undone; else it is done before.
	Instead bool `json:"instead,omitempty"`
}

// AnswerKind is how the answer of a write that succeeds is spoilt.
type AnswerKind string

// The ways in which answers are spoilt.
const (
	AnswerCreated   AnswerKind = "201"      // the entitlement, but status 201
	AnswerNoContent AnswerKind = "204"      // status 204 and no body
	AnswerPage      AnswerKind = "html"     // status 200 and a page of HTML
	AnswerEmpty     AnswerKind = "empty"    // status 200 and no body
	AnswerBare      AnswerKind = "bare"     // OK without an entitlement
	AnswerOtherID   AnswerKind = "other-id" // OK with another external id
)

var answerKinds = []AnswerKind{
	AnswerCreated, AnswerNoContent, AnswerPage, AnswerEmpty, AnswerBare, AnswerOtherID,
}

// UnmarshalJSON refuses unknown fields; those left out are not set.
func (a *WriteAnswer) UnmarshalJSON(raw []byte) error {
	type plain WriteAnswer
	return decodeRule(raw, (*plain)(a))
}

func (a WriteAnswer) validate() error {
	err := a.Match.validate(writeKinds)
	if !slices.Contains(answerKinds, a.As) {
		err = errors.Join(err, fmt.Errorf("as: %q is none of %v", a.As, answerKinds))
	}
	return err
}

// spoilt finds the rule by which a write is answered, nil if there is none.
// It is asked once per call, before the call is served.
func (s *Server) spoilt(f *Faults, r *http.Request) *WriteAnswer {
	if len(f.WriteAnswers) == 0 || !callOf(r).kind.write() {
		return nil
	}
	call := s.subjectOf(r)
	for i, rule := range f.WriteAnswers {
		if s.fits(rule, rule.Match, call) {
			return &f.WriteAnswers[i]
		}
	}
	return nil
}

// spoil changes the answer of a write that succeeded, or that was left undone.
func (a WriteAnswer) spoil(k *keptAnswer) {
	switch a.As {
	case AnswerCreated:
		k.status = http.StatusCreated
	case AnswerNoContent:
		k.status = http.StatusNoContent
		k.body.Reset()
		delete(k.header, "Content-Type")
	case AnswerEmpty:
		k.status = http.StatusOK
		k.body.Reset()
	case AnswerPage:
		k.status = http.StatusOK
		k.body.Reset()
		writePage(k, http.StatusOK)
	case AnswerBare:
		k.status = http.StatusOK
		k.body.Reset()
		writeJSON(k, http.StatusOK, map[string]string{"responseCode": codeOK, "responseMessage": success})
	case AnswerOtherID:
		k.changeBody(map[string]any{"externalEntitlementId": otherID})
	}
}

// otherID is the external id of nobody's.
const otherID = "sandbox-other-id"

// changeBody sets fields of an answer that is an object.
func (k *keptAnswer) changeBody(fields map[string]any) {
	body := make(map[string]any)
	if json.Unmarshal(k.body.Bytes(), &body) != nil {
		return
	}
	maps.Copy(body, fields)
	k.body.Reset()
	_ = json.NewEncoder(&k.body).Encode(body)
}
