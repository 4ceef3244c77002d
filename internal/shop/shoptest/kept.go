package shoptest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
)

// DumpDatabase returns all that a database has: of PostgreSQL pg_dump's text, of SQLite the
// file once its log is emptied into it, which the database must be set to do soon.
func DumpDatabase(t testing.TB, at string) string {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme == "sqlite" {
		for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
			if log, err := os.Stat(u.Path + "-wal"); err != nil || log.Size() == 0 {
				break
			}
			if time.Since(start) > 10*time.Second {
				t.Fatal("SQLite's log is not emptied")
			}
		}
		file, err := os.ReadFile(u.Path)
		if err != nil {
			t.Fatal(err)
		}
		return string(file)
	}
	path, err := dbtest.Program("pg_dump")
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	dump := exec.CommandContext(t.Context(), path, at)
	dump.Stdout, dump.Stderr = &out, &errs
	if err := dump.Run(); err != nil {
		t.Fatalf("pg_dump: %v\n%s", err, errs.String())
	}
	return out.String()
}

// DumpRedis returns all keys of a Redis with what they have.
func DumpRedis(t testing.TB, rdb redis.UniversalClient) string {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	keys, err := rdb.Keys(ctx, "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, key := range keys {
		var value any
		switch kind := rdb.Type(ctx, key).Val(); kind {
		case "none": // it has ended meanwhile
		case "string":
			value, err = rdb.Get(ctx, key).Result()
		case "hash":
			value, err = rdb.HGetAll(ctx, key).Result()
		case "zset":
			value, err = rdb.ZRangeWithScores(ctx, key, 0, -1).Result()
		case "list":
			value, err = rdb.LRange(ctx, key, 0, -1).Result()
		case "set":
			value, err = rdb.SMembers(ctx, key).Result()
		default:
			t.Fatalf("%s is a %s", key, kind)
		}
		if err != nil && err != redis.Nil { //nolint:errorlint // go-redis does not wrap it
			t.Fatal(err)
		}
		fmt.Fprintln(&all, key, value)
	}
	return all.String()
}

// Found returns where the world keeps texts, each with its place: database, Redis, log.
// Case does not count.
func (w *World) Found(texts ...string) (places []string) {
	w.T.Helper()
	for _, place := range []struct{ name, has string }{
		{"database", DumpDatabase(w.T, w.url)}, {"redis", DumpRedis(w.T, w.Client)}, {"log", identifiers.ReplaceAllString(w.Log.String(), "")},
	} {
		has := strings.ToLower(place.has)
		for _, text := range texts {
			if strings.Contains(has, strings.ToLower(text)) {
				places = append(places, place.name+": "+text)
			}
		}
	}
	return places
}

// Move makes the world use another database: its first process is started anew.
func (w *World) Move(d *db.DB, at string, transport http.RoundTripper) {
	w.T.Helper()
	w.DB, w.url = d, at
	w.Shop, w.Client = w.process(PublicURL, CallbackURL, On(w.Redis.Client(), transport))
}
