package main

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// bareRecord has the fields of a migration record and none of its rules. Dates
// are instants as in entitlement.Record, or stay text, which is the least that
// a decoder can do for them.
type bareRecord[date string | *instant] struct {
	ExternalEntitlementID   string         `json:"externalEntitlementId"`
	EntitlementID           string         `json:"entitlementId"`
	CustomerIdentifier      string         `json:"customerIdentifier"`
	MerchantAccountKey      string         `json:"merchantAccountKey"`
	ProductKey              string         `json:"productKey"`
	OfferKey                string         `json:"offerKey"`
	Status                  string         `json:"status"`
	DateCreated             date           `json:"dateCreated"`
	DateActivated           date           `json:"dateActivated"`
	DateSuspended           date           `json:"dateSuspended"`
	DateResumed             date           `json:"dateResumed"`
	DateEnded               date           `json:"dateEnded"`
	DateExpiry              date           `json:"dateExpiry"`
	ReasonCategory          string         `json:"reasonCategory"`
	ReasonCode              string         `json:"reasonCode"`
	ReasonDescription       string         `json:"reasonDescription"`
	CancelReasonCategory    string         `json:"cancelReasonCategory"`
	CancelReasonCode        string         `json:"cancelReasonCode"`
	CancelReasonDescription string         `json:"cancelReasonDescription"`
	NotificationURL         string         `json:"notificationUrl"`
	EntitlementDisplayName  string         `json:"entitlementDisplayName"`
	MerchantEntitlementID   string         `json:"merchantEntitlementId"`
	ActivationCode          string         `json:"activationCode"`
	ExtensionData           jsontext.Value `json:"extensionData"`
}

// instant is a date of the format, which RFC 3339 doesn't cover.
type instant time.Time

// UnmarshalText reads a date as an import does.
func (i *instant) UnmarshalText(text []byte) error {
	t, err := entitlement.ParseTime(string(text))
	*i = instant(t)
	return err
}

// recordsOf cuts a generated file, which has one record a line.
func recordsOf(file []byte) [][]byte {
	var records [][]byte
	for line := range bytes.Lines(file) {
		if line = bytes.TrimRight(line, ",\n"); len(line) > 1 {
			records = append(records, line)
		}
	}
	return records
}

// decodeBare does what any strict import must do at the least: decode every
// record, with unknown fields, duplicate keys and bad UTF-8 refused. The
// goroutines share the records.
func decodeBare[date string | *instant](records [][]byte, goroutines int) error {
	var wait sync.WaitGroup
	errs := make([]error, goroutines)
	for g := range goroutines {
		from, to := g*len(records)/goroutines, (g+1)*len(records)/goroutines
		wait.Go(func() { errs[g] = decodeAll[date](records[from:to]) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func decodeAll[date string | *instant](records [][]byte) error {
	for _, record := range records {
		var r bareRecord[date]
		if err := json.Unmarshal(record, &r, json.RejectUnknownMembers(true)); err != nil {
			return fmt.Errorf("decode a generated record: %w", err)
		}
	}
	return nil
}
