package api

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

func TestResaleIsAValidDocument(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(Resale)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	require.Len(t, doc.Paths.Map(), 8)
}
