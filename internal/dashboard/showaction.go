package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// actionPage asks for confirmation.
type actionPage struct {
	action
	S       migration.Summary
	Plan    planned
	Hash    string          // of the plan as it is now
	Reload  operator.Reload // what it would be called, of a reload
	By      string          // who asks; fixed where somebody has signed in
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
	if v, page, ok := s.asked(w, r); ok {
		v.leave()
		s.confirm(w, r, http.StatusOK, page)
	}
}

// asked finds the migration and the action of a request.
func (s *Server) asked(w http.ResponseWriter, r *http.Request) (v *visit, p actionPage, ok bool) {
	if v, ok = s.steered(w, r); !ok {
		return nil, p, false
	}
	if p.action, ok = actionNamed(r.PathValue("action")); !ok {
		s.nothing(w, r)
	} else if p.Name == nameReload {
		ok = s.nameReload(w, r, v, &p)
	}
	if !ok {
		v.leave()
	}
	p.S, p.Plan, p.Hash = v.summary, v.plan, v.planHash()
	return v, p, ok
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

// act does what was confirmed.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	v, page, ok := s.asked(w, r)
	if !ok {
		return
	}
	defer v.leave()
	if err := r.ParseForm(); err != nil {
		s.complain(w, r, http.StatusBadRequest, complaint{"Not understood", "The form could not be read."})
		return
	}
	page.Form = r.PostForm
	who, err := by(userOf(r), page.Form)
	var input any
	if err == nil {
		input, err = page.input(page.Form, who)
	}
	if err != nil {
		page.Problem = err.Error()
		s.confirm(w, r, http.StatusBadRequest, page)
		return
	}
	// What was asked for is done even if the browser leaves.
	ctx := context.WithoutCancel(r.Context())
	shown := v.id()
	if page.Name == nameReload {
		unlimited(w)
		shown, err = s.reload(ctx, s.whose(r), v, &page)
	} else {
		err = s.update(ctx, v, page.update, input)
	}
	if err != nil {
		page.Problem = err.Error()
		if full, is := errors.AsType[*fullError](err); is {
			retryAfter(w.Header(), full.again)
		}
		s.confirm(w, r, statusFor(err), page)
		return
	}
	s.log.Info("A migration was steered.", "migration", v.id(), "action", page.Name, "by", who.By)
	http.Redirect(w, r, "/migrations/"+url.PathEscape(shown)+"?done="+page.Name, http.StatusSeeOther)
}

// update steers through the workflow's own update.
func (s *Server) update(ctx context.Context, v *visit, name string, input any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	after, err := s.engine.Update(ctx, v.id(), name, input)
	if err == nil {
		v.feed.learn(after)
	}
	return err
}
