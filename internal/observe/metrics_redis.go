package observe

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redisconn"
)

// showPool shows the state of a client's connection pool.
func (m metrics) showPool(rdb redis.UniversalClient) {
	const connections, connectionsHelp = "shopd_redis_pool_connections", "Connections to Redis."
	m.gauge(connections, connectionsHelp, prometheus.Labels{"state": "idle"}, func() float64 { return float64(rdb.PoolStats().IdleConns) })
	m.gauge(connections, connectionsHelp, prometheus.Labels{"state": "busy"}, func() float64 {
		s := rdb.PoolStats()
		return float64(s.TotalConns - s.IdleConns)
	})
	m.counter("shopd_redis_pool_timeouts_total", "Waits for a connection that were given up.", nil,
		func() float64 { return float64(rdb.PoolStats().Timeouts) })
	m.counter("shopd_redis_pool_misses_total", "Times that no free connection was found.", nil,
		func() float64 { return float64(rdb.PoolStats().Misses) })
}

// The families of Redis commands, as they are labelled.
const (
	familyRead     = "read"
	familyWrite    = "write"
	familyScript   = "script"
	familyPipeline = "pipeline"
)

// families maps the commands that shopd uses outside pipelines to their families.
var families = map[string]string{
	"get": familyRead, "hmget": familyRead, "zrange": familyRead, "zrangebyscore": familyRead, "zscore": familyRead, "pttl": familyRead,
	"set": familyWrite, "setnx": familyWrite, "del": familyWrite, "zadd": familyWrite, "zrem": familyWrite, "pexpire": familyWrite,
	"eval": familyScript, "evalsha": familyScript,
}

// handshake are the commands that open a connection. They count as part of the command
// that needs the connection. info is what the metrics themselves ask at each scrape.
var handshake = map[string]bool{"hello": true, "auth": true, "client": true, "select": true, "readonly": true, "info": true}

// The kinds of errors of Redis, as they are labelled.
const (
	redisTimeout = "timeout" // no answer in time
	redisPooled  = "pool"    // no connection in time
	redisNetwork = "network" // no connection, or a lost one
	redisServer  = "server"  // the server answered with an error
)

// redisHook measures the commands of a client by their family.
type redisHook struct {
	durations *prometheus.HistogramVec
	errors    *prometheus.CounterVec
}

func newRedisHook(m metrics) redisHook {
	h := redisHook{
		durations: m.histograms("shopd_redis_command_duration_seconds", "Commands to Redis by family, a pipeline counting once.",
			[]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, .25, 1}, "family"),
		errors: m.counters("shopd_redis_errors_total", "Commands to Redis that failed, by kind.", "kind"),
	}
	zero(h.durations.MetricVec, []string{familyRead, familyWrite, familyScript, familyPipeline, other})
	zero(h.errors.MetricVec, []string{redisTimeout, redisPooled, redisNetwork, redisServer})
	return h
}

// DialHook implements redis.Hook: a dial is part of the command that needs it.
func (h redisHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (h redisHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if handshake[cmd.Name()] {
			return next(ctx, cmd)
		}
		start := time.Now()
		err := next(ctx, cmd)
		h.observe(cmp.Or(families[cmd.Name()], other), start, err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (h redisHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) > 0 && handshake[cmds[0].Name()] {
			return next(ctx, cmds)
		}
		start := time.Now()
		err := next(ctx, cmds)
		h.observe(familyPipeline, start, err)
		return err
	}
}

func (h redisHook) observe(family string, start time.Time, err error) {
	h.durations.WithLabelValues(family).Observe(time.Since(start).Seconds())
	if kind := errorKind(err); kind != "" {
		h.errors.WithLabelValues(kind).Inc()
	}
}

// errorKind returns the kind of an error, "" for one that is no failure of Redis: a key
// is missing, a script is not loaded yet, the caller gave up, or a slot is moving.
func errorKind(err error) string {
	switch {
	case err == nil, errors.Is(err, redis.Nil), errors.Is(err, context.Canceled), redis.HasErrorPrefix(err, "NOSCRIPT"),
		redisconn.Moving(err):
		return ""
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted):
		return redisPooled
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return redisTimeout
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return redisTimeout
	}
	if _, ok := errors.AsType[redis.Error](err); ok {
		return redisServer
	}
	return redisNetwork
}
