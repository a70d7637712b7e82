package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// write is one call that may change something.
type write struct {
	kind    kind
	request *resaleapi.RequestIdentifier
	path    string // with the body, what a remembered identifier stands for
	body    any
	// load finds or begins the row that is changed, and gives the entitlement
	// as it is to become.
	load func(context.Context, time.Time) (row, resaleapi.Entitlement, error)
}

// perform does a write once: a known identifier is answered from memory, and
// what takes effect is stored together with its answer and the books.
func (s *Server) perform(w write) (*answer, error) {
	fingerprint, err := w.fingerprint()
	if err != nil {
		return nil, err
	}
	if s.faults.Load().Forgetful {
		w.request = nil
	}
	now := s.now().UTC()
	if err := s.store.settle(now); err != nil {
		return nil, err
	}
	var given *answer
	err = s.store.write(func(ctx context.Context) error {
		var err error
		if given, err = s.store.recall(ctx, w.request, fingerprint); given != nil || err != nil {
			return err
		}
		given, err = s.effect(ctx, w, fingerprint, now)
		return err
	})
	var ref *refusal
	switch {
	case errors.As(err, &ref):
		s.counts.reject()
		return nil, ref
	case err != nil:
		return nil, err
	case given.replayed:
		s.counts.replay()
	}
	return given, nil
}

func (s *Server) effect(ctx context.Context, w write, fingerprint []byte, now time.Time) (*answer, error) {
	r, next, err := w.load(ctx, now)
	if err != nil {
		return nil, err
	}
	if err := s.checkAction(r.route, next.ProductKey, w.kind); err != nil {
		return nil, err
	}
	f := s.faults.Load()
	next = f.storedDates(next)
	status := http.StatusOK
	if s.dice.hit(f.AcceptedRate) {
		status = http.StatusAccepted
		r = r.accepted(next, w.kind, now.Add(time.Duration(f.SettleAfterMs)*time.Millisecond))
	} else {
		r = r.changed(next)
	}
	given, err := newAnswer(status, r.now)
	if err != nil {
		return nil, err
	}
	return given, errors.Join(
		s.store.save(ctx, r),
		s.store.remember(ctx, w.request, fingerprint, given),
		s.store.countEffective(ctx, w.kind),
	)
}

func (w write) fingerprint() ([]byte, error) {
	body, err := json.Marshal(w.body)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	h.Write([]byte(string(w.kind) + " " + w.path + "\n"))
	h.Write(body)
	return h.Sum(nil), nil
}

// existing loads an entitlement for a change.
func (s *Server) existing(id string, c change) func(context.Context, time.Time) (row, resaleapi.Entitlement, error) {
	return func(ctx context.Context, now time.Time) (row, resaleapi.Entitlement, error) {
		r, err := scanRow(s.store.stmts.byID.QueryRowContext(ctx, id))
		if errors.Is(err, sql.ErrNoRows) {
			return r, r.now, unknownEntitlement()
		}
		if err != nil {
			return r, r.now, err
		}
		next, err := c.apply(r.now, now)
		return r, next, err
	}
}

func unknownEntitlement() *refusal { return refuse(fault.CodeNotFound, "there is no such entitlement") }

// fresh begins a new entitlement.
func (s *Server) fresh(body *resaleapi.CreateRequest) func(context.Context, time.Time) (row, resaleapi.Entitlement, error) {
	return func(ctx context.Context, now time.Time) (row, resaleapi.Entitlement, error) {
		var none resaleapi.Entitlement
		body := s.faults.Load().storedCreate(body)
		route, err := s.rules.checkCreate(body)
		if err != nil {
			return row{}, none, err
		}
		if err := s.checkUnique(ctx, route.Route, body.ExternalEntitlementID); err != nil {
			return row{}, none, err
		}
		if err := s.checkLimit(ctx, route, body, now); err != nil {
			return row{}, none, err
		}
		id, err := uuid.NewV7() // in order of time, which the index likes
		if err != nil {
			return row{}, none, err
		}
		return row{route: route.Route, final: finalStatus(body)}, created(body, id.String(), now), nil
	}
}

func (s *Server) checkUnique(ctx context.Context, route string, external *string) error {
	if external == nil || !s.faults.Load().UniqueExternalIDs {
		return nil
	}
	var id string
	err := s.store.stmts.byExternal.QueryRowContext(ctx, *external, route).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return &refusal{
		code: fault.CodeAlreadyExists, entitlementID: id,
		message: "an entitlement with this externalEntitlementId exists already",
	}
}

func (s *Server) checkLimit(ctx context.Context, route entitlement.Route, body *resaleapi.CreateRequest, now time.Time) error {
	if route.EntitlementsPerCustomer == 0 || !finalStatus(body).Living() {
		return nil
	}
	var living int
	row := s.store.stmts.living.QueryRowContext(ctx, body.CustomerIdentifier, route.Route, now.UnixMilli())
	if err := row.Scan(&living); err != nil {
		return err
	}
	if living >= route.EntitlementsPerCustomer {
		return bad("the maximum number of subscriptions was reached for this customer")
	}
	return nil
}

// recall gives the remembered answer of an identifier, nil if there is none,
// and refuses an identifier that stands for another request.
func (s *store) recall(ctx context.Context, request *string, fingerprint []byte) (*answer, error) {
	if request == nil {
		return nil, nil
	}
	var known []byte
	given := &answer{replayed: true}
	err := s.stmts.recall.QueryRowContext(ctx, *request).Scan(&known, &given.status, &given.body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case !bytes.Equal(known, fingerprint):
		return nil, bad("X-RequestIdentifier was used for another request")
	}
	return given, nil
}

func (s *store) remember(ctx context.Context, request *string, fingerprint []byte, given *answer) error {
	if request == nil {
		return nil
	}
	_, err := s.stmts.remember.ExecContext(ctx, *request, fingerprint, given.status, given.body)
	return err
}

func (s *store) countEffective(ctx context.Context, k kind) error {
	_, err := s.stmts.count.ExecContext(ctx, bookWrites+string(k))
	return err
}

// save stores a new row or a changed one, and notes when it changes by itself.
func (s *store) save(ctx context.Context, r row) error {
	doc, err := encode(&r.now)
	if err != nil {
		return err
	}
	next, err := encode(r.next)
	if err != nil {
		return err
	}
	due := millis(&r.due)
	if at, ok := due.(int64); ok && at < s.nextDue.Load() {
		s.nextDue.Store(at)
	}
	e := r.now
	if r.seq != 0 {
		_, err = s.stmts.update.ExecContext(ctx, e.Status, millis(e.DateEnded), due, doc, next, r.seq)
		return err
	}
	_, err = s.stmts.insert.ExecContext(ctx, e.EntitlementID, r.route, e.ExternalEntitlementID,
		e.CustomerIdentifier, e.ProductKey, e.Status, r.final, millis(e.DateEnded), due, doc, next)
	return err
}
