package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// event is a line of `go test -json`; see `go doc test2json` and `go help
// buildjson`.
type event struct {
	Action  string  `json:"Action"`
	Package string  `json:"Package"`
	Test    string  `json:"Test"`
	Output  string  `json:"Output"`
	Elapsed float64 `json:"Elapsed"` // seconds
}

// report counts tests over any number of packages.
type report struct {
	out      io.Writer
	packages map[string]*pkg // those that have not ended

	passed, failed, skipped int
}

// pkg is a package whose tests run.
type pkg struct {
	output map[string]*strings.Builder // of the tests that run; "" is the package's own
	passed int
	failed int
}

func newReport(out io.Writer) *report {
	return &report{out: out, packages: map[string]*pkg{}}
}

// read takes events until the stream ends. What is no event is passed on.
func (r *report) read(stream io.Reader) error {
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		switch {
		case len(line) == 0:
		case json.Unmarshal(line, &e) != nil || e.Action == "":
			_, _ = r.out.Write(line)
		default:
			r.take(e)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading events: %w", err)
		}
	}
}

func (r *report) take(e event) {
	switch {
	case e.Action == "build-output":
		fmt.Fprint(r.out, e.Output)
	case e.Action == "build-fail":
		// The packages that needed the build fail by events of their own.
	case e.Test == "":
		r.ofPackage(e)
	default:
		r.ofTest(e)
	}
}

func (r *report) at(path string) *pkg {
	p := r.packages[path]
	if p == nil {
		p = &pkg{output: map[string]*strings.Builder{"": {}}}
		r.packages[path] = p
	}
	return p
}

func (r *report) ofTest(e event) {
	p := r.at(e.Package)
	switch e.Action {
	case "run":
		p.output[e.Test] = &strings.Builder{}
	case "output":
		if b := p.output[e.Test]; b != nil && !strings.HasPrefix(e.Output, "=== ") {
			b.WriteString(e.Output)
		}
	case "pass":
		p.passed++
		r.passed++
		delete(p.output, e.Test)
	case "skip":
		r.skipped++
		fmt.Fprintf(r.out, "skip\t%s %s\n", e.Package, e.Test)
		delete(p.output, e.Test)
	case "fail":
		r.fail(p, e.Test)
	}
}

// fail counts a test and prints what it said.
func (r *report) fail(p *pkg, test string) {
	p.failed++
	r.failed++
	if b := p.output[test]; b != nil {
		fmt.Fprint(r.out, b)
	}
	delete(p.output, test)
}

func (r *report) ofPackage(e event) {
	p := r.at(e.Package)
	switch e.Action {
	case "output":
		p.output[""].WriteString(e.Output)
	case "pass":
		fmt.Fprintf(r.out, "ok\t%s\t%d passed, %.1f s\n", e.Package, p.passed, e.Elapsed)
		delete(r.packages, e.Package)
	case "skip": // no test files
		delete(r.packages, e.Package)
	case "fail":
		r.endFailed(e.Package, p)
		fmt.Fprintf(r.out, "FAIL\t%s\t%d passed, %d failed, %.1f s\n", e.Package, p.passed, p.failed, e.Elapsed)
	}
}

// endFailed counts what a failed package left open: tests that never came to
// their end, and the package itself if no test says why it failed.
func (r *report) endFailed(path string, p *pkg) {
	own := p.output[""].String()
	delete(p.output, "")
	for _, test := range slices.Sorted(maps.Keys(p.output)) {
		r.fail(p, test)
	}
	fmt.Fprint(r.out, own)
	if p.failed == 0 {
		p.failed++
		r.failed++
	}
	delete(r.packages, path)
}

// abandon fails the packages that have not ended when their command has.
func (r *report) abandon() {
	for _, path := range slices.Sorted(maps.Keys(r.packages)) {
		p := r.packages[path]
		r.endFailed(path, p)
		fmt.Fprintf(r.out, "FAIL\t%s\tnever ended: %d passed, %d failed\n", path, p.passed, p.failed)
	}
}

// close prints the totals, alone on the last line, and gives the exit code.
func (r *report) close(took time.Duration) int {
	fmt.Fprintf(r.out, "\n%d skipped, %s\n%d passed, %d failed\n", r.skipped, took.Round(time.Second), r.passed, r.failed)
	if r.failed > 0 || r.passed == 0 {
		return 1
	}
	return 0
}
