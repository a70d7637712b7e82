package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/routes"
)

// sample is one run.
type sample struct {
	wall, cpu time.Duration
	mallocs   uint64
}

// subject is something that is timed, with its samples.
type subject struct {
	name       string
	processors int
	run        func() error
	samples    []sample
}

// subjects are compared with each other. A 2 is the same on two processors.
type subjects struct{ bare, bareText, whole, bare2, whole2 *subject }

func (s subjects) all() []*subject {
	return []*subject{s.bare, s.whole, s.bareText, s.bare2, s.whole2}
}

func compare(o options) error {
	file, err := generate(o.records)
	if err != nil {
		return err
	}
	records := recordsOf(file)
	s := subjects{
		bare:     &subject{"strict decode", 1, func() error { return decodeBare[*instant](records, 1) }, nil},
		bareText: &subject{"strict decode, dates left as text", 1, func() error { return decodeBare[string](records, 1) }, nil},
		whole:    &subject{"import", 1, func() error { return importFile(bytes.NewReader(file), 1) }, nil},
		bare2:    &subject{"strict decode", 2, func() error { return decodeBare[*instant](records, 2) }, nil},
		whole2:   &subject{"import", 2, func() error { return importFile(bytes.NewReader(file), 2) }, nil},
	}
	for range o.rounds {
		for _, s := range s.all() {
			if err := s.take(); err != nil {
				return err
			}
		}
	}
	s.report(os.Stdout, len(file), len(records))
	return reportMemory(os.Stdout, o.memoryRecords)
}

func generate(records int) ([]byte, error) {
	route := routes.AcmeNova()
	var file bytes.Buffer
	err := migrationfile.Generate(&file, migrationfile.GenOptions{
		Records: records, Seed: 1, FailShare: 0.05, Route: &route, Now: time.Now(),
	})
	return file.Bytes(), err
}

// importFile is the whole pass: split, decode, rules, duplicates, staging.
func importFile(file io.Reader, workers int) error {
	route := routes.AcmeNova()
	result, err := migrationfile.Import(context.Background(), file, migrationfile.ImportOptions{
		Route: &route, Stage: io.Discard, Workers: workers,
	})
	if err == nil && len(result.Problems) > 0 {
		err = fmt.Errorf("a generated file has problems: %s", result.Problems[0].Message)
	}
	return err
}

// take times one run on the subject's processors.
func (s *subject) take() error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(s.processors))
	runtime.GC() // what others left is not this run's
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	wall, cpu := time.Now(), processorTime()
	if err := s.run(); err != nil {
		return err
	}
	one := sample{wall: time.Since(wall), cpu: processorTime() - cpu}
	runtime.ReadMemStats(&after)
	one.mallocs = after.Mallocs - before.Mallocs
	s.samples = append(s.samples, one)
	return nil
}

func wall(s sample) float64    { return float64(s.wall) }
func cpu(s sample) float64     { return float64(s.cpu) }
func mallocs(s sample) float64 { return float64(s.mallocs) }

func (s *subject) median(of func(sample) float64) float64 {
	all := make([]float64, 0, len(s.samples))
	for _, one := range s.samples {
		all = append(all, of(one))
	}
	return middle(all)
}

// ratio is the median of a figure of two subjects' runs of one round.
func ratio(over, under *subject, of func(sample) float64) float64 {
	all := make([]float64, 0, len(over.samples))
	for i, one := range over.samples {
		all = append(all, of(one)/of(under.samples[i]))
	}
	return middle(all)
}

func middle(figures []float64) float64 {
	slices.Sort(figures)
	return figures[len(figures)/2]
}

// report prints speeds and their ratios. On one processor these are of
// processor time, which the machine's other work mostly leaves alone; what two
// processors gain can only be told from the clock.
func (s subjects) report(out io.Writer, size, records int) {
	fmt.Fprintf(out, "Import of %d records, %.1f MB; medians of %d rounds\n\n", records, float64(size)/1e6, len(s.bare.samples))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tprocessors\tMB/s by the clock\tMB per processor second\tallocations a record\t")
	for _, s := range s.all() {
		fmt.Fprintf(table, "%s\t%d\t%.0f\t%.0f\t%.1f\t\n", s.name, s.processors,
			float64(size)*1e3/s.median(wall), float64(size)*1e3/s.median(cpu), s.median(mallocs)/float64(records))
	}
	_ = table.Flush()
	fmt.Fprintf(out, "\nimport ÷ strict decode, one processor: %.2f (wanted: 0.70); with dates left as text: %.2f\n",
		ratio(s.bare, s.whole, cpu), ratio(s.bareText, s.whole, cpu))
	fmt.Fprintf(out, "import, two processors ÷ one: %.2f (wanted: 1.70); strict decode on this machine in the same minutes: %.2f\n",
		ratio(s.whole, s.whole2, wall), ratio(s.bare, s.bare2, wall))
}
