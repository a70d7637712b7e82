package workflows

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
)

func TestSignalsAreDecodedStrictly(t *testing.T) {
	t.Parallel()
	encoded := func(encoding, data string) *commonpb.Payload {
		return &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: []byte(data)}
	}
	for name, c := range map[string]struct {
		payload *commonpb.Payload
		says    string
	}{
		"none":             {nil, "no payload"},
		"empty":            {&commonpb.Payload{}, "not json/plain"},
		"null":             {encoded("binary/null", ""), "no payload"},
		"bytes":            {encoded("binary/plain", `{"by":"kim"}`), "not json/plain"},
		"protobuf":         {encoded("json/protobuf", `{"by":"kim"}`), "not json/plain"},
		"encrypted":        {encoded("binary/encrypted", "\x00\x01"), "not json/plain"},
		"no text":          {rawJSON(""), "not one JSON value"},
		"half":             {rawJSON(`{"by":"ki`), "not one JSON value"},
		"two values":       {rawJSON(`{"by":"kim"}{"by":"eve"}`), "not one JSON value"},
		"not UTF-8":        {rawJSON("{\"by\":\"k\xffm\"}"), "not UTF-8"},
		"null in JSON":     {rawJSON(`null`), "not a JSON object"},
		"list":             {rawJSON(`[{"by":"kim"}]`), "not a JSON object"},
		"string":           {rawJSON(`"kim"`), "not a JSON object"},
		"wrong type":       {rawJSON(`{"by":4711}`), `field "by" takes no number`},
		"unknown field":    {rawJSON(`{"by":"kim","raeson":"late"}`), `unknown field "raeson"`},
		"far too long":     {rawJSON(`{"by":"` + strings.Repeat("k", maxOperatorBytes) + `"}`), "more than 16384"},
		"not a true value": {rawJSON(`{"by":"kim","reason":{"secret":"s3cr3t"}}`), `field "reason" takes no object`},
		"long field":       {rawJSON(`{"` + strings.Repeat("x", 5000) + `":1}`), "unknown field"},
	} {
		var a OperatorAction
		err := decodeSignal(c.payload, maxOperatorBytes, true, &a)
		require.ErrorContains(t, err, c.says, name)
		require.Less(t, len(err.Error()), 120, name)
		require.NotContains(t, err.Error(), "4711", name)
		require.NotContains(t, err.Error(), "s3cr3t", name)
	}
	var a OperatorAction
	require.NoError(t, decodeSignal(rawJSON(` {"by":"kim","reason":"late"} `), maxOperatorBytes, true, &a))
	require.Equal(t, OperatorAction{By: "kim", Reason: "late"}, a)
	require.NoError(t, decodeSignal(rawJSON(`{"by":"kim","newer":1}`), maxOperatorBytes, false, &a), "a newer build may say more")
}
