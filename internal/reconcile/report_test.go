package reconcile

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

const header = "ResellerCustomerId,BangoEntitlementId,Status,MerchantAccountKey,MerchantEntitlementId,ProductKey,DisplayName," +
	"CreatedDate,ActivatedDate,SuspendedDate,ExpiryDate,LastUpdated,EndDate,ExtensionDataFormat,ExtensionData\r\n"

func readAll(t *testing.T, body string) ([]Row, error) {
	t.Helper()
	r, err := NewReportReader(strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	var rows []Row
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
}

func TestReportIsRead(t *testing.T) {
	t.Parallel()
	rows, err := readAll(t, header+
		"caf\xe9 \x80,ID-1,Active-Ending,nova-music,m,nova-basic,\"a, \"\"b\"\"\r\nc\",31/12/2024 23:59:58,01/02/2025 00:00:00,,,03/04/2025 05:06:07,05/06/2027 07:08:09,json,\"{\"\"a\"\":1}\"\r\n"+
		"c2,ID-2,ACTIVE,nova-music,,nova-family,,31/12/2024 23:59:58,,,,,,,\r\n")
	require.NoError(t, err)
	require.Len(t, rows, 2)
	utc := func(y int, m time.Month, d, h, mi, s int) *time.Time {
		return new(time.Date(y, m, d, h, mi, s, 0, time.UTC))
	}
	require.Equal(t, Row{Updated: *utc(2025, 4, 3, 5, 6, 7), Entitlement: entitlement.Entitlement{
		EntitlementID: "ID-1", CustomerIdentifier: "café €", MerchantAccountKey: "nova-music", ProductKey: "nova-basic",
		Status: entitlement.ActiveEnding, DateCreated: utc(2024, 12, 31, 23, 59, 58), DateActivated: utc(2025, 2, 1, 0, 0, 0),
		DateEnded: utc(2027, 6, 5, 7, 8, 9), Settled: true,
	}}, rows[0])
	require.True(t, rows[1].Updated.IsZero())
	require.Equal(t, "nova-family", rows[1].Entitlement.ProductKey)

	rows, err = readAll(t, "EndDate,LastUpdated,ExpiryDate,SuspendedDate,ActivatedDate,CreatedDate,ProductKey,MerchantAccountKey,Status,BangoEntitlementId,ResellerCustomerId\n"+
		",,,,,31/12/2024 23:59:58,p,m,Revoked,ID-1,c\n")
	require.NoError(t, err)
	require.Equal(t, entitlement.Revoked, rows[0].Entitlement.Status, "columns are known by their names")
}

// What is wrong with a report is said by line and column, never by value.
func TestReportThatIsNone(t *testing.T) {
	t.Parallel()
	row := func(customer, id, status, created string) string {
		return header + "ok,ID-0,Active,m,,p,,31/12/2024 23:59:58,,,,,,,\r\n" +
			customer + "," + id + "," + status + ",m,,p,," + created + ",,,,,,,\r\n"
	}
	const day = "31/12/2024 23:59:58"
	for name, c := range map[string]struct{ body, says string }{
		"empty":            {"", "it is empty"},
		"version 1":        {"BangoEntitlementId,BangoUserId,Status\n", "it lacks the columns ResellerCustomerId, MerchantAccountKey"},
		"version 1, said":  {"BangoEntitlementId,BangoUserId,Status\n", "report of version 1"},
		"a mark":           {"\xef\xbb\xbf" + header, "mark of a Unicode file"},
		"UTF-16":           {"\xff\xfeR\x00e\x00", "mark of a Unicode file"},
		"semicolons":       {strings.ReplaceAll(header, ",", ";"), "semicolons"},
		"correlation":      {"EntitlementId,ExternalEntitlementId,CorrelationResult\n", "correlation report"},
		"merchant's":       {"MerchantEntitlementId,Status\n", "merchant's report"},
		"something":        {"a,b\n", "is it the right file?"},
		"a column twice":   {strings.Replace(header, "DisplayName", "Status", 1), "column Status is there twice"},
		"UTF-8":            {row("caf\xc3\xa9", "ID-1", "Active", day), "line 3: ResellerCustomerId is UTF-8"},
		"no Windows-1252":  {row("caf\x81", "ID-1", "Active", day), "line 3: ResellerCustomerId has bytes"},
		"no id":            {row("c", "", "Active", day), "line 3: BangoEntitlementId is empty"},
		"status":           {row("c", "ID-1", "secretly", day), "line 3: Status is none"},
		"ISO date":         {row("c", "ID-1", "Active", "2024-12-31T23:59:58Z"), "line 3: CreatedDate is no date like 31/12/2026 23:59:59"},
		"American date":    {row("c", "ID-1", "Active", "12/31/2024 23:59:58"), "line 3: CreatedDate is no date"},
		"short row":        {header + "a,b\r\n", "wrong number of fields"},
		"a quote too many": {header + "a,\"b,c\r\n", "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readAll(t, c.body)
			require.ErrorContains(t, err, c.says)
			require.NotErrorIs(t, err, io.EOF)
			for _, value := range []string{"caf", "secretly", "2024-12-31"} {
				require.NotContains(t, err.Error(), value)
			}
		})
	}
}

func TestContentsByName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Contents{
		"AR_V1_W_20200810.csv": ActiveOnes, "s3://b/EntitlementReports/nova/Weekly/AR_V1_W_20200810.csv": ActiveOnes,
		"in/CR_V1_M_202009.csv": Changes, "ER_V1_D_20260101.csv": Changes, `C:\in\ar_v1.csv`: ActiveOnes,
		"everything.csv": Everything, "ARRIVALS.csv": Everything, "": Everything,
	} {
		require.Equal(t, want, ContentsOf(name), name)
	}
	require.True(t, Changes.Known())
	require.False(t, Contents("some").Known())
}

func FuzzReport(f *testing.F) {
	f.Add(header + "c,ID-1,Active,m,,p,,31/12/2024 23:59:58,,,,,,,\r\n")
	f.Add("\xff\xfe\"")
	f.Fuzz(func(t *testing.T, body string) {
		rows, err := readAll(t, body)
		for _, row := range rows {
			require.NotEmpty(t, row.Entitlement.EntitlementID)
		}
		require.NotErrorIs(t, err, io.EOF)
	})
}
