package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Campaign is a number of plans to run one after another.
type Campaign struct {
	Plans   []*Plan
	Code    string // names the code that runs: only its results count as done
	Commit  string // for the reader of the results
	Fresh   bool   // run what is done already again
	Journal *Journal
	Logs    string // folder in which the servers' logs of a bad plan are kept
	Out     io.Writer
}

// ErrFound is the end of a campaign in which something was lost, doubled or
// wrong, or didn't end.
var ErrFound = errors.New("not everything survived")

// Run runs the plans that aren't done yet, and prints a line for each and the
// table. It goes on after a bad one, with new servers. The error is ErrFound
// or trouble of the runner's own.
func (c *Campaign) Run(ctx context.Context) error {
	done, err := c.Journal.Done(c.Code)
	if err != nil {
		return err
	}
	if c.Fresh {
		clear(done)
	}
	fmt.Fprintf(c.Out, "From %s to %s; results are appended to %s.\n",
		c.Plans[0].Name(), c.Plans[len(c.Plans)-1].Name(), c.Journal.path)
	var reports []Report
	err = c.each(ctx, done, func(r Report) { reports = append(reports, r) })
	fmt.Fprintln(c.Out)
	WriteTable(c.Out, reports)
	for i := range reports {
		if !reports[i].Good() {
			fmt.Fprintf(c.Out, "%s again: %s\n", reports[i].Name(), reports[i].Repeat())
			err = errors.Join(err, fmt.Errorf("%s: %w", reports[i].Name(), ErrFound))
		}
	}
	return err
}

func (c *Campaign) each(ctx context.Context, done map[string]Entry, add func(Report)) error {
	var stack *Stack
	defer func() { c.drop(stack, false) }()
	for _, p := range c.Plans {
		if e, known := done[p.Name()]; known {
			fmt.Fprintln(c.Out, e.Line(), "(before)")
			add(e.Report)
			continue
		}
		if stack == nil {
			var err error
			if stack, err = c.build(ctx); err != nil {
				return err
			}
		}
		r, err := c.one(ctx, stack, p)
		if ctx.Err() != nil {
			return fmt.Errorf("%s: stopped; the same command goes on with it: %w", p.Name(), ctx.Err())
		}
		if err != nil {
			dir := stack.Dir
			c.drop(stack, true)
			stack = nil
			return fmt.Errorf("%s: %w (logs in %s)", p.Name(), err, dir)
		}
		add(*r)
		if !r.Good() {
			fmt.Fprintf(c.Out, "  logs: %s\n  again: %s\n", stack.Dir, r.Repeat())
			c.drop(stack, true)
			stack = nil
		}
	}
	return nil
}

// one runs a plan and says what came of it.
func (c *Campaign) one(ctx context.Context, s *Stack, p *Plan) (*Report, error) {
	r, err := s.Run(ctx, p)
	if ctx.Err() != nil { // somebody stopped us: that is no result
		return nil, ctx.Err()
	}
	if err != nil {
		fmt.Fprint(c.Out, p.Schedule)
		return nil, err
	}
	fmt.Fprintln(c.Out, r.Line())
	if !r.Good() {
		fmt.Fprint(c.Out, p.Schedule)
	}
	for i, f := range r.Findings {
		if i == maxShown {
			fmt.Fprintf(c.Out, "  … and %d more\n", len(r.Findings)-maxShown)
			break
		}
		fmt.Fprintf(c.Out, "  %s\n", f)
	}
	return r, c.Journal.Append(Entry{Code: c.Code, Commit: c.Commit, At: time.Now().UTC(), Report: *r})
}

// maxShown bounds the findings of a plan that are printed; all are in the
// results.
const maxShown = 20

func (c *Campaign) build(ctx context.Context) (*Stack, error) {
	if err := os.MkdirAll(c.Logs, 0o700); err != nil {
		return nil, fmt.Errorf("logs: %w", err)
	}
	dir, err := os.MkdirTemp(c.Logs, "stack-")
	if err != nil {
		return nil, fmt.Errorf("logs: %w", err)
	}
	s, err := NewStack(ctx, dir, func(line string) { fmt.Fprintln(c.Out, line) })
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return s, err
}

// drop stops a stack; its logs stay if somebody will want them.
func (c *Campaign) drop(s *Stack, keep bool) {
	if s == nil {
		return
	}
	s.Close()
	if !keep {
		_ = os.RemoveAll(s.Dir)
		return
	}
	_ = os.RemoveAll(filepath.Join(s.Dir, "s3"))
}
