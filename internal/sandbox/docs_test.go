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
		for field := range reflect.TypeOf(of).Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			require.Contains(t, string(page), "`"+name, field.Name)
		}
	}
	for _, as := range answerKinds {
		require.Contains(t, string(page), "`"+string(as)+"`")
	}
	for _, as := range oddKinds {
		require.Contains(t, string(page), "`"+string(as)+"`")
	}
}
