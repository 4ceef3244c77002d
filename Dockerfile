FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The repository is not in the context of the build, so the toolchain cannot ask it.
ARG VERSION=
ARG COMMIT=
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X github.com/shopd/shopd/internal/build.version=$VERSION -X github.com/shopd/shopd/internal/build.commit=$COMMIT" -o /shopd ./cmd/shopd \
 && echo 'shopd:x:65534:65534::/:/sbin/nologin' > /passwd

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /passwd /etc/passwd
COPY --from=build /shopd /shopd
COPY --from=build /src/THIRD_PARTY_LICENCES /
USER 65534
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/shopd", "healthcheck"]
ENTRYPOINT ["/shopd"]
CMD ["serve"]
