package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/routes"
)

// failShare of the records are of a product that refuses a step of theirs; far
// enough below the error limit not to reach it.
const failShare = 0.04

// A file is made up as of a day in the past, and what ends in it ends in a far
// future, so that the same seed gives the same bytes on any day.
var (
	fileDay  = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	endsFrom = time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC)
)

// File is a made-up migration file with what must become of it.
type File struct {
	Body    []byte
	Records []Record
	// Effective counts the writes that a run without faults makes take effect,
	// Leftover those of a reload once nothing is refused any more.
	Effective, Leftover map[entitlement.Step]int
}

// Record is one record of a file, read as plain JSON.
type Record struct {
	Number   int // from 1
	External string
	Fields   map[string]any
	Steps    []entitlement.Step
	Refused  entitlement.Step // the step that its product refuses; empty: none
	// Forbidden is the step that a firewall refuses this record; empty: none.
	Forbidden entitlement.Step
}

// NewFile makes the file of a seed up.
func NewFile(seed uint64, records int) (*File, error) {
	return generate(migrationfile.GenOptions{
		Records: records, Seed: seed, FailShare: failShare,
		Prefix: fmt.Sprintf("chaos-%d", seed), Lines: seed%2 == 1,
		// More of what is seldom in a real base, so that every step's boundary
		// is met often.
		Mix: map[entitlement.Status]int{
			entitlement.Pending: 8, entitlement.Active: 40, entitlement.ActiveEnding: 12,
			entitlement.Suspended: 14, entitlement.Cancelled: 14, entitlement.Revoked: 12,
		},
	})
}

func generate(o migrationfile.GenOptions) (*File, error) {
	acme := routes.AcmeNova()
	o.Route, o.Now, o.EndsAfter = &acme, fileDay, endsFrom
	var body bytes.Buffer
	if err := migrationfile.Generate(&body, o); err != nil {
		return nil, err
	}
	f := &File{Body: body.Bytes(), Effective: map[entitlement.Step]int{}, Leftover: map[entitlement.Step]int{}}
	all, err := decodeRecords(f.Body)
	if err != nil {
		return nil, err
	}
	for i, fields := range all {
		f.add(newRecord(i+1, fields))
	}
	return f, nil
}

func (f *File) add(r Record) {
	f.Records = append(f.Records, r)
	counts := f.Effective
	for _, step := range r.Steps {
		if step == r.Refused {
			counts = f.Leftover
		}
		counts[step]++
	}
}

// decodeRecords reads an array of records, or records one by one.
func decodeRecords(body []byte) ([]map[string]any, error) {
	var all []map[string]any
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		if err := json.Unmarshal(body, &all); err != nil {
			return nil, fmt.Errorf("records: %w", err)
		}
		return all, nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	for dec.More() {
		var fields map[string]any
		if err := dec.Decode(&fields); err != nil {
			return nil, fmt.Errorf("records: %w", err)
		}
		all = append(all, fields)
	}
	return all, nil
}

func newRecord(number int, fields map[string]any) Record {
	dropNulls(fields)
	r := Record{Number: number, External: text(fields, "externalEntitlementId"), Fields: fields}
	r.Steps = road(entitlement.Status(text(fields, "status")), fields["dateActivated"] != nil)
	_, refused, _ := strings.Cut(text(fields, "productKey"), "-fail-")
	if slices.Contains(r.Steps, entitlement.Step(refused)) {
		r.Refused = entitlement.Step(refused)
	}
	return r
}

// dropNulls makes null what it means: absent.
func dropNulls(fields map[string]any) {
	maps.DeleteFunc(fields, func(_ string, value any) bool { return value == nil })
}

func text(fields map[string]any, name string) string {
	s, _ := fields[name].(string)
	return s
}

// road is the steps to a status, written down a second time on purpose: it is
// what Ferry's own are held to.
func road(status entitlement.Status, activated bool) []entitlement.Step {
	steps := []entitlement.Step{entitlement.Create}
	if activated {
		steps = append(steps, entitlement.Activate)
	}
	switch status {
	case entitlement.Suspended:
		steps = append(steps, entitlement.Suspend)
	case entitlement.ActiveEnding, entitlement.Cancelled:
		steps = append(steps, entitlement.Cancel)
	case entitlement.Revoked:
		steps = append(steps, entitlement.Revoke)
	case entitlement.Pending, entitlement.Active:
	}
	return steps
}

// statusAfter is the record's status at the target when so many of its steps
// are done; empty before the first.
func (r *Record) statusAfter(done int) entitlement.Status {
	switch {
	case done == 0:
		return ""
	case done == len(r.Steps):
		return entitlement.Status(text(r.Fields, "status"))
	case r.Steps[done-1] == entitlement.Activate:
		return entitlement.Active
	}
	return entitlement.Pending
}

// before is how many steps come before one; all if it is none of the record's.
func (r *Record) before(step entitlement.Step) int {
	if i := slices.Index(r.Steps, step); i >= 0 {
		return i
	}
	return len(r.Steps)
}
