package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

func TestCheckPlanHoldsTheRulesAgainstThoseOfThePlan(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := CheckPlanInput{Migration: "acme", Route: "acme-nova"}
	imported := b.importInput("acme", b.upload("acme.json", array(sounds(1)...)))
	run[ImportFileResult](b, ImportFileName, imported)
	run[any](b, CheckPlanName, in)

	imported.Rules.EntitlementsPerCustomer++
	run[ImportFileResult](b, ImportFileName, imported)
	f := refused(b, CheckPlanName, in)
	requireFault(t, f, fault.Final, fault.CodePlanChanged)
	require.Contains(t, f.Message, "acme-nova")
	require.Contains(t, f.Message, "start the file again")

	b.faults(func(f *sandbox.Faults) { f.Outage = true })
	requireFault(t, refused(b, CheckPlanName, in), fault.Retryable, fault.CodeServiceUnavailable)

	b.put(migration.Key("acme", migration.FilePlan), []byte("{"))
	requireFault(t, refused(b, CheckPlanName, in), fault.Final, fault.CodeStoreFault)
}
