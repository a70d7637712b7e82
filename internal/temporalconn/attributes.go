package temporalconn

import (
	"context"
	"fmt"
	"slices"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
)

// KeywordAttributes gives those of some search attributes that a namespace has
// as keywords, in their order.
func KeywordAttributes(ctx context.Context, c client.Client, namespace string, names []string) ([]string, error) {
	answer, err := c.OperatorService().ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("search attributes of namespace %q: %w", namespace, err)
	}
	has := answer.GetCustomAttributes()
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return has[name] != enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}), nil
}
