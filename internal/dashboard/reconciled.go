package dashboard

import (
	"context"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// reconciledShown is how many reconciliations a page has, the latest first.
const reconciledShown = 10

// reconciled is one comparison made after a migration's end.
type reconciled struct {
	migration.Reconciliation
	Stem  string // of its files' names
	Files []file
}

// Target reports whether it was compared with the target itself.
func (r *reconciled) Target() bool { return r.Against == migration.AgainstTarget }

// Finished reports whether its result was read: the JSON file is written last.
func (r *reconciled) Finished() bool { return r.FinishedAt != nil }

// reconciliations are the comparisons that lie in the bucket, and how many more
// there are.
func (p *past) reconciliations(ctx context.Context, id string) (shown []reconciled, more int, err error) {
	folder := migration.Key(id, "")
	for object, err := range p.store.List(ctx, p.store.WorkBucket(), folder+migration.ReconciliationsFolder) {
		if err != nil {
			return nil, 0, err
		}
		name := strings.TrimPrefix(object.Location.Key, folder)
		if !reconciliationName.MatchString(name) {
			continue
		}
		stem := strings.TrimSuffix(name, path.Ext(name))
		i := slices.IndexFunc(shown, func(r reconciled) bool { return r.Stem == stem })
		if i < 0 {
			i = len(shown)
			shown = append(shown, reconciled{Stem: stem})
		}
		shown[i].Files = append(shown[i].Files, file{Name: name, Bytes: object.Size})
	}
	// Their names are their times.
	slices.SortFunc(shown, func(a, b reconciled) int { return strings.Compare(b.Stem, a.Stem) })
	more = max(0, len(shown)-reconciledShown)
	shown = shown[:len(shown)-more]
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for i := range shown {
		r := &shown[i]
		group.Go(func() error {
			_, err := p.readJSON(ctx, id, r.Stem+".json", &r.Reconciliation)
			return err
		})
	}
	return shown, more, group.Wait()
}
