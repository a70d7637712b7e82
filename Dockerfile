# One image with the static programs: /worker, /ferry, /dashboard and /sandbox.
# VERSION names the build, and a worker's version with it:
#
#   docker build --build-arg VERSION=1.4.2 --tag ferry:1.4.2 .

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=
# The image has no Git history, so the linker tells the name.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    flags="-s -w -X github.com/f0a90b9a/ferry/internal/ferryworker.build=$VERSION" && \
    CGO_ENABLED=0 go build -trimpath -ldflags="$flags" -o /out/worker ./worker && \
    CGO_ENABLED=0 go build -trimpath -ldflags="$flags" -o /out/ferry ./starter && \
    CGO_ENABLED=0 go build -trimpath -ldflags="$flags" -o /out/dashboard ./dashboard && \
    CGO_ENABLED=0 go build -trimpath -ldflags="$flags" -o /out/sandbox ./sandbox && \
    mkdir /data

FROM scratch
ARG VERSION=
LABEL org.opencontainers.image.title="Ferry" \
      org.opencontainers.image.description="Durable migration of entitlements: worker, command line, dashboard and sandbox" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/ /
# A volume that is mounted here takes over the owner.
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
# 8081: the worker's probes and metrics; 8088: the dashboard; 8089: the sandbox.
EXPOSE 8081 8088 8089
# A drain takes up to worker.stop_timeout: whoever stops it must wait longer.
STOPSIGNAL SIGTERM
CMD ["/worker"]
