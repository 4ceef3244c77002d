package session

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// ahead takes a lease and reads the session in the same round trip. Redis runs the
// commands of a connection in order, so the session is read under the lease. A
// Cluster does not promise that: a key may be moving between nodes.
type ahead struct {
	redis.UniversalClient

	key  string           // of the session
	read *redis.StringCmd // by the last try
	had  bool             // the lease: later commands read nothing
}

// EvalSha implements redis.Scripter.
func (a *ahead) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return a.try(ctx, func(c redis.Cmdable) *redis.Cmd { return c.EvalSha(ctx, sha, keys, args...) })
}

// Eval implements redis.Scripter.
func (a *ahead) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return a.try(ctx, func(c redis.Cmdable) *redis.Cmd { return c.Eval(ctx, script, keys, args...) })
}

func (a *ahead) try(ctx context.Context, run func(redis.Cmdable) *redis.Cmd) *redis.Cmd {
	if a.had {
		return run(a.UniversalClient)
	}
	pipe := a.Pipeline()
	tried := run(pipe)
	a.read = pipe.Get(ctx, a.key)
	_, _ = pipe.Exec(ctx) // each command has its error
	return tried
}

// found returns ctx with the session that was read, for the store.
func (a *ahead) found(ctx context.Context) context.Context {
	return context.WithValue(ctx, aheadKey{}, a.read)
}

type aheadKey struct{}

// find reads a session, unless it was read with the lease.
func (s store) find(ctx context.Context, key string) *redis.StringCmd {
	if read, done := ctx.Value(aheadKey{}).(*redis.StringCmd); done && read != nil && read.Args()[1] == key {
		return read
	}
	return s.rdb.Get(ctx, key)
}
