package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/activity"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// ClaimFileInput names what a run takes for itself.
type ClaimFileInput struct {
	Migration   string `json:"migration"`
	File        string `json:"file"`
	Environment string `json:"environment"`
	FirstRunID  string `json:"firstRunId"` // the same over continue-as-new
	Route       string `json:"route"`
	DryRun      bool   `json:"dryRun,omitempty"` // claims only its id
	Parent      string `json:"parent,omitempty"`
}

// Claim is the content of claim.json and of a ledger entry. Namespace,
// migration and first run id are its owner; the rest is for people.
type Claim struct {
	Namespace  string `json:"namespace"`
	Migration  string `json:"migration"`
	FirstRunID string `json:"firstRunId"`
	File       string `json:"file"`
	Route      string `json:"route"`
	Parent     string `json:"parent,omitempty"`

	// Rejected are the runs that held it before, the latest last. If that is the
	// owner itself, the claim is free.
	Rejected []Rejection `json:"rejected,omitempty"`
}

func (c Claim) ownedBy(o Claim) bool {
	return c.Namespace == o.Namespace && c.Migration == o.Migration && c.FirstRunID == o.FirstRunID
}

// ClaimFile takes the migration's id and the file's name, each once and for
// ever, by conditional PUT; but those of a file that was rejected are free for
// another run. The same owner may claim again. Faults (final):
// MIGRATION_ID_USED, FILE_NAME_USED.
func (a *Activities) ClaimFile(ctx context.Context, in ClaimFileInput) (*migration.FileInfo, error) {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	info, err := a.claimFile(ctx, in)
	if err != nil {
		return nil, fault.Activity(err)
	}
	return info, nil
}

func (a *Activities) claimFile(ctx context.Context, in ClaimFileInput) (*migration.FileInfo, error) {
	claim := Claim{
		Namespace: a.namespace, Migration: in.Migration, FirstRunID: in.FirstRunID,
		File: in.File, Route: in.Route, Parent: in.Parent,
	}
	id := a.store.Work(migration.Key(in.Migration, migration.FileClaim))
	owner, body, err := a.take(ctx, id, claim)
	if err != nil {
		return nil, err
	}
	if !owner.ownedBy(claim) {
		return nil, &fault.Fault{Kind: fault.Final, Code: fault.CodeMigrationIDUsed, Message: fmt.Sprintf(
			"migration id %q was used before, for %s (start under another workflow id)", in.Migration, owner.File)}
	}
	if !in.DryRun {
		if err := a.takeName(ctx, in, claim); err != nil {
			return nil, err
		}
	}
	if err := a.removeRejected(ctx, in.Migration); err != nil {
		return nil, err
	}
	return fileInfo(id, body), nil
}

func (a *Activities) takeName(ctx context.Context, in ClaimFileInput, claim Claim) error {
	loc, err := objectstore.ParseURI(in.File)
	if err != nil {
		return err
	}
	owner, _, err := a.take(ctx, a.store.Work(migration.LedgerKey(in.Environment, loc.Bucket, loc.Key)), claim)
	if err != nil {
		return err
	}
	if owner.ownedBy(claim) {
		return nil
	}
	// The id was taken for nothing, and nothing else is written under it: give
	// it back, so that the operator may use it with the right file.
	if err := a.store.Delete(ctx, a.store.Work(migration.Key(in.Migration, migration.FileClaim))); err != nil {
		activity.GetLogger(ctx).Warn("the id of a refused migration stays claimed", "migration", in.Migration, "error", err.Error())
	}
	return &fault.Fault{Kind: fault.Final, Code: fault.CodeFileNameUsed, Message: fmt.Sprintf(
		"file %s was already migrated to environment %q by migration %q (a name is good once: upload the file under a new name; only that of a file that ended as REJECTED is free again, under another id)",
		in.File, in.Environment, owner.Migration)}
}

// takeTries bounds how often a claim is tried that others change meanwhile.
const takeTries = 8

// take claims a key, or takes over one that is free, and says who owns it, with
// the claim's bytes.
func (a *Activities) take(ctx context.Context, loc objectstore.Location, claim Claim) (owner Claim, body []byte, err error) {
	for range takeTries {
		body, err := json.Marshal(claim)
		if err != nil {
			return Claim{}, nil, fmt.Errorf("encode claim: %w", err)
		}
		created, err := a.store.PutIfAbsent(ctx, loc, body, "application/json")
		if err != nil || created {
			return claim, body, err
		}
		owner, etag, err := a.readClaim(ctx, loc)
		if missing(err) {
			continue // it was given back just now
		}
		if err != nil {
			return Claim{}, nil, err
		}
		if !owner.Free() {
			body, err = json.Marshal(owner)
			return owner, body, err
		}
		heir := claim.after(owner)
		if body, err = json.Marshal(heir); err != nil {
			return Claim{}, nil, fmt.Errorf("encode claim: %w", err)
		}
		if replaced, err := a.store.PutIfMatch(ctx, loc, etag, body, "application/json"); err != nil || replaced {
			return heir, body, err
		}
	}
	return Claim{}, nil, &fault.Fault{
		Kind: fault.Retryable, Code: fault.CodeStoreFault,
		Message: fmt.Sprintf("%s is changed by others all the time", loc),
	}
}

func (a *Activities) readClaim(ctx context.Context, loc objectstore.Location) (owner Claim, etag string, err error) {
	there, etag, err := a.store.Read(ctx, loc, 64<<10)
	if err != nil {
		return Claim{}, "", err
	}
	if err := json.Unmarshal(there, &owner); err != nil || owner.Migration == "" {
		return Claim{}, "", &fault.Fault{
			Kind: fault.Final, Code: fault.CodeStoreFault,
			Message: fmt.Sprintf("%s is not a claim that Ferry wrote (look at it, and remove it if nobody needs it)", loc),
		}
	}
	return owner, etag, nil
}
