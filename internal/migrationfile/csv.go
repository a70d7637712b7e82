package migrationfile

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// ErrorsWriter writes errors.csv: RFC 4180 with a header row, UTF-8, one row a
// record that is in the reload file.
type ErrorsWriter struct{ csv *csvWriter }

// NewErrorsWriter starts a file on w, which the caller closes after Close.
func NewErrorsWriter(w io.Writer) *ErrorsWriter {
	return &ErrorsWriter{newCSVWriter("errors file", w, "record", "externalEntitlementId", "entitlementId",
		"outcome", "step", "code", "httpStatus", "message", "partial", "retryable", "attempts", "hint")}
}

// Add writes the row of one record; hint says what to do, and may be empty.
// The error is the underlying writer's.
func (w *ErrorsWriter) Add(o *migration.Outcome, hint string) error {
	httpStatus := ""
	if o.HTTPStatus != 0 {
		httpStatus = strconv.Itoa(o.HTTPStatus)
	}
	return w.csv.row(strconv.Itoa(o.Record), o.ExternalEntitlementID, o.EntitlementID,
		string(o.Fate), string(o.Step), o.Code, httpStatus, o.Message,
		strconv.FormatBool(o.Partial()), strconv.FormatBool(o.Retryable), strconv.Itoa(o.Attempts), hint)
}

// Close writes what is buffered.
func (w *ErrorsWriter) Close() error { return w.csv.close() }

// What correlation.csv says of an entitlement, in the platform's own words
// (developer.bango.info/correlation-reports/).
const (
	CorrelationOK      = "OK: Entitlement data matches"
	CorrelationExtra   = "Error: Extra Entitlement detected in Bango system"
	CorrelationMissing = "Error: Missing Entitlement detected in Bango system"
	correlationMany    = "Error: Multiple differences"
)

// CorrelationUnread says of an entitlement that the target gives no usable
// answer for it, with the code of the fault.
func CorrelationUnread(code string) string { return "Error: Entitlement can't be read (" + code + ")" }

// CorrelationResult puts a comparison's differences, JSON names of fields, into
// the platform's words; for fields that its own report doesn't compare, such as
// dates, in the same form. A status that differs explains the dates of the
// lifecycle: what was suspended has a dateSuspended, and that is one difference.
func CorrelationResult(differences []string) string {
	if slices.Contains(differences, entitlement.FieldStatus) {
		differences = slices.DeleteFunc(slices.Clone(differences), explainedByStatus)
	}
	switch len(differences) {
	case 0:
		return CorrelationOK
	case 1:
		f := differences[0]
		return "Error: " + strings.ToUpper(f[:1]) + f[1:] + " is different"
	}
	return correlationMany
}

func explainedByStatus(field string) bool {
	switch field {
	case entitlement.FieldDateActivated, entitlement.FieldDateSuspended, entitlement.FieldDateResumed, entitlement.FieldDateEnded:
		return true
	}
	return false
}

// CorrelationWriter writes correlation.csv: RFC 4180 with a header row, UTF-8.
type CorrelationWriter struct{ csv *csvWriter }

// NewCorrelationWriter starts a file on w, which the caller closes after
// Close.
func NewCorrelationWriter(w io.Writer) *CorrelationWriter {
	return &CorrelationWriter{newCSVWriter("correlation file", w,
		"EntitlementId", "ExternalEntitlementId", "CorrelationResult")}
}

// Add writes one row. The error is the underlying writer's.
func (w *CorrelationWriter) Add(entitlementID, externalEntitlementID, result string) error {
	return w.csv.row(entitlementID, externalEntitlementID, result)
}

// Close writes what is buffered.
func (w *CorrelationWriter) Close() error { return w.csv.close() }

type csvWriter struct {
	name string
	csv  *csv.Writer
	err  error
}

func newCSVWriter(name string, w io.Writer, header ...string) *csvWriter {
	c := &csvWriter{name: name, csv: csv.NewWriter(w)}
	c.csv.UseCRLF = true
	c.err = c.row(header...)
	return c
}

func (w *csvWriter) row(cells ...string) error {
	if w.err != nil {
		return w.err
	}
	for i, cell := range cells {
		cells[i] = neutral(cell)
	}
	if err := w.csv.Write(cells); err != nil {
		w.err = fmt.Errorf("%s: %w", w.name, err)
	}
	return w.err
}

func (w *csvWriter) close() error {
	w.csv.Flush()
	if err := w.csv.Error(); err != nil && w.err == nil {
		w.err = fmt.Errorf("%s: %w", w.name, err)
	}
	return w.err
}

// neutral keeps a spreadsheet from running a cell as a formula: an apostrophe
// comes before the characters that start one.
func neutral(cell string) string {
	if cell != "" && strings.IndexByte("=+-@\t\r\n", cell[0]) >= 0 {
		return "'" + cell
	}
	return cell
}
