package sandbox

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDocumentNamesEverySwitch(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/sandbox.md")
	require.NoError(t, err)
	for _, of := range []any{Faults{}, Match{}} {
		fields := reflect.TypeOf(of)
		for i := range fields.NumField() {
			name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ",")
			require.Contains(t, string(page), "`"+name, fields.Field(i).Name)
		}
	}
	for _, as := range answerKinds {
		require.Contains(t, string(page), "`"+string(as)+"`")
	}
	for _, as := range oddKinds {
		require.Contains(t, string(page), "`"+string(as)+"`")
	}
}
