package dashboard

import (
	"context"
	"html/template"
	"net/http"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// visit is a look at a migration that the reader may know of. Its feed is
// listened to until leave.
type visit struct {
	standing
	version  int
	feed     *migrationFeed
	listener *listener
}

func (v *visit) leave() { v.feed.leave(v.listener) }

func (v *visit) id() string { return v.summary.Migration }

// seen looks at a migration that the reader may know of. To others it looks as
// if there were none. If ok, the visit is the caller's to leave.
func (s *Server) seen(w http.ResponseWriter, r *http.Request) (v *visit, ok bool) {
	id := r.PathValue("id")
	if !migration.ValidID(id) {
		s.nothing(w, r)
		return nil, false
	}
	if !s.mayKnow(w, r, id) {
		return nil, false
	}
	v = &visit{}
	v.feed, v.listener = s.hub.join(id) //nolint:contextcheck // polling outlives the one who looks
	ctx, cancel := context.WithTimeout(r.Context(), lookTimeout)
	defer cancel()
	var err error
	v.standing, v.version, err = v.feed.await(ctx, v.listener)
	switch {
	case err != nil:
		s.complain(w, r, http.StatusServiceUnavailable, complaint{"No answer", words(err)})
	case !v.known && v.trouble != "":
		s.complain(w, r, http.StatusServiceUnavailable, complaint{"No answer", v.trouble})
	case !v.known || !userOf(r).Sees(v.summary.Route):
		s.nothing(w, r)
	default:
		return v, true
	}
	v.leave()
	return nil, false
}

// steered is seen for those who may change the migration.
func (s *Server) steered(w http.ResponseWriter, r *http.Request) (*visit, bool) {
	v, ok := s.seen(w, r)
	if ok && !userOf(r).Steers() {
		v.leave()
		s.complain(w, r, http.StatusForbidden, complaint{"Not yours to do", "You may look at this migration. Changing it takes an operator."})
		return nil, false
	}
	return v, ok
}

// notices are what a page says after an action.
func notice(r *http.Request) string {
	done := r.URL.Query().Get("done")
	if done == "start" {
		return "The migration has started."
	}
	if a, ok := actionNamed(done); ok {
		return a.Done
	}
	return ""
}

func (s *Server) showMigration(w http.ResponseWriter, r *http.Request) {
	v, ok := s.seen(w, r)
	if !ok {
		return
	}
	defer v.leave()
	regions, err := s.regions(v.feed, v.standing, v.version, variantOf(userOf(r)))
	if err != nil {
		s.log.Error("A page could not be made.", "migration", v.id(), "error", err.Error())
		s.complain(w, r, http.StatusInternalServerError, complaint{"This page could not be made", "The dashboard's log says why."})
		return
	}
	body := struct {
		ID    string
		Parts map[string]region
	}{v.id(), map[string]region{}}
	for _, part := range regions {
		body.Parts[part.Name] = part
	}
	page := frame{Title: v.id(), Notice: notice(r), Body: body}
	if v.moving() {
		page.Events = "/migrations/" + template.URLQueryEscaper(v.id()) + "/events"
	}
	s.show(w, r, http.StatusOK, "migration.html", page)
}

func (s *Server) streamMigration(w http.ResponseWriter, r *http.Request) {
	v, ok := s.seen(w, r)
	if !ok {
		return
	}
	defer v.leave()
	u := userOf(r)
	kind := variantOf(u)
	v.listener.tell() // of what it has seen already
	s.stream(w, r, v.listener, func(out *stream) (bool, error) {
		st, version := v.feed.latest()
		if !u.Sees(st.summary.Route) {
			return false, nil // started again under its id, on a route of somebody else's
		}
		regions, err := s.regions(v.feed, st, version, kind)
		if err != nil {
			return false, err
		}
		if err := out.send(regions); err != nil {
			return false, err
		}
		if st.moving() {
			return true, nil
		}
		return false, out.over()
	})
}
