package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// adminHandler serves what is the sandbox's own, under /_sandbox/.
func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Faults())
	})
	mux.HandleFunc("PUT /_sandbox/faults", func(w http.ResponseWriter, r *http.Request) {
		s.serveChange(w, r, func(f *Faults) any { *f = DefaultFaults(); return f })
	})
	mux.HandleFunc("PATCH /_sandbox/faults", func(w http.ResponseWriter, r *http.Request) {
		s.serveChange(w, r, func(f *Faults) any { return f })
	})
	mux.HandleFunc("GET /_sandbox/refusals", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Faults().Refusals)
	})
	mux.HandleFunc("PUT /_sandbox/refusals", func(w http.ResponseWriter, r *http.Request) {
		s.serveChange(w, r, func(f *Faults) any {
			if f.Refusals == nil {
				f.Refusals = make(map[entitlement.Step][]string)
			}
			return &f.Refusals
		})
	})
	mux.HandleFunc("POST /_sandbox/forget", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, func() (any, error) { n, err := s.Forget(); return map[string]int64{"forgotten": n}, err })
	})
	mux.HandleFunc("GET /_sandbox/stats", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, func() (any, error) { return s.Stats(r.Context()) })
	})
	mux.HandleFunc("GET /_sandbox/entitlements", s.serveList)
	return mux
}

// Forget lets all remembered identifiers expire, and tells how many there were.
func (s *Server) Forget() (int64, error) {
	var n int64
	err := s.store.write(func(ctx context.Context) error {
		result, err := s.store.stmts.forget.ExecContext(ctx)
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	return n, err
}

// serveChange reads a body onto what part gives of the faults that are on, and
// answers the faults as they then are. Fields that are absent stay as part
// left them.
func (s *Server) serveChange(w http.ResponseWriter, r *http.Request, part func(*Faults) any) {
	err := s.ChangeFaults(func(f *Faults) error {
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyLimit))
		dec.DisallowUnknownFields()
		if err := dec.Decode(part(f)); err != nil {
			return err
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			return errors.New("there is more than one JSON value")
		}
		return nil
	})
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, s.Faults())
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, do func() (any, error)) {
	body, err := do()
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

// serveList streams all entitlements, one JSON object a line. An error after
// the first line cuts the connection, so that no half list looks whole.
func (s *Server) serveList(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	for e, err := range s.Entitlements(r.Context(), r.URL.Query().Get("route")) {
		if err == nil {
			err = enc.Encode(e)
		}
		if err != nil {
			s.log.ErrorContext(r.Context(), "the list of entitlements was cut", "error", err)
			panic(http.ErrAbortHandler)
		}
	}
}
