package session

import (
	"bytes"
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
	if err == nil && bytes.HasPrefix(b, unreturned) {
		b = s.returned(ctx, token, b)
	}
	return b, err == nil, storeError("read session", err)
}

// A session whose cookie has not come back yet lives unreturnedLife, so that clients who keep no cookies
// fill no memory. It is stored with a space before the JSON, until it is read.
const unreturnedLife = time.Hour

var unreturned = []byte(" ")

// storeSession stores a session. KEYS: the session. ARGV: the session, its life in ms, what stands before
// a new one, and the life in ms of that.
var storeSession = redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return redis.call('SET', KEYS[1], ARGV[3] .. ARGV[1], 'PX', ARGV[4])
`)

// keepSession stores a session whose cookie has come back, unless somebody has stored it meanwhile. KEYS: the
// session. ARGV: what was read, what is stored, its life in ms.
var keepSession = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`)

// returned gives a session whose cookie has come back its whole life. Where that fails, the next request does it.
func (s store) returned(ctx context.Context, token string, b []byte) []byte {
	whole := bytes.TrimPrefix(b, unreturned)
	if deadline, _, err := (codec{}).Decode(whole); err == nil {
		_ = keepSession.Run(ctx, s.rdb, []string{s.prefix + token}, b, whole, max(time.Until(deadline), time.Millisecond).Milliseconds()).Err()
	}
	return whole
}

func (s store) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	// Redis stores without an end what has no time left.
	left := max(time.Until(expiry), time.Millisecond)
	return storeError("store session", storeSession.Run(ctx, s.rdb, []string{s.prefix + token}, b, left.Milliseconds(),
		unreturned, min(left, unreturnedLife).Milliseconds()).Err())
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
