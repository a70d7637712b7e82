package chaos

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Line is a report in a line.
func (r *Report) Line() string {
	injected, planned := 0, 0
	for _, n := range r.Injected {
		injected += n
	}
	for _, n := range r.Planned {
		planned += n
	}
	verdict := "ok"
	if !r.Good() {
		verdict = fmt.Sprintf("%d FINDINGS", len(r.Findings))
	}
	return fmt.Sprintf("%-22s %6.1fs  %4d writes  %2d of %2d faults  %-60s %s",
		r.Name(), r.Seconds, r.Writes, injected, planned, strings.Join(r.Results, " → "), verdict)
}

// WriteTable sums reports up: every kind of fault with how often it was planned,
// injected and survived, and what was found. A fault is survived if nothing was
// found in its run.
func WriteTable(w io.Writer, reports []Report) {
	planned, injected, survived := map[Kind]int{}, map[Kind]int{}, map[Kind]int{}
	found := map[Verdict]int{}
	records, writes := 0, 0
	var seconds []float64
	for i := range reports {
		r := &reports[i]
		records, writes = records+r.Records, writes+r.Writes
		seconds = append(seconds, r.Seconds)
		for k, n := range r.Planned {
			planned[k] += n
		}
		for k, n := range r.Injected {
			injected[k] += n
			if r.Good() {
				survived[k] += n
			}
		}
		for _, f := range r.Findings {
			found[f.Kind]++
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "planned\tinjected\tsurvived\t  fault")
	for _, k := range AllKinds() {
		fmt.Fprintf(t, "%d\t%d\t%d\t  %s\n", planned[k], injected[k], survived[k], k)
	}
	fmt.Fprintf(t, "%d\t%d\t%d\t  in all\n", sum(planned), sum(injected), sum(survived))
	_ = t.Flush()
	fmt.Fprintf(w, "\n%d runs, %d records, %d effective writes, median %.1f s a run\n", len(reports), records, writes, median(seconds))
	for _, v := range Verdicts() {
		fmt.Fprintf(w, "%s: %d\n", v, found[v])
	}
}

func sum[K cmp.Ordered](counts map[K]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
