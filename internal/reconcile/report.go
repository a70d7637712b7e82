package reconcile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// Columns of an entitlement report, version 2, that are compared
// (developer.bango.com/resale/reporting/entitlementv2). Others are passed over.
const (
	columnCustomer    = "ResellerCustomerId"
	columnEntitlement = "BangoEntitlementId"
	columnStatus      = "Status"
	columnMerchant    = "MerchantAccountKey"
	columnProduct     = "ProductKey"
	columnCreated     = "CreatedDate"
	columnActivated   = "ActivatedDate"
	columnSuspended   = "SuspendedDate"
	columnExpiry      = "ExpiryDate"
	columnUpdated     = "LastUpdated"
	columnEnd         = "EndDate"
)

var columns = []string{
	columnCustomer, columnEntitlement, columnStatus, columnMerchant, columnProduct, columnCreated,
	columnActivated, columnSuspended, columnExpiry, columnUpdated, columnEnd,
}

// reportDate is how a report writes a moment of UTC.
const reportDate = "02/01/2006 15:04:05"

// Row is one row of a report. It holds personal data.
type Row struct {
	Entitlement entitlement.Entitlement
	Updated     time.Time // zero if the report doesn't tell
}

// ReportReader reads an entitlement report: RFC 4180, Windows-1252, a header
// row with the columns in any order, dates of UTC as dd/MM/yyyy HH:mm:ss. Its
// errors name line and column and never quote a value.
type ReportReader struct {
	csv *csv.Reader
	at  map[string]int // places of the columns
	row []string
}

// NewReportReader reads the header row. The error says which of the platform's
// other reports it seems to be.
func NewReportReader(r io.Reader) (*ReportReader, error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("report: it is empty, and should have a header row")
	}
	if err != nil {
		return nil, explainCSV(err)
	}
	at := make(map[string]int, len(header))
	for i, name := range header {
		name = strings.TrimSpace(name)
		if _, twice := at[name]; twice && slices.Contains(columns, name) {
			return nil, fmt.Errorf("report: column %s is there twice", name)
		}
		at[strings.Clone(name)] = i
	}
	var lacking []string
	for _, name := range columns {
		if _, there := at[name]; !there {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) > 0 {
		return nil, fmt.Errorf("report: it lacks the columns %s%s", strings.Join(lacking, ", "), likely(header))
	}
	return &ReportReader{csv: c, at: at}, nil
}

// likely guesses from its header what a file is instead.
func likely(header []string) string {
	first := header[0]
	has := func(name string) bool { return slices.Contains(header, name) }
	switch {
	case strings.HasPrefix(first, "\xef\xbb\xbf"), strings.HasPrefix(first, "\xff\xfe"), strings.HasPrefix(first, "\xfe\xff"):
		return " (it begins with the mark of a Unicode file: a report is Windows-1252; take it as the platform supplied it)"
	case len(header) == 1 && strings.Contains(first, ";"):
		return " (its columns are separated by semicolons: a spreadsheet has saved it anew; take it as the platform supplied it)"
	case has("BangoUserId"):
		return " (it is a report of version 1; ask for version 2)"
	case has("CorrelationResult"):
		return " (it is a correlation report; ask for the entitlement report)"
	case first == "MerchantEntitlementId":
		return " (it is the merchant's report; ask for the reseller's)"
	}
	return " (an entitlement report of version 2 has them; is it the right file?)"
}

// Read gives the next row; io.EOF after the last.
func (r *ReportReader) Read() (Row, error) {
	if err := r.next(); err != nil {
		return Row{}, err
	}
	return r.decode()
}

// next goes to the next row.
func (r *ReportReader) next() (err error) {
	r.row, err = r.csv.Read()
	return explainCSV(err)
}

// id is the platform's id of the row, in lower case and for now.
func (r *ReportReader) id() string { return strings.ToLower(r.row[r.at[columnEntitlement]]) }

// decode reads the row's cells.
func (r *ReportReader) decode() (Row, error) {
	var row Row
	var err error
	e := &row.Entitlement
	texts := map[string]*string{
		columnCustomer: &e.CustomerIdentifier, columnEntitlement: &e.EntitlementID,
		columnMerchant: &e.MerchantAccountKey, columnProduct: &e.ProductKey,
	}
	for name, into := range texts {
		if *into, err = r.text(name); err != nil {
			return row, err
		}
	}
	if e.EntitlementID == "" {
		return row, r.fault(columnEntitlement, "is empty")
	}
	if e.Status, err = r.status(); err != nil {
		return row, err
	}
	var updated *time.Time
	dates := map[string]**time.Time{
		columnCreated: &e.DateCreated, columnActivated: &e.DateActivated, columnSuspended: &e.DateSuspended,
		columnExpiry: &e.DateExpiry, columnEnd: &e.DateEnded, columnUpdated: &updated,
	}
	for name, into := range dates {
		if *into, err = r.date(name); err != nil {
			return row, err
		}
	}
	if updated != nil {
		row.Updated = *updated
	}
	e.Settled = true
	return row, nil
}

// text gives a cell's text, its own.
func (r *ReportReader) text(column string) (string, error) {
	cell := r.row[r.at[column]]
	if isASCII(cell) {
		return strings.Clone(cell), nil
	}
	if looksLikeUTF8(cell) {
		return "", r.fault(column, "is UTF-8, and a report is Windows-1252 (take it as the platform supplied it)")
	}
	text, err := charmap.Windows1252.NewDecoder().String(cell)
	if err != nil || strings.ContainsRune(text, '\ufffd') {
		return "", r.fault(column, "has bytes that are not Windows-1252 (take the report as the platform supplied it)")
	}
	return text, nil
}

// status reads a status in any case, as reports spell it.
func (r *ReportReader) status() (entitlement.Status, error) {
	cell := strings.ToUpper(strings.TrimSpace(r.row[r.at[columnStatus]]))
	status := entitlement.Status(strings.NewReplacer(" ", "-", "_", "-").Replace(cell))
	if !status.Known() && status != "FAILED" {
		return "", r.fault(columnStatus, "is none of the platform's statuses")
	}
	return status, nil
}

func (r *ReportReader) date(column string) (*time.Time, error) {
	cell := strings.TrimSpace(r.row[r.at[column]])
	if cell == "" {
		return nil, nil
	}
	at, err := time.Parse(reportDate, cell)
	if err != nil {
		return nil, r.fault(column, "is no date like 31/12/2026 23:59:59")
	}
	return &at, nil
}

func (r *ReportReader) fault(column, problem string) error {
	line, _ := r.csv.FieldPos(r.at[column])
	return fmt.Errorf("report: line %d: %s %s", line, column, problem)
}

// explainCSV leaves the end of the file as it is.
func explainCSV(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return fmt.Errorf("report: %w", err)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
