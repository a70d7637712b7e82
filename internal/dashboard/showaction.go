package dashboard

import (
	"context"
	"net/http"
	"net/url"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// actionPage asks for confirmation.
type actionPage struct {
	action
	S       migration.Summary
	Plan    planned
	By      string // who asks; fixed where somebody has signed in
	Fixed   bool
	Reason  string
	Problem string
	Form    url.Values // what was filled in; empty at first
}

// Value is what a field holds: what was filled in, or what holds now.
func (p *actionPage) Value(name string, now any) any {
	if p.Form.Has(name) {
		return p.Form.Get(name)
	}
	return now
}

func (s *Server) showAction(w http.ResponseWriter, r *http.Request) {
	st, _, ok := s.steered(w, r)
	if !ok {
		return
	}
	a, known := actionNamed(r.PathValue("action"))
	if !known {
		s.nothing(w, r)
		return
	}
	s.confirm(w, r, http.StatusOK, actionPage{action: a, S: st.summary, Plan: st.plan})
}

func (s *Server) confirm(w http.ResponseWriter, r *http.Request, status int, p actionPage) {
	u := userOf(r)
	p.By, p.Fixed = u.Name, u.Name != ""
	if !p.Fixed {
		p.By = s.defaultBy
		if p.Form.Has("by") {
			p.By = p.Form.Get("by")
		}
	}
	p.Reason = p.Form.Get("reason")
	s.show(w, r, status, "action.html", frame{Title: p.Title, Body: &p})
}

// act does what was confirmed, through the workflow's own update.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	st, f, ok := s.steered(w, r)
	if !ok {
		return
	}
	a, known := actionNamed(r.PathValue("action"))
	if !known {
		s.nothing(w, r)
		return
	}
	page := actionPage{action: a, S: st.summary, Plan: st.plan}
	if err := r.ParseForm(); err != nil {
		s.complain(w, r, http.StatusBadRequest, complaint{"Not understood", "The form could not be read."})
		return
	}
	page.Form = r.PostForm
	who, err := by(userOf(r), page.Form)
	var input any
	if err == nil {
		input, err = a.input(page.Form, who)
	}
	if err != nil {
		page.Problem = err.Error()
		s.confirm(w, r, http.StatusBadRequest, page)
		return
	}
	// What was asked for is done even if the browser leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), callTimeout)
	defer cancel()
	after, err := s.engine.Update(ctx, st.summary.Migration, a.update, input)
	if err != nil {
		page.Problem = err.Error()
		s.confirm(w, r, statusFor(err), page)
		return
	}
	s.log.Info("A migration was steered.", "migration", st.summary.Migration, "action", a.Name, "by", who.By)
	f.learn(after)
	http.Redirect(w, r, "/migrations/"+url.PathEscape(st.summary.Migration)+"?done="+a.Name, http.StatusSeeOther)
}
