package dashboard

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// moveIn is how long a copy may stand still.
const moveIn = 30 * time.Second

// download gives one of a migration's files, whole. Those that hold records
// are for operators.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	v, ok := s.seen(w, r)
	if !ok {
		return
	}
	v.leave() // nobody looks at the page while the file goes out
	id, name := v.id(), r.PathValue("name")
	if !isFile(name) {
		s.nothing(w, r)
		return
	}
	u := userOf(r)
	if personal(name) && !u.Steers() {
		s.complain(w, r, http.StatusForbidden, complaint{"Not yours to download", "This file holds personal data. It takes an operator."})
		return
	}
	loc := s.store.Work(migration.Key(id, name))
	object, err := s.store.Head(r.Context(), loc)
	if missing(err) {
		s.complain(w, r, http.StatusNotFound, complaint{"No such file", "This migration has no file of that name, or not yet."})
		return
	}
	if err != nil {
		s.complain(w, r, http.StatusServiceUnavailable, complaint{"No answer", words(err)})
		return
	}
	known, err := s.genuine(r.Context(), id, name, object)
	if err != nil {
		s.complain(w, r, http.StatusServiceUnavailable, complaint{"Not given out", words(err)})
		return
	}
	body, err := s.store.Open(r.Context(), loc, object.ETag)
	if err != nil {
		s.complain(w, r, http.StatusServiceUnavailable, complaint{"No answer", words(err)})
		return
	}
	defer body.Close()
	h := w.Header()
	h.Set("Content-Type", kindOf(name))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": savedAs(id, name)}))
	h.Set("Content-Length", strconv.FormatInt(object.Size, 10))
	s.log.Info("A file was downloaded.", "migration", id, "file", name, "by", u.Name)
	if _, err := io.Copy(newMovingWriter(w), operator.Genuine(id, name, known, body)); err != nil && !errors.Is(err, context.Canceled) {
		s.log.Warn("A download broke off.", "migration", id, "file", name, "error", err.Error())
		panic(http.ErrAbortHandler) // so that the browser doesn't take it for whole
	}
}

// smallFile is up to which a file is read before any of it is given out, so
// that a changed one is told on a page and not by a download that breaks off.
const smallFile = 64 << 20

// genuine gives an ended migration's files as they are known, and refuses one
// that is another now.
func (s *Server) genuine(ctx context.Context, id, name string, object objectstore.Object) (map[string]migration.FileInfo, error) {
	known, err := operator.EndedFiles(ctx, s.engine, s.past.archive, id)
	if err != nil || object.Size > smallFile && object.Size == known[name].Bytes {
		return known, err
	}
	if _, ok := known[name]; !ok {
		return known, nil
	}
	body, err := s.store.Open(ctx, object.Location, object.ETag)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	_, err = io.Copy(io.Discard, operator.Genuine(id, name, known, body))
	return known, err
}

// unlimited lets an answer take its time, as the caller bounds it.
func unlimited(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
}

// movingWriter bounds each write, not the whole answer.
type movingWriter struct {
	w   io.Writer
	ctl *http.ResponseController
}

func newMovingWriter(w http.ResponseWriter) io.Writer {
	m := &movingWriter{w: w, ctl: http.NewResponseController(w)}
	_ = m.ctl.SetReadDeadline(time.Time{}) // as for a stream
	return m
}

func (m *movingWriter) Write(p []byte) (int, error) {
	_ = m.ctl.SetWriteDeadline(time.Now().Add(moveIn))
	return m.w.Write(p)
}

// movingReader bounds each read of an upload; what follows its end may take
// its time.
type movingReader struct {
	r   io.Reader
	ctl *http.ResponseController
}

func (m *movingReader) Read(p []byte) (int, error) {
	_ = m.ctl.SetReadDeadline(time.Now().Add(moveIn))
	n, err := m.r.Read(p)
	if err != nil {
		_ = m.ctl.SetReadDeadline(time.Time{})
	}
	return n, err
}
