package temporalconn

import (
	"context"
	"net/url"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// withPlainHeaders has every call's headers in printable ASCII. The SDK puts a
// workflow's id into one, and a call whose headers have anything else is
// refused before it is sent: a workflow whose id isn't ASCII could not even be
// failed, and no command could address it.
func withPlainHeaders() grpc.DialOption {
	return grpc.WithChainUnaryInterceptor(func(
		ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption,
	) error {
		if headers, ok := metadata.FromOutgoingContext(ctx); ok && escapeHeaders(headers) {
			ctx = metadata.NewOutgoingContext(ctx, headers)
		}
		return call(ctx, method, req, reply, conn, opts...)
	})
}

// escapeHeaders escapes the values that gRPC would refuse, and reports whether
// there were any. Those of headers that end in "-bin" may be anything.
func escapeHeaders(headers metadata.MD) bool {
	changed := false
	for name, values := range headers {
		if len(name) > 4 && name[len(name)-4:] == "-bin" {
			continue
		}
		for i, value := range values {
			if !isPlain(value) {
				values[i], changed = url.QueryEscape(value), true
			}
		}
	}
	return changed
}

func isPlain(value string) bool {
	for i := range len(value) {
		if value[i] < 0x20 || value[i] > 0x7e {
			return false
		}
	}
	return true
}
