package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Match says which calls, or which items of their answers, a fault befalls.
// Fields that are left out don't choose; those that are there all hold. In a
// pattern, * stands for any text and everything else for itself.
type Match struct {
	// Call is a call in the words of the books, such as create or report.
	Call string `json:"call,omitempty"`
	// ExternalID is a pattern of the whole external id: of the body of a
	// create, of any that a report asks for, and else of the entitlement that
	// the call is about.
	ExternalID string `json:"externalId,omitempty"`
	// Body is a pattern of some part of the call's body or path, as a firewall
	// sees it.
	Body string `json:"body,omitempty"`
	// Rate is the share of those that match; 0 is all.
	Rate float64 `json:"rate,omitempty"`
	// Times ends the fault after as many; 0 is never. It counts anew once the
	// fault has been taken out.
	Times int `json:"times,omitempty"`
}

func (m Match) validate(calls []kind) error {
	var problems []error
	if m.Call != "" && !slices.Contains(calls, kind(m.Call)) {
		problems = append(problems, fmt.Errorf("call: %q is none of %v", m.Call, calls))
	}
	if !(m.Rate >= 0 && m.Rate <= 1) {
		problems = append(problems, fmt.Errorf("rate: %v is not from 0 to 1", m.Rate))
	}
	if m.Times < 0 {
		problems = append(problems, fmt.Errorf("times: %d is negative", m.Times))
	}
	return errors.Join(problems...)
}

// decodeRule reads a rule onto nothing: a list that is read onto another would
// keep the fields that its rules leave out.
func decodeRule[T any](raw []byte, rule *T) error {
	var fresh T
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	err := dec.Decode(&fresh)
	*rule = fresh
	return err
}

// subject is what a Match is held against.
type subject struct {
	kind      kind
	externals func() []string // asked for only where a rule wants to know
	seen      string          // the body and the path
}

// fits reports whether the rule that m belongs to befalls a subject, and
// counts it if it does. rule is the whole rule, a comparable value.
func (s *Server) fits(rule any, m Match, of subject) bool {
	switch {
	case m.Call != "" && kind(m.Call) != of.kind,
		m.Body != "" && !likeText("*"+m.Body+"*", of.seen),
		m.ExternalID != "" && !slices.ContainsFunc(of.externals(), func(id string) bool { return likeText(m.ExternalID, id) }),
		m.Rate > 0 && !s.dice.hit(m.Rate):
		return false
	}
	return m.Times == 0 || s.uses.take(rule, m.Times)
}

// uses counts how often rules that hold for some times only were applied.
type uses struct {
	mu    sync.Mutex
	taken map[any]int
}

func (u *uses) take(rule any, times int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.taken[rule] >= times {
		return false
	}
	if u.taken == nil {
		u.taken = make(map[any]int)
	}
	u.taken[rule]++
	return true
}

// keep forgets the counts of all rules but those that are on.
func (u *uses) keep(f *Faults) {
	on := make(map[any]bool)
	for _, rule := range f.Refuse {
		on[rule] = true
	}
	for _, rule := range f.WriteAnswers {
		on[rule] = true
	}
	for _, rule := range f.OddItems {
		on[rule] = true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for rule := range u.taken {
		if !on[rule] {
			delete(u.taken, rule)
		}
	}
}

// likeText reports whether all of text is as a pattern with * says.
func likeText(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = rest
	}
	return strings.HasSuffix(text, last)
}

// subjectOf is a call as rules see it.
func (s *Server) subjectOf(r *http.Request) subject {
	c := callOf(r)
	return subject{
		kind: c.kind, seen: string(c.body) + "\n" + r.URL.Path,
		externals: func() []string { return s.externalsOf(r, c) },
	}
}

// externalsOf are the external ids that a call is about.
func (s *Server) externalsOf(r *http.Request, c bookedCall) []string {
	var body struct {
		External  string   `json:"externalEntitlementId"`
		Externals []string `json:"externalEntitlementIds"`
		ID        string   `json:"entitlementId"`
	}
	_ = json.Unmarshal(c.body, &body) // what can't be read names nothing
	if c.kind == kindCreate {
		return []string{body.External}
	}
	if c.kind == kindReport {
		return body.Externals
	}
	found, err := s.store.get(r.Context(), cmp.Or(r.PathValue("entitlementId"), body.ID))
	if err != nil || found.now.ExternalEntitlementID == nil {
		return nil
	}
	return []string{*found.now.ExternalEntitlementID}
}
