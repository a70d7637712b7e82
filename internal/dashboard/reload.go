package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// copyTimeout bounds the copying of a reload.json within the bucket.
const copyTimeout = 15 * time.Minute

// launch starts migrations under new ids.
func (s *Server) launch() operator.Launch {
	return operator.Launch{Engine: s.engine, Archive: s.past.archive}
}

// nameReload finds out what a reload would be called, or says why there can't
// be one.
func (s *Server) nameReload(w http.ResponseWriter, r *http.Request, v *visit, p *actionPage) bool {
	if !v.reloadable() {
		s.complain(w, r, http.StatusConflict, complaint{"Nothing to reload", "This migration runs, or has left nothing to do."})
		return false
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	var err error
	if p.Reload, err = s.launch().NextReload(ctx, v.id()); err != nil {
		s.complain(w, r, http.StatusServiceUnavailable, complaint{"No answer", words(err)})
		return false
	}
	return true
}

// reload starts what a migration left over, and gives the new one's id. The
// form names it: who sends it twice, or after somebody else, is told so. The
// file goes through this process, so it takes a place like an upload.
func (s *Server) reload(ctx context.Context, who string, v *visit, p *actionPage) (string, error) {
	next := p.Reload
	if wanted := p.Form.Get("as"); wanted != next.ID {
		return "", fmt.Errorf("%w: %s has been started meanwhile; this would be %s", operator.ErrRefused, wanted, next.ID)
	}
	leave, err := s.uploads.take(who)
	if err != nil {
		return "", err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, copyTimeout)
	defer cancel()
	known, err := operator.EndedFiles(ctx, s.engine, s.past.archive, v.id())
	if err != nil {
		return "", err
	}
	_, place, err := operator.CopyReload(ctx, s.store, v.id(), next.ID, known)
	if err != nil {
		return "", err
	}
	in := workflows.MigrateFileInput{File: place.String(), Route: v.summary.Route, Parent: v.id()}
	if _, err := s.launch().Start(ctx, next.ID, in, next.Again); err != nil {
		return "", err
	}
	s.hub.renew(next.ID)
	return next.ID, nil
}
