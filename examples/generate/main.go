// Command generate writes the sample files acme-200.json and acme-clean.json
// into the folder above it (go generate ./examples). The same code gives the
// same bytes.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/routes"
)

func main() {
	route := routes.AcmeNova()
	common := migrationfile.GenOptions{
		Route: &route,
		Now:   time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
		// Far enough for the samples to stay valid for years.
		EndsAfter: time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	failing, clean := common, common
	failing.Records, failing.Seed, failing.Prefix, failing.FailShare = 200, 1, "acme", 0.05
	clean.Records, clean.Seed, clean.Prefix = 30, 2, "clean"
	for name, opts := range map[string]migrationfile.GenOptions{"acme-200.json": failing, "acme-clean.json": clean} {
		if err := write(name, opts); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func write(name string, opts migrationfile.GenOptions) error {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("sample %s: %w", name, err)
	}
	if err := migrationfile.Generate(file, opts); err != nil {
		_ = file.Close()
		return fmt.Errorf("sample %s: %w", name, err)
	}
	return file.Close()
}
