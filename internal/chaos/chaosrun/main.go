// Command chaosrun runs seeded faults against whole migrations on this machine
// and exits with 1 if anything was lost, doubled or wrong, or did not end; 2 is
// trouble of its own. `make test-faults` calls it.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/f0a90b9a/ferry/internal/chaos"
	"github.com/f0a90b9a/ferry/internal/devstack"
)

func main() {
	devstack.RunChild()
	chaos.RunChild()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, out, problems io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c, show, err := parse(args, problems)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err == nil && show:
		for _, p := range c.Plans {
			fmt.Fprint(out, p.Schedule)
		}
	case err == nil:
		c.Out = out
		err = c.Run(ctx)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, chaos.ErrFound):
		fmt.Fprintln(problems, err)
		return 1
	}
	fmt.Fprintln(problems, "chaosrun:", err)
	return 2
}

// parse reads the command line; show asks for the schedules alone.
func parse(args []string, problems io.Writer) (c *chaos.Campaign, show bool, err error) {
	c = &chaos.Campaign{}
	var seeds, first uint64
	var records, boundary int
	flags := flag.NewFlagSet("chaosrun", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.Uint64Var(&seeds, "seeds", 50, "how many seeds")
	flags.Uint64Var(&first, "seed", 1, "the first seed")
	flags.IntVar(&records, "records", 200, "records in each seed's file")
	flags.IntVar(&boundary, "boundary", 0, "first kill the worker at every step's boundary for so many records each")
	flags.BoolVar(&c.Fresh, "fresh", false, "run again what this code has done")
	flags.StringVar(&c.Commit, "commit", "", "where the code came from, for the results")
	results := flags.String("results", "", "file that results are appended to (default: in the user's cache)")
	flags.BoolVar(&show, "plan", false, "print the schedules and run nothing")
	if err := flags.Parse(args); err != nil {
		return nil, false, err
	}
	if seeds == 0 && boundary < 1 || records < 1 || flags.NArg() > 0 {
		return nil, false, errors.New("-records and -seeds or -boundary are at least 1, and there are no arguments")
	}
	if c.Plans, err = plans(first, seeds, records, boundary); err != nil {
		return nil, false, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, false, err
	}
	home := filepath.Join(cache, "ferry", "faults")
	if *results == "" {
		*results = filepath.Join(home, "results.jsonl")
	}
	c.Logs = filepath.Join(home, "logs")
	if c.Code, err = code(); err != nil {
		return nil, false, err
	}
	c.Journal, err = chaos.OpenJournal(*results)
	return c, show, err
}

// code names this program by its bytes: what is built from the same source is
// the same.
func code() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	file, err := os.Open(self)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)[:6]), nil
}

func plans(first, seeds uint64, records, boundary int) ([]*chaos.Plan, error) {
	var all []*chaos.Plan
	if boundary > 0 {
		var err error
		if all, err = chaos.Boundaries(boundary); err != nil {
			return nil, err
		}
	}
	for seed := first; seed < first+seeds; seed++ {
		p, err := chaos.Seeded(seed, records)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}
