package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/go/packages"
)

//go:embed switches.go.txt
var switches string

// How long the tests may take: with nothing changed, and with a change on at
// least and in proportion. A change that stops them is noticed, too.
const (
	slowest = 5 * time.Minute
	least   = 10 * time.Second
	share   = 5
)

// try changes a package and gives the survivors.
func (t target) try(ctx context.Context, root string) ([]mutant, error) {
	work, err := os.MkdirTemp("", "ferry-mutants-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	root, err = filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	all, overlay, err := t.instrument(ctx, root, work)
	if err != nil {
		return nil, err
	}
	r := runner{dir: filepath.Join(root, t.dir), binary: filepath.Join(work, "mutants.test"), run: t.run, seen: filepath.Join(work, "seen"), limit: slowest}
	build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", r.binary, ".")
	build.Dir = r.dir
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the switches don't compile: %w\n%s", err, out)
	}
	began := time.Now()
	if out, ok := r.passes(ctx, 0); !ok {
		return nil, fmt.Errorf("the tests fail with nothing changed:\n%s", out)
	}
	took := time.Since(began)
	r.limit = max(least, share*took)
	reached, err := r.reached()
	if err != nil {
		return nil, err
	}
	var survivors []mutant
	for i, m := range all {
		if ctx.Err() != nil {
			return survivors, fmt.Errorf("time is up after %d of %d changes: %w", i, len(all), ctx.Err())
		}
		if !reached[m.id] {
			survivors = append(survivors, m)
			continue
		}
		if _, ok := r.passes(ctx, m.id); ok {
			survivors = append(survivors, m)
		}
	}
	fmt.Fprintf(os.Stdout, "%s: %d changes, %d unnoticed (the tests take %s)\n", t.dir, len(all), len(survivors), took.Round(time.Millisecond))
	return survivors, nil
}

// instrument writes the package with all switches, and the overlay by which it
// is compiled instead of what is in the repository.
func (t target) instrument(ctx context.Context, root, work string) (all []mutant, overlay string, err error) {
	loaded, err := packages.Load(&packages.Config{
		Context: ctx, Dir: filepath.Join(root, t.dir),
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports | packages.NeedExportFile,
	}, ".")
	if err != nil {
		return nil, "", err
	}
	p := loaded[0]
	if len(p.Errors) > 0 {
		return nil, "", p.Errors[0]
	}
	replace := map[string]string{}
	id, keys := 0, map[string]int{}
	for _, file := range p.Syntax {
		name := p.Fset.Position(file.FileStart).Filename
		if len(t.files) > 0 && !slices.Contains(t.files, filepath.Base(name)) {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return nil, "", err
		}
		m := &mutator{
			fset: p.Fset, info: p.TypesInfo, file: t.dir + "/" + filepath.Base(name), source: source, next: &id, keys: keys,
			begins: map[int][]string{}, ends: map[int][]string{}, cuts: map[int]int{},
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				ast.Inspect(f, m.visit)
			}
		}
		all = append(all, m.mutants...)
		to := filepath.Join(work, filepath.Base(name))
		replace[name] = to
		if err := os.WriteFile(to, []byte(m.written()), 0o600); err != nil {
			return nil, "", err
		}
	}
	extra := filepath.Join(work, "zz_mutants.go")
	replace[filepath.Join(root, t.dir, "zz_mutants.go")] = extra
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	overlay = filepath.Join(work, "overlay.json")
	return all, overlay, errors.Join(err,
		os.WriteFile(extra, []byte(strings.Replace(switches, "PACKAGE", p.Name, 1)), 0o600),
		os.WriteFile(overlay, raw, 0o600))
}

// runner runs a package's tests with one change on.
type runner struct {
	dir, binary, run, seen string
	limit                  time.Duration
}

// passes reports whether the tests notice nothing; change 0 is none.
func (r runner) passes(ctx context.Context, id int) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.binary, "-test.failfast", "-test.run", r.run)
	cmd.Dir, cmd.WaitDelay = r.dir, time.Second
	cmd.Env = append(os.Environ(), "FERRY_MUTANT="+strconv.Itoa(id))
	if id == 0 {
		cmd.Env = append(cmd.Env, "FERRY_MUTANTS_SEEN="+r.seen)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// reached are the changes that the tests come by.
func (r runner) reached() (map[int]bool, error) {
	raw, err := os.ReadFile(r.seen)
	if err != nil {
		return nil, err
	}
	reached := map[int]bool{}
	for line := range strings.Lines(string(raw)) {
		id, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			return nil, err
		}
		reached[id] = true
	}
	return reached, nil
}
