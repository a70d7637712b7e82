package activities

import (
	"context"
	"errors"
	"slices"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// againLimit bounds the records of one LookAtBatches that are told apart as
// different: the answer goes into a history.
const againLimit = 100

// LookAtBatchesInput names consecutive batches of a migration.
type LookAtBatchesInput struct {
	Migration string `json:"migration"`
	Route     string `json:"route"`
	From      int    `json:"from"` // batch numbers, both included
	To        int    `json:"to"`

	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`
}

// Look is a first look at consecutive records.
type Look struct {
	Right migration.Correlation `json:"right"` // those that are as they should be
	Again []int                 `json:"again"` // records to be looked at again, in order
	// Rest are records that were not looked at, because so many before them
	// have to be looked at again anyway; nil: none.
	Rest   *Stretch `json:"rest,omitempty"`
	Looked int      `json:"looked"` // records passed
}

// Stretch are consecutive records, both ends included.
type Stretch struct {
	First int `json:"first"`
	Last  int `json:"last"`
}

// LookAtBatches reads back what some batches of a past migration left at the
// target, some hundred records a call, and says which of them to look at
// again. It writes nothing.
func (a *Activities) LookAtBatches(ctx context.Context, in LookAtBatchesInput) (*Look, error) {
	ctx, stop := withPulse(ctx)
	defer stop()
	ctx = a.pace.of(ctx, in.Migration, in.Route, in.RequestsPerSecond)
	plan, err := a.plans.get(ctx, in.Migration)
	if err != nil {
		return nil, fault.Activity(err)
	}
	left, err := a.leftOf(ctx, in.Migration)
	if err != nil {
		return nil, fault.Activity(err)
	}
	look, err := a.look(ctx, lookRange{
		migration: in.Migration, batches: plan.Batches[max(in.From, 1)-1 : min(in.To, len(plan.Batches))],
		limit: againLimit, later: true, written: left.Written,
	})
	if err != nil {
		return nil, fault.Activity(err)
	}
	return look, nil
}

var errEnough = errors.New("enough records to look at again")

// lookRange are the records of a first look.
type lookRange struct {
	migration string
	batches   []migrationfile.Batch
	limit     int // of records to be looked at again
	later     bool
	written   *migration.Written
}

func (a *Activities) look(ctx context.Context, r lookRange) (*Look, error) {
	res := &Look{}
	if len(r.batches) == 0 {
		return res, nil
	}
	last := r.batches[len(r.batches)-1]
	end := last.First + last.Count - 1
	w := walk{activities: a, check: migration.NewCheck(r.written), ask: func(*migration.Outcome) bool { return true }, each: func(e *entry) error {
		v := a.judge(e, r.later)
		if v.AsLeft() {
			v.Count(&res.Right)
			return nil
		}
		res.Again = append(res.Again, e.outcome.Record)
		if len(res.Again) >= r.limit && e.outcome.Record < end {
			res.Rest = &Stretch{First: e.outcome.Record + 1, Last: end}
			return errEnough
		}
		return nil
	}}
	err := w.batches(ctx, r.migration, r.batches)
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	res.Looked = end - r.batches[0].First + 1
	return res, nil
}

// batches walks through all of some batches.
func (w *walk) batches(ctx context.Context, migrationID string, batches []migrationfile.Batch) error {
	for _, b := range batches {
		heartbeat(ctx, b.Number)
		if err := w.batch(ctx, batchRef(migrationID, b)); err != nil {
			return err
		}
	}
	return w.flush(ctx)
}

// SecondLook is what first looks leave to be looked at again.
type SecondLook struct {
	Again []int     `json:"again"` // records, in order
	Rest  []Stretch `json:"rest"`  // in order
}

// Add takes over a look at records that follow those before.
func (s *SecondLook) Add(l *Look) {
	s.Again = append(s.Again, l.Again...)
	if l.Rest != nil {
		s.Rest = append(s.Rest, *l.Rest)
	}
}

// Needed reports whether there is anything to be looked at again.
func (s *SecondLook) Needed() bool { return len(s.Again) > 0 }

// told reports whether a record was looked at, and is to be again.
func (s *SecondLook) told(record int) bool {
	_, found := slices.BinarySearch(s.Again, record)
	return found
}

// has reports whether a record is to be looked at now.
func (s *SecondLook) has(record int) bool {
	i, found := slices.BinarySearchFunc(s.Rest, record, func(r Stretch, n int) int { return r.Last - n })
	return found || i < len(s.Rest) && s.Rest[i].First <= record || s.told(record)
}
