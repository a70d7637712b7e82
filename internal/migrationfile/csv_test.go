package migrationfile

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
)

func TestErrorsFile(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := NewErrorsWriter(&b)
	require.NoError(t, w.Add(&migration.Outcome{
		Record: 17, ExternalEntitlementID: "=ext,17", EntitlementID: someID, Fate: migration.Failed,
		StepsDone: []entitlement.Step{entitlement.Create}, Step: entitlement.Activate,
		Code: "NOT_AVAILABLE", HTTPStatus: 409, Message: `not "available"`, Attempts: 2,
	}, "ask the merchant"))
	require.NoError(t, w.Add(&migration.Outcome{
		Record: 18, ExternalEntitlementID: "é", Fate: migration.NotAttempted, Code: "ABORTED", Retryable: true,
	}, ""))
	require.NoError(t, w.Close())
	require.Equal(t, "record,externalEntitlementId,entitlementId,outcome,step,code,httpStatus,message,partial,retryable,attempts,hint\r\n"+
		`17,"'=ext,17",`+someID+`,FAILED,activate,NOT_AVAILABLE,409,"not ""available""",true,false,2,ask the merchant`+"\r\n"+
		"18,é,,NOT_ATTEMPTED,,ABORTED,,,false,true,0,\r\n", b.String())
}

func TestCorrelationFile(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := NewCorrelationWriter(&b)
	require.NoError(t, w.Add(someID, "ext-1", CorrelationOK))
	require.NoError(t, w.Add("", "@ext-2", CorrelationMissing))
	require.NoError(t, w.Close())
	require.Equal(t, "EntitlementId,ExternalEntitlementId,CorrelationResult\r\n"+
		someID+",ext-1,OK: Entitlement data matches\r\n"+
		",'@ext-2,Error: Missing Entitlement detected in Bango system\r\n", b.String())
}

func TestCorrelationResult(t *testing.T) {
	t.Parallel()
	for want, cases := range map[string][][]string{
		"OK: Entitlement data matches":           {nil},
		"Error: ProductKey is different":         {{"productKey"}},
		"Error: CustomerIdentifier is different": {{"customerIdentifier"}},
		"Error: DateEnded is different":          {{"dateEnded"}},
		"Error: Status is different": {
			{"status"},
			{"status", "dateSuspended"},
			{"status", "dateActivated", "dateSuspended", "dateResumed", "dateEnded"},
		},
		"Error: Multiple differences": {
			{"productKey", "status"},
			{"status", "dateCreated"},
			{"status", "dateSuspended", "dateExpiry"},
			{"dateActivated", "dateEnded"},
		},
	} {
		for _, differences := range cases {
			given := slices.Clone(differences)
			require.Equal(t, want, CorrelationResult(differences), "%v", given)
			require.Equal(t, given, differences, "what is given stays as it is")
		}
	}
}

// No cell starts a formula, and nothing else is changed.
func TestCellsAreNeutral(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.StringMatching(`[=+\-@\t'"a,é ]{0,4}[a-z,"]?`).Draw(t, "id")
		var b bytes.Buffer
		w := NewCorrelationWriter(&b)
		require.NoError(t, w.Add(given, "x", "y"))
		require.NoError(t, w.Close())
		rows, err := csv.NewReader(&b).ReadAll()
		require.NoError(t, err)
		cell := rows[1][0]
		require.False(t, strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r"))
		if cell != given {
			require.Equal(t, "'"+given, cell)
		}
	})
	require.Equal(t, "'\rx", neutral("\rx"))
}

func TestCSVErrorsStay(t *testing.T) {
	t.Parallel()
	w := NewErrorsWriter(fullDisk{})
	for range 1000 {
		_ = w.Add(&migration.Outcome{Message: "some words"}, "")
	}
	require.ErrorIs(t, w.Close(), errCable)
	require.ErrorIs(t, w.Add(&migration.Outcome{}, ""), errCable)
}
