# syntax=docker/dockerfile:1
# One image with the static programs: /worker, /ferry, /dashboard and /sandbox.

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/worker ./worker && \
    CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/ferry ./starter && \
    CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/dashboard ./dashboard && \
    CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/sandbox ./sandbox && \
    mkdir /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/ /
# A volume that is mounted here takes over the owner.
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
EXPOSE 8081
CMD ["/worker"]
