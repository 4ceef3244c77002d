package session

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// ahead is a Redis for taking a lease: each try reads the session behind it in
// the same round trip. Redis carries out what comes over a connection in its
// order, so what is read is what the lease protects. A Cluster, in which keys
// may be on their way from one node to another, does not promise that.
type ahead struct {
	redis.UniversalClient

	key  string           // of the session
	read *redis.StringCmd // by the last try
	had  bool             // the lease: what follows reads nothing
}

func (a *ahead) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	if a.had {
		return a.UniversalClient.EvalSha(ctx, sha, keys, args...)
	}
	return a.with(ctx, func(p redis.Pipeliner) *redis.Cmd { return p.EvalSha(ctx, sha, keys, args...) })
}

func (a *ahead) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	if a.had {
		return a.UniversalClient.Eval(ctx, script, keys, args...)
	}
	return a.with(ctx, func(p redis.Pipeliner) *redis.Cmd { return p.Eval(ctx, script, keys, args...) })
}

func (a *ahead) with(ctx context.Context, try func(redis.Pipeliner) *redis.Cmd) *redis.Cmd {
	pipe := a.Pipeline()
	tried := try(pipe)
	a.read = pipe.Get(ctx, a.key)
	_, _ = pipe.Exec(ctx) // each command has its error
	return tried
}

// found returns ctx with the session that was read, for the store.
func (a *ahead) found(ctx context.Context) context.Context {
	return context.WithValue(ctx, aheadKey{}, a.read)
}

type aheadKey struct{}

// find reads a session, unless that was done with the lease.
func (s store) find(ctx context.Context, key string) *redis.StringCmd {
	if read, done := ctx.Value(aheadKey{}).(*redis.StringCmd); done && read != nil && read.Args()[1] == key {
		return read
	}
	return s.rdb.Get(ctx, key)
}
