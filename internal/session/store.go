package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

const sessionPrefix = "shopd:session:"

// store keeps scs sessions in Redis under the hash of their token. It implements
// scs.CtxStore. All its errors are ErrStore.
type store struct {
	rdb    redis.UniversalClient
	prefix string // of the keys
}

func (s store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	b, err := s.find(ctx, s.prefix+token).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return begun(ctx)
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return nil, false, fmt.Errorf("read session: %w", err) // no fault of the store, which would last for ever
	}
	return b, err == nil, storeError("read session", err)
}

func (s store) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	// go-redis stores without an end what has no time left.
	left := max(time.Until(expiry), time.Millisecond)
	return storeError("store session", s.rdb.Set(ctx, s.prefix+token, b, left).Err())
}

func (s store) DeleteCtx(ctx context.Context, token string) error {
	return storeError("end session", s.rdb.Del(ctx, s.prefix+token).Err())
}

// scs demands the methods without context and calls them only on stores that have
// no others.

func (s store) Find(string) ([]byte, bool, error)      { panic(noContext) }
func (s store) Commit(string, []byte, time.Time) error { panic(noContext) }
func (s store) Delete(string) error                    { panic(noContext) }

const noContext = "session: the store was called without a context"

// storeError is an ErrStore that says what was being done; nil stays nil.
func storeError(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrStore, err)
}
