package observe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// The values of OTEL_TRACES_EXPORTER.
const (
	exporterOTLP = "otlp"
	exporterNone = "none"
)

// defaultCollector is where OTLP goes when no endpoint is set.
// Source: opentelemetry.io, OpenTelemetry Protocol Exporter.
const defaultCollector = "http://localhost:4318/v1/traces"

// SetupTracing returns the tracing that the OTEL_ variables ask for, nil for none.
// They ask for it with OTEL_TRACES_EXPORTER=otlp, or with an OTLP endpoint alone.
// OTEL_SDK_DISABLED=true and OTEL_TRACES_EXPORTER=none switch it off. A variable
// that cannot be followed is an error. The SDK reads its own variables
// (OTEL_TRACES_SAMPLER, OTEL_BSP_…, OTEL_EXPORTER_OTLP_…) from the environment of
// the process. Its problems are logged, at most one a minute. Stop ends it all.
func SetupTracing(ctx context.Context, getenv func(string) string, logger *slog.Logger) (*Tracing, error) {
	if on, err := wanted(getenv); !on || err != nil {
		return nil, err
	}
	inbound := linksInbound(ctx, getenv, logger)
	fail := rarely(logger, time.Minute)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(fail))
	otel.SetLogger(logr.FromSlogHandler(logger.Handler()))

	self, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("shopd"), semconv.ServiceInstanceID(uuid.NewString())),
		resource.WithTelemetrySDK(), resource.WithFromEnv()) // the last one wins
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	var where []otlptracehttp.Option
	if endpoint(getenv) == "" {
		where = append(where, otlptracehttp.WithEndpointURL(defaultCollector))
	}
	exporter, err := otlptracehttp.New(ctx, where...)
	if err != nil {
		return nil, fmt.Errorf("OTLP exporter: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithResource(self), sdk.WithoutPanicRecording(), sdk.WithBatcher(safe{exporter}))
	return &Tracing{provider: provider, tracer: provider.Tracer(scope), inbound: inbound, fail: fail}, nil
}

// endpoint is the OTLP endpoint that is set, "" for none.
func endpoint(getenv func(string) string) string {
	return cmp.Or(getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
}

// wanted tells whether traces are asked for, or why they cannot be sent.
func wanted(getenv func(string) string) (bool, error) {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	names := list(getenv("OTEL_TRACES_EXPORTER"))
	if len(names) == 0 && endpoint(getenv) != "" {
		names = []string{exporterOTLP}
	}
	if strings.EqualFold(strings.TrimSpace(getenv("OTEL_SDK_DISABLED")), "true") || slices.Equal(names, []string{exporterNone}) {
		return false, nil
	}
	for _, name := range names {
		if name != exporterOTLP {
			add("OTEL_TRACES_EXPORTER: %q is none of: %s, %s", name, exporterOTLP, exporterNone)
		}
	}
	if !slices.Contains(names, exporterOTLP) {
		return false, errors.Join(problems...)
	}
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		u, err := url.Parse(getenv(variable))
		if value := getenv(variable); value != "" && (err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "") {
			add("%s must be http(s)://host[:port], perhaps with a path", variable) // it may hold credentials
		}
	}
	switch protocol := cmp.Or(getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), getenv("OTEL_EXPORTER_OTLP_PROTOCOL")); protocol {
	case "", "http/protobuf", "http/json":
	default:
		add("OTEL_EXPORTER_OTLP_PROTOCOL: %q is none of: http/protobuf, http/json; collectors take these at port 4318", protocol)
	}
	return true, errors.Join(problems...)
}

// linksInbound tells whether requests are linked to the trace in their traceparent.
// OTEL_PROPAGATORS decides; its other values are ignored, as the specification says.
func linksInbound(ctx context.Context, getenv func(string) string, logger *slog.Logger) bool {
	names := list(cmp.Or(getenv("OTEL_PROPAGATORS"), "tracecontext,baggage"))
	for _, name := range names {
		if !slices.Contains([]string{"tracecontext", "baggage", exporterNone}, name) {
			logger.WarnContext(ctx, "OTEL_PROPAGATORS: not supported, ignored", "propagator", name)
		}
	}
	return slices.Contains(names, "tracecontext")
}

// list splits a variable that holds several values.
func list(value string) []string {
	return slices.DeleteFunc(strings.Split(strings.ReplaceAll(value, " ", ""), ","), func(s string) bool { return s == "" })
}

// rarely returns a function that logs one problem per interval, with the number of
// those between. A collector that is away for a night fills no disk.
func rarely(logger *slog.Logger, interval time.Duration) func(error) {
	var mu sync.Mutex
	var last time.Time
	var kept int
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if !last.IsZero() && time.Since(last) < interval {
			kept++
			return
		}
		logger.Warn("traces", "error", err, "not_logged_before", kept)
		last, kept = time.Now(), 0
	}
}
