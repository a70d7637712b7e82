package activities

import (
	"bytes"
	"context"
	"fmt"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// BatchRef says where a batch's records are.
type BatchRef struct {
	Migration string `json:"migration"`
	Number    int    `json:"number"`
	First     int    `json:"first"` // record number
	Count     int    `json:"count"`
	At        Range  `json:"at"` // in records.ndjson
}

// BatchRecord is one record of a batch, by reference.
type BatchRecord struct {
	Record                int                `json:"record"`
	ExternalEntitlementID string             `json:"externalEntitlementId"`
	At                    Range              `json:"at"`
	Status                entitlement.Status `json:"status"`
	Steps                 []entitlement.Step `json:"steps"`
}

// LoadBatch reads a batch's staged records and plans their steps.
func (a *Activities) LoadBatch(ctx context.Context, in BatchRef) ([]BatchRecord, error) {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	var out []BatchRecord
	err := a.eachRecord(ctx, in, func(r stagedRecord) error {
		out = append(out, BatchRecord{
			Record: r.number, ExternalEntitlementID: r.decoded.ExternalEntitlementID, At: r.at,
			Status: r.decoded.Status, Steps: entitlement.Steps(&r.decoded, a.now()),
		})
		return nil
	})
	if err != nil {
		return nil, fault.Activity(err)
	}
	return out, nil
}

// stagedRecord is one line of records.ndjson.
type stagedRecord struct {
	number  int
	at      Range
	line    []byte
	decoded entitlement.Record
}

// eachRecord calls f with every record of a batch, in file order.
func (a *Activities) eachRecord(ctx context.Context, b BatchRef, f func(stagedRecord) error) error {
	body, err := a.ranges.get(ctx, b.Migration, b.At)
	if err != nil {
		return err
	}
	number, offset := b.First, b.At.Offset
	for len(body) > 0 {
		line, rest, _ := bytes.Cut(body, []byte("\n"))
		decoded, err := migrationfile.Decode(line)
		if err != nil {
			return a.stagedFault(b.Migration, b.At, number)
		}
		at := Range{Offset: offset, Length: int64(len(line))}
		if err := f(stagedRecord{number: number, at: at, line: line, decoded: decoded}); err != nil {
			return err
		}
		offset += int64(len(body) - len(rest))
		number, body = number+1, rest
	}
	if number != b.First+b.Count {
		return a.stagedFault(b.Migration, b.At, number)
	}
	return nil
}

// stagedFault is the fault of a staged record that doesn't read back: somebody
// has changed records.ndjson. The decoder's text could quote personal data. The
// range is forgotten, so that a file that was repaired is read anew.
func (a *Activities) stagedFault(migrationID string, batch Range, record int) error {
	a.ranges.forget(migrationID, batch)
	return &fault.Fault{
		Kind: fault.Final, Code: fault.CodeStoreFault,
		Message: fmt.Sprintf("record %d in records.ndjson is not what was staged (the file was changed; nothing more can be migrated from it)", record),
	}
}
