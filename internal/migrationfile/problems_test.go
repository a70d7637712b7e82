package migrationfile

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestProblemsOfAFile(t *testing.T) {
	t.Parallel()
	a, c := sound(1, ""), sound(2, "")
	col := len(a) + 1 // where a lone array's first record ends
	gz := packed(t, "["+a+"]")
	big := sound(3, `,"x":"`+strings.Repeat("x", DefaultMaxRecordBytes)+`"`)
	for name, f := range map[string]struct {
		file string
		want []string
	}{
		"empty":                   {"", []string{"0:1:1  NO_RECORDS"}},
		"white space":             {" \r\n\t\n", []string{"0:1:1  NO_RECORDS"}},
		"empty array":             {"[ ]", []string{"0:1:1  NO_RECORDS"}},
		"empty gzip":              {packed(t, ""), []string{"0:1:1  NO_RECORDS"}},
		"text":                    {"\n id;status\n", []string{"0:2:2  NOT_JSON"}},
		"scalar":                  {`"x"`, []string{"0:1:1  NOT_JSON"}},
		"UTF-16":                  {"\xff\xfe[\x00", []string{"0:1:1  BAD_UTF8"}},
		"zip":                     {"PK\x03\x04", []string{"0:1:1  NOT_JSON"}},
		"gzip in gzip":            {packed(t, gz), []string{"0:1:1  NOT_JSON"}},
		"array not closed":        {"[" + a, []string{fmt.Sprintf("1:1:%d  TRUNCATED", col+1)}},
		"after a comma":           {"[" + a + ",\n", []string{"1:2:1  TRUNCATED"}},
		"only opened":             {"[", []string{"0:1:2  TRUNCATED"}},
		"inside a record":         {"[" + a + ",\n" + c[:90], []string{"2:2:91  TRUNCATED"}},
		"inside a word":           {"[nul", []string{"1:1:2  NOT_AN_OBJECT", "1:1:5  TRUNCATED"}},
		"inside a line":           {a + "\n" + c[:90], []string{"2:2:91  TRUNCATED"}},
		"rubbish after array":     {"[" + a + "]\n" + c, []string{"1:2:1  TRAILING_DATA"}},
		"two arrays":              {"[" + a + "][" + c + "]", []string{fmt.Sprintf("1:1:%d  TRAILING_DATA", col+2)}},
		"two on a line":           {a + "\n" + c + " " + c, []string{"2:2:1  TRAILING_DATA"}},
		"a comma after a line":    {a + ",\n" + c, []string{"1:1:1  TRAILING_DATA"}},
		"comma missing":           {"[" + a + "\n" + c + "]", []string{"1:2:1  BAD_JSON"}},
		"comma at the end":        {"[" + a + ",]", []string{fmt.Sprintf("1:1:%d  BAD_JSON", col+2)}},
		"comma at the start":      {"[," + a + "]", []string{"0:1:2  BAD_JSON"}},
		"only a comma":            {"[,]", []string{"0:1:2  BAD_JSON", "0:1:3  BAD_JSON"}},
		"two commas":              {"[" + a + ",," + c + "]", []string{fmt.Sprintf("1:1:%d  BAD_JSON", col+2)}},
		"not objects":             {`[1,"[,\"",null,[],` + a + `]`, []string{"1:1:2  NOT_AN_OBJECT", "2:1:4  NOT_AN_OBJECT", "3:1:11  NOT_AN_OBJECT", "4:1:16  NOT_AN_OBJECT"}},
		"no object on a line":     {a + "\n17\n" + c, []string{"2:2:1  NOT_AN_OBJECT"}},
		"bad record in array":     {`[{"a" 1},` + a + `,{"b":01},{]]`, []string{"1:1:7  BAD_JSON", fmt.Sprintf("3:1:%d  BAD_JSON", 10+len(a)+7), fmt.Sprintf("4:1:%d  BAD_JSON", 10+len(a)+11)}},
		"bad record on a line":    {a + "\n{\"a\":tru}\n" + c, []string{"2:2:9  BAD_JSON"}},
		"single quotes":           {"[" + a + ",{'a':1}]", []string{fmt.Sprintf("2:1:%d  BAD_JSON", col+3)}},
		"line break in text":      {"[" + a + ",\n{\"a\":\"b\n\"}," + c + "]", []string{"2:2:8  BAD_JSON"}},
		"tab in text":             {"[{\"a\":\"b\tc\"}," + a + "]", []string{"1:1:9  BAD_JSON"}},
		"bytes that aren't text":  {"[{\"é\":1,\"a\":\"b\xff\"}," + a + "]", []string{"1:1:15  BAD_UTF8"}},
		"half a pair":             {`[{"a":"b\ud800"},` + a + `]`, []string{"1:1:9  BAD_UTF8"}},
		"the other half":          {`[{"a":"\udc00\ud800"},` + a + `]`, []string{"1:1:8  BAD_UTF8"}},
		"too large":               {"[" + big + "," + a + "]", []string{"1:1:2  RECORD_TOO_LARGE"}},
		"too large a line":        {a + "\n  " + big + "\n" + c, []string{"2:2:3  RECORD_TOO_LARGE"}},
		"too large a line, uncut": {sound(1, `,"x":"`+strings.Repeat("x", DefaultMaxRecordBytes-len(a)-6)+`"`), []string{"1:1:1  RECORD_TOO_LARGE"}},
		"too deep":                {"[" + sound(1, `,"x":`+strings.Repeat("[", 32)+strings.Repeat("]", 32)) + "]", []string{"1:1:2  TOO_DEEP"}},
		"far too deep":            {strings.Repeat("[", 50_000), []string{"1:1:50001  TRUNCATED"}},
		"gzip cut":                {gz[:len(gz)-9], []string{"1:1:1  TRUNCATED"}},
		"gzip cut early":          {gz[:5], []string{"0:1:1  TRUNCATED"}},
		"gzip magic alone":        {gz[:2], []string{"0:1:1  TRUNCATED"}},
		"gzip damaged":            {gz[:len(gz)-6] + "zz" + gz[len(gz)-4:], []string{"1:1:1  BAD_GZIP"}},
		"gzip header damaged":     {gz[:2] + "zzzzzzzzzz", []string{"0:1:1  BAD_GZIP"}},
		"gzip and more":           {gz + "more than that", []string{"1:1:1  BAD_GZIP"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := setup(t).text(t, f.file)
			got := refused(res)
			if strings.HasPrefix(name, "gzip ") { // how far it got depends on the packer
				require.Len(t, got, 1)
				got[0] = f.want[0][:strings.LastIndexByte(f.want[0], ' ')] + got[0][strings.LastIndexByte(got[0], ' '):]
			}
			require.Equal(t, f.want, got)
			require.Equal(t, int64(len(f.file)), res.Bytes, "all is read, for the checksum")
			require.Nil(t, res.Index)
		})
	}
}

func TestProblemsOfARecord(t *testing.T) {
	t.Parallel()
	place := func(record, text string) int { return strings.Index(record, text) + 1 }
	for name, c := range map[string]struct {
		record, at, want string // at: the text to whose start the problem points
	}{
		"empty string":    {with("offerKey", `""`), `""`, "/offerKey EMPTY_STRING"},
		"empty extension": {with("extensionData", `""`), `""`, "/extensionData EMPTY_STRING"},
		"a number":        {with("externalEntitlementId", "17"), "17", "/externalEntitlementId NOT_A_STRING"},
		"a bool":          {with("status", "true"), "true", "/status NOT_A_STRING"},
		"an object":       {with("dateActivated", "{}"), "{}", "/dateActivated NOT_A_STRING"},
		"extension list":  {with("extensionData", "[1]"), "[1]", "/extensionData NOT_AN_OBJECT"},
		"a date":          {with("dateActivated", `"31.05.2024"`), `"31.05`, "/dateActivated BAD_DATE"},
		"no zone":         {with("dateCreated", `"2024-01-01T00:00:00"`), `"2024-01-01T00:00:00"`, "/dateCreated BAD_DATE"},
		"null":            {with("dateCreated", `null`), `{`, "/dateCreated REQUIRED"},
		"case of a key":   {strings.Replace(sound(1, ""), "productKey", "ProductKey", 1), `{`, "/productKey REQUIRED"},
		"route":           {with("productKey", `"gold"`), `"gold"`, "/productKey UNKNOWN_PRODUCT"},
		"escaped key":     {strings.Replace(with("productKey", `"gold"`), "productKey", `product\u004bey`, 1), `"gold"`, "/productKey UNKNOWN_PRODUCT"},
		"alias": {
			strings.Replace(sound(1, `,"dateEnded":"2025-01-01T00:00:00Z","cancelReasonCategory":"REVOKED","cancelReasonCode":"NO"`), `"ACTIVE"`, `"REVOKED"`, 1),
			`"NO"`, "/cancelReasonCode UNKNOWN_REASON",
		},
		"two names": {
			strings.Replace(sound(1, `,"dateEnded":"2025-01-01T00:00:00Z","reasonDescription":"a","cancelReasonDescription":"b"`), `"ACTIVE"`, `"REVOKED"`, 1),
			`"cancelReasonDescription"`, "/cancelReasonDescription DUPLICATE_KEY",
		},
		"a key twice":       {sound(1, `,"status" : "ACTIVE"`), `"status" `, "/status DUPLICATE_KEY"},
		"null and again":    {sound(1, `,"offerKey":null,"offerKey" :"addon"`), `"offerKey" `, "/offerKey DUPLICATE_KEY"},
		"unknown twice":     {sound(1, `,"a":1,"a" :2`), `"a" `, " DUPLICATE_KEY"},
		"escaped twice":     {sound(1, `,"a":1,"\u0061" :2`), `"\u0061" `, " DUPLICATE_KEY"},
		"twice inside":      {sound(1, `,"extensionData":{"b":[{"k":1,"k" :2}]}`), `"k" `, "/extensionData DUPLICATE_KEY"},
		"twice in unknown":  {sound(1, `,"x":[{"k":{"k":1},"k" :2}]`), `"k" `, " DUPLICATE_KEY"},
		"control in an id":  {with("customerIdentifier", `"a\u0007"`), `"a\u`, "/customerIdentifier CONTROL_CHARACTER"},
		"two sides of a ts": {with("dateActivated", `"2023-01-01T00:00:00Z"`), `"2023-`, "/dateActivated DATE_ORDER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := setup(t).text(t, "[\n "+c.record+"]")
			require.Equal(t, []string{fmt.Sprintf("1:2:%d %s", place(c.record, c.at)+1, c.want)}, refused(res))
		})
	}
}

func TestAllProblemsOfARecordAreTold(t *testing.T) {
	t.Parallel()
	res := setup(t).text(t, `[{"externalEntitlementId":"ext-1","status":"","dateCreated":5,"offerKey":"","productKey":"gold","notificationUrl":"ftp://x"}]`)
	require.ElementsMatch(t, []string{
		"1:1:44 /status EMPTY_STRING", "1:1:61 /dateCreated NOT_A_STRING", "1:1:74 /offerKey EMPTY_STRING",
		"1:1:2 /customerIdentifier REQUIRED", "1:1:2 /merchantAccountKey REQUIRED",
		"1:1:90 /productKey UNKNOWN_PRODUCT", "1:1:115 /notificationUrl BAD_URL",
	}, refused(res))
	for _, p := range res.Problems {
		require.Equal(t, "ext-1", p.ExternalEntitlementID)
	}
}

func TestDuplicateIDsNameTheFirst(t *testing.T) {
	t.Parallel()
	res := setup(t).text(t, sound(7, "")+"\n"+sound(8, "")+"\n"+
		strings.Replace(sound(7, ""), "cust-7", "cust-9", 1)+"\n"+strings.Replace(sound(7, ""), "cust-7", `cust-10","status":"X`, 1))
	require.Equal(t, "3:3:26 /externalEntitlementId DUPLICATE_ID", refused(res)[0])
	require.Contains(t, res.Problems[0].Message, "record 1")
	require.Equal(t, 2, res.ProblemCounts[CodeDuplicateID], "a bad record's id counts too")
}

func TestLivingEntitlementsPerCustomer(t *testing.T) {
	t.Parallel()
	of := func(n int, status string) string {
		r := strings.Replace(sound(n, ""), fmt.Sprintf("cust-%d", n), "cust-x", 1)
		if status == "CANCELLED" {
			r = strings.Replace(r, `"dateCreated"`, `"dateEnded":"2024-03-01T00:00:00Z","dateCreated"`, 1)
		}
		return strings.Replace(r, `"ACTIVE"`, `"`+status+`"`, 1)
	}
	file := of(1, "CANCELLED") + "\n" + of(2, "ACTIVE") + "\n" + of(3, "CANCELLED") + "\n" + of(4, "ACTIVE") + "\n" + sound(5, "")
	b := setup(t)
	res := b.text(t, file)
	require.Equal(t, []string{"4:4:55 /customerIdentifier TOO_MANY_LIVING"}, refused(res))
	require.Contains(t, res.Problems[0].Message, "the first is record 2")
	elsewhere := b.text(t, of(1, "ACTIVE")+"\n"+strings.Replace(of(2, "ACTIVE"), "nova-music", "other", 1))
	require.Equal(t, map[string]int{"UNKNOWN_MERCHANT": 1}, elsewhere.ProblemCounts, "the limit is one merchant's")
	b.route.EntitlementsPerCustomer = 2
	require.Empty(t, b.text(t, file).Problems)
	b.route.EntitlementsPerCustomer = 0
	require.Empty(t, b.text(t, file).Problems)
}

// What a reload adds to the largest record doesn't make it too large.
func TestLargestRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	largest := sound(1, `,"x":"`+strings.Repeat("x", DefaultMaxRecordBytes-len(sound(1, ""))-7)+`"`)
	require.Len(t, largest, DefaultMaxRecordBytes)
	require.Empty(t, b.text(t, largest).Problems)
	partial := strings.Replace(largest, "{", `{"entitlementId":"12345678-1234-1234-1234-123456789012",`, 1)
	require.Empty(t, b.text(t, partial).Problems)
	require.Len(t, b.text(t, strings.Replace(largest, "xx", "xxx", 1)).Problems, 1)
}

// Places are right however many findings a record has and in whatever order.
func TestManyFindingsInOneRecord(t *testing.T) {
	t.Parallel()
	var more strings.Builder
	for range 3000 {
		more.WriteString(`,"x":1` + "\n")
	}
	res := setup(t).text(t, "["+sound(1, more.String()+`,"status":"é"`)+"]")
	require.Equal(t, map[string]int{CodeDuplicateKey: 3000}, res.ProblemCounts)
	for i, p := range res.Problems[:2999] {
		require.Equal(t, []int{i + 2, 2}, []int{p.Line, p.Column})
	}
	require.Equal(t, 3001, res.Problems[2999].Line)
	require.Equal(t, map[string]int{CodeUnknownField: 1}, res.WarningCounts)
	require.Equal(t, 1, res.Warnings[0].Line)
}

func TestAGzipBombEnds(t *testing.T) {
	t.Parallel()
	bomb := packed(t, "["+strings.Repeat(" ", ratioFloor+windowBytes)+"]")
	require.Equal(t, map[string]int{CodeGzipRatio: 1}, setup(t).text(t, bomb).ProblemCounts)
}

func TestAnotherRecordIsNeverNamedByAWrappedNumber(t *testing.T) {
	t.Parallel()
	if strconv.IntSize < 64 {
		t.Skip("no file has so many records here")
	}
	beyond := int64(math.MaxUint32) + 8
	c := newCollector(ImportOptions{MaxProblems: DefaultMaxProblems})
	b := newBlock()
	b.raw = []byte(`"x"`)
	b.pieces = []piece{{record: int(beyond), place: place{1, 1}, end: len(b.raw)}}
	b.checked = []checked{{hasID: true}}
	require.NoError(t, c.add(b))
	require.Empty(t, c.result.Problems)
	require.NoError(t, c.add(b))
	require.Len(t, c.result.Problems, 1)
	require.Contains(t, c.result.Problems[0].Message, "record 4294967295")
}

// Personal values and secrets are in no problem and no warning.
func TestNothingPersonalIsQuoted(t *testing.T) {
	t.Parallel()
	fields := []string{
		"externalEntitlementId", "customerIdentifier", "notificationUrl", "activationCode", "extensionData",
		"status", "productKey", "dateCreated", "entitlementId", "reasonCode",
	}
	texts := []string{`"SECRET é"`, `"SECRET\u0001"`, `["SECRET"]`, `{"SECRET":1,"SECRET":2}`, `"SECRET`, `SECRET`, `"SECRET\x"`, `"SECRET\ud800"`}
	rapid.Check(t, func(rt *rapid.T) {
		field, text := rapid.SampledFrom(fields).Draw(rt, "field"), rapid.SampledFrom(texts).Draw(rt, "text")
		res := setup(t).text(t, "["+with(field, text)+"]")
		require.NotContains(rt, fmt.Sprint(res.Problems, res.Warnings), "SECRET")
	})
}
