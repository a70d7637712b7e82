package temporalconn

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/metadata"
)

func TestHeadersThatGRPCWouldRefuseAreEscaped(t *testing.T) {
	t.Parallel()
	headers := metadata.Pairs("temporal-resource-id", "workflow:acme-März", "client-name", "temporal-go", "x-bin", "\x00\xff")
	require.True(t, escapeHeaders(headers))
	require.Equal(t, []string{"workflow%3Aacme-M%C3%A4rz"}, headers["temporal-resource-id"])
	require.Equal(t, []string{"temporal-go"}, headers["client-name"])
	require.Equal(t, []string{"\x00\xff"}, headers["x-bin"])
	require.False(t, escapeHeaders(headers))
}
