package dashboard

import (
	"html/template"
	"net/http"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// seen gives a migration that the reader may know of. To others it looks as if
// there were none.
func (s *Server) seen(w http.ResponseWriter, r *http.Request) (st standing, f *migrationFeed, version int, ok bool) {
	id := r.PathValue("id")
	if !migration.ValidID(id) {
		s.nothing(w, r)
		return st, nil, 0, false
	}
	f = s.hub.of(id)
	st, version, err := f.lookFor(r)
	if err != nil {
		s.complain(w, r, http.StatusServiceUnavailable, complaint{"No answer", words(err)})
		return st, nil, 0, false
	}
	switch {
	case !st.known && st.trouble != "":
		s.complain(w, r, http.StatusServiceUnavailable, complaint{"No answer", st.trouble})
	case !st.known || !userOf(r).Sees(st.summary.Route):
		s.nothing(w, r)
	default:
		return st, f, version, true
	}
	return st, nil, 0, false
}

// steered is seen for those who may change the migration.
func (s *Server) steered(w http.ResponseWriter, r *http.Request) (standing, *migrationFeed, bool) {
	st, f, _, ok := s.seen(w, r)
	if ok && !userOf(r).Steers() {
		s.complain(w, r, http.StatusForbidden, complaint{"Not yours to do", "You may look at this migration. Changing it takes an operator."})
		return st, nil, false
	}
	return st, f, ok
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
	st, f, version, ok := s.seen(w, r)
	if !ok {
		return
	}
	regions, err := s.regions(f, st, version, variantOf(userOf(r)))
	if err != nil {
		s.log.Error("A page could not be made.", "migration", st.summary.Migration, "error", err.Error())
		s.complain(w, r, http.StatusInternalServerError, complaint{"This page could not be made", "The dashboard's log says why."})
		return
	}
	id := st.summary.Migration
	body := struct {
		ID    string
		Parts map[string]region
	}{id, map[string]region{}}
	for _, part := range regions {
		body.Parts[part.Name] = part
	}
	page := frame{Title: id, Notice: notice(r), Body: body}
	if st.open || st.trouble != "" {
		page.Events = "/migrations/" + template.URLQueryEscaper(id) + "/events"
	}
	s.show(w, r, http.StatusOK, "migration.html", page)
}

func (s *Server) streamMigration(w http.ResponseWriter, r *http.Request) {
	_, f, _, ok := s.seen(w, r)
	if !ok {
		return
	}
	l := f.listen()
	defer f.leave(l)
	u := userOf(r)
	v := variantOf(u)
	s.stream(w, r, l, func(out *stream) (bool, error) {
		st, version := f.latest()
		if !u.Sees(st.summary.Route) {
			return false, nil // started again under its id, on a route of somebody else's
		}
		regions, err := s.regions(f, st, version, v)
		if err != nil {
			return false, err
		}
		if err := out.send(regions); err != nil {
			return false, err
		}
		if st.open || st.trouble != "" {
			return true, nil
		}
		return false, out.over()
	})
}
