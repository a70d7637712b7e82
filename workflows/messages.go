package workflows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

// Bounds of a signal's JSON. What is longer can't be a true message.
const (
	maxTallyBytes    = 512 << 10 // 200 records' ids as examples, each character escaped
	maxMessageBytes  = 32 << 10  // control and trouble
	maxOperatorBytes = 16 << 10  // pause, resume and abort: a name and a reason, each character escaped
)

// receiveSignal takes the next signal from a channel that has one, as it came.
// A receive into a struct would wait, within its selector, for as long as no
// signal comes that decodes. Nil is a signal without a payload.
func receiveSignal(c workflow.ReceiveChannel) *commonpb.Payload {
	var raw converter.RawValue
	if !c.ReceiveAsync(&raw) {
		return nil
	}
	return raw.Payload()
}

// decodeSignal reads a signal's payload: one JSON object in UTF-8 of so many
// bytes at most. The error quotes nothing of its values. With strict a field
// that is not known is refused by its name; without, it may be a newer build's.
func decodeSignal(p *commonpb.Payload, limit int, strict bool, into any) error {
	data := p.GetData()
	switch encoding := string(p.GetMetadata()[converter.MetadataEncoding]); {
	case p == nil || encoding == converter.MetadataEncodingNil:
		return errors.New("it has no payload")
	case encoding != converter.MetadataEncodingJSON:
		return errors.New("its payload is not " + converter.MetadataEncodingJSON)
	case len(data) > limit:
		return fmt.Errorf("its payload has %d bytes, more than %d", len(data), limit)
	case !utf8.Valid(data):
		return errors.New("its payload is not UTF-8")
	case !json.Valid(data):
		return errors.New("its payload is not one JSON value")
	case !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")):
		return errors.New("its payload is not a JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if strict {
		dec.DisallowUnknownFields()
	}
	return withoutValue(dec.Decode(into))
}

// withoutValue says of a value that doesn't fit where it stands, not what it
// is, and of a field only so much of its name.
func withoutValue(err error) error {
	if unfit, is := errors.AsType[*json.UnmarshalTypeError](err); is {
		kind, _, _ := strings.Cut(unfit.Value, " ")
		return fmt.Errorf("its field %.60q takes no %s", unfit.Field, kind)
	}
	if err != nil {
		if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
			return fmt.Errorf("unknown field %.60s", name)
		}
	}
	return err
}
