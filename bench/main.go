// Command bench measures the import of a migration file and prints figures
// that mean the same on any machine: how it compares with a bare strict decode
// of the same records on one processor, what a second processor adds, what it
// allocates, and the peak memory of a process that imports a million records.
//
// The compared runs take turns in one process and the medians count, because
// machines are shared. `make bench` calls it; nothing else does.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	var o options
	flag.IntVar(&o.records, "records", 50_000, "records of the file that is timed")
	flag.IntVar(&o.rounds, "rounds", 9, "rounds in which everything is timed once")
	flag.IntVar(&o.memoryRecords, "memory-records", 1_000_000, "records of the file whose import's memory is measured; 0: don't")
	flag.StringVar(&o.importOnly, "import", "", "import this file and print the process's peak memory, nothing else")
	giant := flag.Bool("giant", false, "import a text of 1 GiB and print the process's peak memory, nothing else")
	flag.Parse()
	run := compare
	switch {
	case o.importOnly != "":
		run = importOnce
	case *giant:
		run = importGiant
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	records, rounds, memoryRecords int
	importOnly                     string
}
