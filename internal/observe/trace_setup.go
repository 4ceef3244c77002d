package observe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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
	exporterOTLP    = "otlp"
	exporterConsole = "console"
	exporterNone    = "none"
)

// defaultCollector is where OTLP goes when no endpoint is set.
// Source: opentelemetry.io, OpenTelemetry Protocol Exporter.
const defaultCollector = "http://localhost:4318/v1/traces"

// SetupTracing returns what the OTEL_ variables ask for, nil for no traces. There are
// some if OTEL_TRACES_EXPORTER names an exporter, or names none and an OTLP
// endpoint is set; OTEL_SDK_DISABLED=true and OTEL_TRACES_EXPORTER=none say no.
// What of them cannot be followed is the error. The variables that tune the SDK
// (OTEL_TRACES_SAMPLER, OTEL_BSP_…, OTEL_EXPORTER_OTLP_…) it reads from the
// process's environment itself. The console is stderr. The SDK's own problems are
// logged, at most one a minute, for the whole process. Stop ends it all.
func SetupTracing(ctx context.Context, getenv func(string) string, stderr io.Writer, logger *slog.Logger) (*Tracing, error) {
	names, err := exporters(getenv)
	if len(names) == 0 || err != nil {
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
	options := []sdk.TracerProviderOption{sdk.WithResource(self), sdk.WithoutPanicRecording()}
	for _, name := range names {
		if name == exporterConsole {
			options = append(options, sdk.WithBatcher(safe{&console{to: stderr}}, consoleDelay(getenv)...))
			continue
		}
		var where []otlptracehttp.Option
		if endpoint(getenv) == "" {
			where = append(where, otlptracehttp.WithEndpointURL(defaultCollector))
		}
		otlp, err := otlptracehttp.New(ctx, where...)
		if err != nil {
			return nil, fmt.Errorf("OTLP exporter: %w", err)
		}
		options = append(options, sdk.WithBatcher(safe{otlp}))
	}
	provider := sdk.NewTracerProvider(options...)
	return &Tracing{provider: provider, tracer: provider.Tracer(scope), inbound: inbound, fail: fail}, nil
}

// endpoint is the OTLP endpoint that is set, "" for none.
func endpoint(getenv func(string) string) string {
	return cmp.Or(getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
}

// exporters returns the exporters that are asked for, none for no traces.
func exporters(getenv func(string) string) ([]string, error) {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	names := list(getenv("OTEL_TRACES_EXPORTER"))
	if len(names) == 0 && endpoint(getenv) != "" {
		names = []string{exporterOTLP}
	}
	if strings.EqualFold(strings.TrimSpace(getenv("OTEL_SDK_DISABLED")), "true") || slices.Equal(names, []string{exporterNone}) {
		return nil, nil
	}
	for _, name := range names {
		if name != exporterOTLP && name != exporterConsole {
			add("OTEL_TRACES_EXPORTER: %q is none of: %s, %s, %s", name, exporterOTLP, exporterConsole, exporterNone)
		}
	}
	if !slices.Contains(names, exporterOTLP) {
		return names, errors.Join(problems...)
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
	return names, errors.Join(problems...)
}

// linksInbound tells whether OTEL_PROPAGATORS has the one header that is read of
// requests. Others of its values are ignored, as the specification wants it.
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

// rarely returns a function that logs one problem per interval, with how many it
// kept back: a collector that is away for a night fills no disk.
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
