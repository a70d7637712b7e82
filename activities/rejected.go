package activities

import (
	"context"
	"encoding/json"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// Rejection is a run that held a claim and sent nothing, because its file had
// problems.
type Rejection struct {
	Migration  string    `json:"migration"`
	FirstRunID string    `json:"firstRunId"`
	SHA256     string    `json:"sha256"`
	At         time.Time `json:"at"`
}

// maxRejections is how many of them a claim keeps, the latest.
const maxRejections = 20

// Free reports whether the owner's file was rejected, so that another run may
// take over what it claimed.
func (c Claim) Free() bool {
	n := len(c.Rejected)
	return n > 0 && c.Rejected[n-1].Migration == c.Migration && c.Rejected[n-1].FirstRunID == c.FirstRunID
}

// after is a claim that takes over another, with its history. The owner itself
// is no longer rejected: a run that was reset tries again.
func (c Claim) after(old Claim) Claim {
	c.Rejected = old.Rejected
	if c.ownedBy(old) && old.Free() {
		c.Rejected = old.Rejected[:len(old.Rejected)-1]
	}
	return c
}

// free gives back the id and the name of a migration whose file was rejected.
// Nobody could send anything of it: it has no plan. A store that can't do it
// leaves both taken, which costs a new name and no more.
func (a *Activities) free(ctx context.Context, s migration.Summary) error {
	if s.Result != migration.Rejected {
		return nil
	}
	err := a.markRejected(ctx, s)
	if f, ok := fault.As(err); ok && f.Kind == fault.Final {
		activity.GetLogger(ctx).Warn("the name of a rejected file stays taken", "migration", s.Migration, "error", err.Error())
		return nil
	}
	return err
}

func (a *Activities) markRejected(ctx context.Context, s migration.Summary) error {
	var owner Claim
	var plan Plan
	claimed, err := a.readJSON(ctx, s.Migration, migration.FileClaim, &owner)
	if err != nil || !claimed || owner.Namespace != a.namespace || owner.Migration != s.Migration {
		return err
	}
	if planned, err := a.readJSON(ctx, s.Migration, migration.FilePlan, &plan); err != nil || planned {
		return err
	}
	source, err := objectstore.ParseURI(owner.File)
	if err != nil {
		return err
	}
	// The name goes first: an id that is free has its name free as well.
	for _, key := range []string{
		migration.LedgerKey(s.Settings.Environment, source.Bucket, source.Key),
		migration.Key(s.Migration, migration.FileClaim),
	} {
		if err := a.markClaim(ctx, a.store.Work(key), owner, s); err != nil {
			return err
		}
	}
	return nil
}

// markClaim notes the rejection in a claim, if it is the owner's.
func (a *Activities) markClaim(ctx context.Context, loc objectstore.Location, owner Claim, s migration.Summary) error {
	there, etag, err := a.readClaim(ctx, loc)
	if missing(err) || err == nil && (!there.ownedBy(owner) || there.Free()) {
		return nil // a dry run has no name
	}
	if err != nil {
		return err
	}
	there.Rejected = append(there.Rejected, Rejection{
		Migration: owner.Migration, FirstRunID: owner.FirstRunID, SHA256: s.SHA256, At: a.now().UTC(),
	})
	there.Rejected = there.Rejected[max(0, len(there.Rejected)-maxRejections):]
	body, err := json.Marshal(there)
	if err == nil {
		_, err = a.store.PutIfMatch(ctx, loc, etag, body, "application/json")
	}
	return err // who was faster is no owner, or this very activity
}

// removeRejected deletes what a rejected run has left under an id that is now
// another's: nobody may take its end for the end of this one. Its summary goes
// last, so that a repeat finds the rest.
func (a *Activities) removeRejected(ctx context.Context, id string) error {
	var old migration.Summary
	there, err := a.readJSON(ctx, id, migration.FileSummary, &old)
	if err != nil || !there || old.Result != migration.Rejected {
		return err
	}
	for _, name := range []string{migration.FileValidation, migration.FileAudit, migration.FileSummary} {
		if err := a.store.Delete(ctx, a.store.Work(migration.Key(id, name))); err != nil {
			return err
		}
	}
	return nil
}

// keepName holds the name of a run that was reset after its file was rejected,
// and is accepted now: in between another may have taken it.
func (a *Activities) keepName(ctx context.Context, in ImportFileInput) error {
	if !in.Heir || in.Settings.DryRun {
		return nil
	}
	var owner Claim
	claimed, err := a.readJSON(ctx, in.Migration, migration.FileClaim, &owner)
	if err != nil || !claimed {
		return err
	}
	_, err = a.claimFile(ctx, ClaimFileInput{
		Migration: in.Migration, File: in.File, Environment: in.Settings.Environment,
		FirstRunID: owner.FirstRunID, Route: owner.Route, Parent: owner.Parent,
	})
	return err
}
