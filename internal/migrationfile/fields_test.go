package migrationfile

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryNameIsFound(t *testing.T) {
	t.Parallel()
	for i, name := range fieldNames {
		require.Equal(t, i, numberOf(name), name)
		require.Equal(t, i, numberOf([]byte(name)), name)
		for _, other := range []string{name + "x", name[1:], "x" + name[1:], name[:len(name)-1] + "X", "", "date"} {
			require.Negative(t, numberOf(other), other)
		}
	}
}
