// Package activities does the work that workflows decide on: it reads and
// writes the object store and calls the target. Workers build one Activities
// from its ports and register it; workflows call it by the names below. It
// never decides what comes next.
package activities

import (
	"context"
	"io"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrator"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// Registered names of the activities. They are part of stored histories and
// never follow a rename in Go.
const (
	CheckStartName     = "CheckStart"
	CheckPlanName      = "CheckPlan"
	ClaimFileName      = "ClaimFile"
	ImportFileName     = "ImportFile"
	ListBatchesName    = "ListBatches"
	LoadBatchName      = "LoadBatch"
	LookUpBatchName    = "LookUpBatch"
	PerformStepName    = "PerformStep"
	ResolveRecordsName = "ResolveRecords"
	WriteOutcomesName  = "WriteOutcomes"
	WriteReportsName   = "WriteReports"
	ReadBackName       = "ReadBack"
	ReconcileName      = "Reconcile"
	ProbeTargetName    = "ProbeTarget"
	WriteSummaryName   = "WriteSummary"
	PostSummaryName    = "PostSummary"

	InspectMigrationName = "InspectMigration"
	RebuildOutcomesName  = "RebuildOutcomes"

	OpenReconciliationName  = "OpenReconciliation"
	LookAtBatchesName       = "LookAtBatches"
	WriteReconciliationName = "WriteReconciliation"
)

// Store is the object store as the activities need it. Errors are (or wrap)
// *fault.Fault.
type Store interface {
	conditionalStore

	Work(key string) objectstore.Location
	Head(ctx context.Context, loc objectstore.Location) (objectstore.Object, error)
	Open(ctx context.Context, loc objectstore.Location, etag string) (io.ReadCloser, error)
	Read(ctx context.Context, loc objectstore.Location, limit int64) (body []byte, etag string, err error)
	ReadRange(ctx context.Context, loc objectstore.Location, offset, length int64) ([]byte, error)
	Put(ctx context.Context, loc objectstore.Location, body []byte, contentType string) error
	Create(ctx context.Context, loc objectstore.Location, contentType string) *objectstore.Writer
	Delete(ctx context.Context, loc objectstore.Location) error
}

// conditionalStore writes only what nobody else has written meanwhile.
type conditionalStore interface {
	PutIfAbsent(ctx context.Context, loc objectstore.Location, body []byte, contentType string) (created bool, err error)
	PutIfMatch(ctx context.Context, loc objectstore.Location, etag string, body []byte, contentType string) (replaced bool, err error)
	CheckConditionalPut(ctx context.Context) error
}

// Target is the reseller platform as the activities need it.
type Target interface {
	migrator.Target
	// Echo proves credentials and reachability.
	Echo(ctx context.Context) error
	// Route reads a route's rules; an unknown one is a fault NOT_FOUND.
	Route(ctx context.Context, route string) (entitlement.Route, error)
}

// Notifier tells another system of a migration's end. Errors are *fault.Fault.
type Notifier interface {
	// Send delivers one message, whose id is the same for each repeat.
	Send(ctx context.Context, id string, body []byte) error
}

// Options are the ports and facts that Activities are made of.
type Options struct {
	Store     Store
	Target    Target
	Defaults  migration.Settings // the worker's configuration
	Namespace string             // of Temporal, part of a claim's owner

	Notifier Notifier // nil: nobody is told

	// SearchAttributes are those of Ferry's that the namespace has: workflows
	// set no others.
	SearchAttributes []string

	// MaxInFlight bounds the calls to the target in flight on one route, in
	// this worker; 0: DefaultMaxInFlight.
	MaxInFlight int
	Meter       Meter            // nil: nothing is measured
	Now         func() time.Time // nil: time.Now
}

// DefaultMaxInFlight is as many calls as a migration with the default
// concurrency can have in flight.
const DefaultMaxInFlight = 200

// Activities are the registered functions with what they share in one worker.
type Activities struct {
	store     Store
	target    Target
	migrator  *migrator.Migrator
	defaults  migration.Settings
	namespace string
	notifier  Notifier
	marks     []string // search attributes that the namespace has
	now       func() time.Time
	ranges    *rangeCache
	plans     *planCache
	writers   *writers
	pace      *pace
	meter     Meter
	counted   onceEach
}

// New gives the activities of one worker.
func New(o Options) *Activities {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	if o.Meter == nil {
		o.Meter = noMeter{}
	}
	target := pacedTarget{o.Target, o.Meter}
	return &Activities{
		store:     o.Store,
		target:    target,
		migrator:  migrator.New(newSharedLook(target, o.Meter), o.Now),
		defaults:  o.Defaults,
		namespace: o.Namespace,
		notifier:  o.Notifier,
		marks:     o.SearchAttributes,
		now:       o.Now,
		ranges:    newRangeCache(o.Store),
		plans:     newPlanCache(o.Store),
		writers:   newWriters(),
		pace:      newPace(o.MaxInFlight, o.Meter),
		meter:     o.Meter,
	}
}

// Registry is the part of a worker that takes activities.
type Registry interface {
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Register registers every activity by its name.
func (a *Activities) Register(r Registry) {
	for name, f := range map[string]any{
		CheckStartName:     a.CheckStart,
		CheckPlanName:      a.CheckPlan,
		ClaimFileName:      a.ClaimFile,
		ImportFileName:     a.ImportFile,
		ListBatchesName:    a.ListBatches,
		LoadBatchName:      a.LoadBatch,
		LookUpBatchName:    a.LookUpBatch,
		PerformStepName:    a.PerformStep,
		ResolveRecordsName: a.ResolveRecords,
		WriteOutcomesName:  a.WriteOutcomes,
		WriteReportsName:   a.WriteReports,
		ReadBackName:       a.ReadBack,
		ReconcileName:      a.Reconcile,
		ProbeTargetName:    a.ProbeTarget,
		WriteSummaryName:   a.WriteSummary,
		PostSummaryName:    a.PostSummary,

		InspectMigrationName: a.InspectMigration,
		RebuildOutcomesName:  a.RebuildOutcomes,

		OpenReconciliationName:  a.OpenReconciliation,
		LookAtBatchesName:       a.LookAtBatches,
		WriteReconciliationName: a.WriteReconciliation,
	} {
		r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
}
