// Command mutants changes crucial code in one small way at a time and runs the
// tests: a change that no test notices is a survivor. All changes of a package
// are compiled into one test binary and switched on one by one, so that a
// package is built once and not once a change (gremlins, which builds for each,
// took fifteen seconds where this takes one, and knows neither removed
// statements nor dropped operands). Survivors are killed by a test or explained
// in explained.txt; any other is exit code 1.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// target is what is changed, and by which tests that is to be noticed.
type target struct {
	dir   string   // below the module's root
	files []string // empty: all but tests
	run   string   // pattern of tests; empty: all
}

// targets are the packages whose rules decide what becomes of a record.
var targets = []target{
	{dir: "internal/fault"},
	{dir: "internal/limits"},
	{dir: "internal/migrator"},
	{dir: "internal/reconcile"},
	{dir: "internal/entitlement"},
	{
		dir: "workflows", files: []string{"patience.go", "entitlement.go"},
		run: "^Test(Record|Retry|Hold|Stop|Wait|Refused|Control|Accepted|What|Trouble|Unauthorized|Restarted)",
	},
}

func main() {
	root := flag.String("root", ".", "the module's root")
	only := flag.String("only", "", "packages to change, separated by commas (default: all)")
	limit := flag.Duration("limit", time.Hour, "how long it may take in all")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	code, err := check(ctx, *root, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		code = 1
	}
	os.Exit(code) //nolint:gocritic // nothing is left to end
}

func check(ctx context.Context, root, only string) (int, error) {
	explained, err := readExplained(filepath.Join(root, "tools/dev/mutants/explained.txt"))
	if err != nil {
		return 1, err
	}
	code := 0
	for _, t := range targets {
		if only != "" && !strings.Contains(","+only+",", ","+t.dir+",") {
			continue
		}
		survivors, trouble := t.try(ctx, root)
		for _, m := range survivors {
			reason, ok := explained[m.key]
			if !ok {
				code, reason = 1, "NOT EXPLAINED, at line "+fmt.Sprint(m.line)
			}
			fmt.Fprintf(os.Stdout, "  %s\t%s\n", m.key, reason)
		}
		if trouble != nil {
			return 1, fmt.Errorf("%s: %w", t.dir, trouble)
		}
		for key := range explained {
			if strings.HasPrefix(key, t.dir+"/") && !has(survivors, key) {
				fmt.Fprintf(os.Stdout, "  %s\tis explained and doesn't survive: take it out\n", key)
			}
		}
	}
	return code, nil
}

func has(all []mutant, key string) bool {
	for _, m := range all {
		if m.key == key {
			return true
		}
	}
	return false
}

// readExplained reads lines of a mutant's key, a tab, and why it may survive.
func readExplained(file string) (map[string]string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	explained := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, reason, ok := strings.Cut(line, "\t")
		if !ok || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s: no reason in %q", file, line)
		}
		explained[key] = strings.TrimSpace(reason)
	}
	return explained, nil
}
