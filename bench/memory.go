package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/routes"
)

// reportMemory imports a file of so many records, and one of a single text
// without an end, each in a process of its own.
func reportMemory(out io.Writer, records int) error {
	if records == 0 {
		return nil
	}
	dir, err := os.MkdirTemp("", "ferry-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "records.json")
	size, err := generateFile(path, records)
	if err != nil {
		return err
	}
	ordinary, err := inOwnProcess("-import", path)
	if err != nil {
		return err
	}
	hostile, err := inOwnProcess("-giant")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "peak memory of a process that imports %d records, %.0f MB, with 2 workers: %s (wanted: below 256 MiB)\n",
		records, float64(size)/1e6, ordinary)
	fmt.Fprintf(out, "peak memory of a process that refuses a text of 1 GiB: %s\n", hostile)
	return nil
}

// inOwnProcess runs this program anew and gives what it prints.
func inOwnProcess(args ...string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	var errs bytes.Buffer
	child := exec.CommandContext(context.Background(), self, args...)
	child.Stderr = &errs
	said, err := child.Output()
	if err != nil {
		return "", fmt.Errorf("import in a process of its own: %w: %s", err, &errs)
	}
	return string(bytes.TrimSpace(said)), nil
}

func generateFile(path string, records int) (int64, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	route := routes.AcmeNova()
	err = migrationfile.Generate(f, migrationfile.GenOptions{
		Records: records, Seed: 1, FailShare: 0.05, Route: &route, Now: time.Now(),
	})
	if err != nil {
		_ = f.Close()
		return 0, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		_ = f.Close()
		return 0, err
	}
	return size, f.Close()
}

// importOnce is what the process does whose memory is measured.
func importOnce(o options) error {
	f, err := os.Open(o.importOnly)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := importFile(f, 2); err != nil {
		return err
	}
	return printPeak(os.Stdout)
}

// importGiant reads a record that is one text without an end.
func importGiant(options) error {
	result, err := migrationfile.Import(context.Background(),
		io.MultiReader(strings.NewReader(`[{"extensionData":"`), io.LimitReader(letters{}, 1<<30)), migrationfile.ImportOptions{Workers: 2})
	if err != nil {
		return err
	}
	if len(result.Problems) == 0 {
		return errors.New("a text without an end was accepted")
	}
	return printPeak(os.Stdout)
}

// letters is text that never ends.
type letters struct{}

// Read fills p with letters.
func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func printPeak(out io.Writer) error {
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%.0f MiB\n", float64(peak)/1024)
	return err
}

// peakMemory is the most that this process has had in memory, in KiB. Only
// Linux tells.
func peakMemory() (kib int64, err error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if text, found := strings.CutPrefix(lines.Text(), "VmHWM:"); found {
			_, err := fmt.Sscanf(text, "%d kB", &kib)
			return kib, err
		}
	}
	return 0, fmt.Errorf("peak memory: %s tells none", f.Name())
}

// processorTime is what this process has used of all processors.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // it can't fail for the process itself
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
