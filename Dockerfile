# The hub and its tools: one static file, no shell, not root.
#   docker build -t incidenthub:local .
FROM golang:1.26.8-bookworm AS build

RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download

# What the build reads and nothing else: no .git, no .env.
COPY apps apps
COPY cmd cmd
COPY drivers drivers
COPY internal internal
COPY migrations migrations
COPY pipelines pipelines
COPY templates templates
RUN CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -tags nomsgpack -trimpath -ldflags "-s -w" -o /out/usr/local/bin/incidenthub ./cmd/incidenthub

RUN mkdir -p /out/etc/ssl/certs /out/usr/share /out/var/lib/incidenthub /out/tmp \
    && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
    && cp -rL /usr/share/zoneinfo /out/usr/share/zoneinfo \
    && echo 'incidenthub:x:65532:65532::/var/lib/incidenthub:/sbin/nologin' > /out/etc/passwd \
    && echo 'incidenthub:x:65532:' > /out/etc/group \
    && chmod 1777 /out/tmp \
    && chmod 0700 /out/var/lib/incidenthub \
    && chown 65532:65532 /out/var/lib/incidenthub

FROM scratch
COPY --from=build /out/ /
USER 65532:65532
WORKDIR /var/lib/incidenthub
ENV HUB_LISTEN=:8080 HUB_DATA_DIR=/var/lib/incidenthub
EXPOSE 8080
# The hub ends in order at SIGTERM, within 25 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/usr/local/bin/incidenthub", "health"]
ENTRYPOINT ["/usr/local/bin/incidenthub"]
CMD ["serve"]
