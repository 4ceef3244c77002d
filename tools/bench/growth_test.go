package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/redistest"
)

// mayBeNone are the figures of a short run that may be 0: what is left out of it,
// what has no entries, and what chance may make anything.
var mayBeNone = regexp.MustCompile(`(image_binary|certificates|image)_bytes$|commands\.\d+\.times$|idle\.\d+\.(rss|heap|stack)_bytes_per_client$|orders$`)

// A growth run on a small scale has all its figures, and no memory that cannot be. Times
// are not judged: they say nothing on a busy machine.
func TestGrowthShort(t *testing.T) {
	if os.Getenv("SHOPD_TEST_ALL") == "" {
		t.Skip("it builds shopd and runs redis-servers: make test does")
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("this test needs redis-server, and all tests are to be run")
	}
	file := filepath.Join(t.TempDir(), "growth.json")
	var out, progress bytes.Buffer
	if err := run(t.Context(), []string{"growth", "-short", "-out", file}, &out, &progress); err != nil {
		t.Fatalf("%v\n%s%s", err, progress.String(), out.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all any
	var got growthReport
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for _, path := range zeros("", all) {
		if !mayBeNone.MatchString(path) {
			t.Errorf("%s is 0", path)
		}
	}
	o := shortGrowth()
	if len(got.Sizes) != len(o.sizes) || len(got.Times) != 3 || len(got.Idle) != len(o.clients) || len(got.Commands) < 10 || len(got.Checkout) < 4 {
		t.Fatalf("something is missing:\n%s", text)
	}
	for i, size := range got.Sizes {
		between(t, "sessions", float64(size.Sessions), float64(o.sizes[i]), float64(o.sizes[i]))
		between(t, "bytes of a session and its cart", size.SessionBytes+size.CartBytes, 300, 4<<10)
		between(t, "MEMORY USAGE of them", size.SessionUsage+size.CartUsage, 300, 4<<10)
		between(t, "bytes of an order", size.OrderBytes, 1<<10, 16<<10)
	}
	for _, kind := range got.Checkout {
		between(t, kind.Kind, kind.Bytes, 50, 32<<10)
		if kind.Days == 0 {
			t.Errorf("%s has no end", kind.Kind)
		}
	}
	for _, row := range got.Idle {
		between(t, "clients", float64(row.Clients), float64(row.Wanted), float64(row.Wanted))
		if row.Clients > 1 { // beside one, the connections count that a scrape opens to the database
			between(t, "files of a client", row.FilesEach, 0.5, 3)
		}
		between(t, "RSS", float64(row.Shop.RSS), 4<<20, 512<<20)
	}
	between(t, "RSS after the start", float64(got.Start.AfterStart.RSS), 4<<20, 256<<20)
	// A pattern of a large class of letters, repeated and compiled, alone took 140 MiB.
	between(t, "allocated before main", float64(got.Start.InitBytes), 100<<10, 16<<20)
	between(t, "binary", float64(got.Start.Binary), 4<<20, 256<<20)
	for _, title := range []string{"Memory of Redis", "Time of a request", "none looks at all keys", "What a checkout", "Idle clients", "Start of shopd"} {
		if !strings.Contains(out.String(), title) {
			t.Errorf("the table lacks %q:\n%s", title, out.String())
		}
	}
}

func between(t *testing.T, what string, got, least, most float64) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s: got %.0f, want %.0f to %.0f", what, got, least, most)
	}
}

// zeros are the paths of the numbers in decoded JSON that are 0, and of empty lists.
func zeros(path string, value any) []string {
	var found []string
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			found = append(found, zeros(path+"."+name, member)...)
		}
	case []any:
		if len(value) == 0 {
			found = append(found, path)
		}
		for i, member := range value {
			found = append(found, zeros(fmt.Sprintf("%s.%d", path, i), member)...)
		}
	case float64:
		if value == 0 {
			found = append(found, path)
		}
	case nil:
		found = append(found, path)
	}
	return found
}

// A command that looks at all there is is found, also in a script; what the benchmark
// itself asks is not counted.
func TestWalksAreFound(t *testing.T) {
	ctx, rdb := t.Context(), redistest.Start(t)
	if err := rdb.ConfigResetStat(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	for range enoughCalls {
		rdb.Set(ctx, "a", "1", time.Minute)
		rdb.Keys(ctx, "a*")
		rdb.MemoryUsage(ctx, "a")
		if err := rdb.Eval(ctx, "return redis.call('HGETALL', KEYS[1])", []string{"h"}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	rdb.Get(ctx, "a")
	stats, err := commandStats(ctx, rdb)
	if err != nil {
		t.Fatal(err)
	}
	var report growthReport
	if report.Commands, err = compareCommands(ctx, rdb, []map[string]commandStat{stats, stats}); err != nil {
		t.Fatal(err)
	}
	complexity := map[string]string{}
	for _, c := range report.Commands {
		complexity[c.Command] = c.Complexity
		calls, times := int64(enoughCalls), 1.0 // compared with itself
		if c.Command == "get" {
			calls, times = 1, 0
		}
		if c.Calls[0] != calls || c.Times != times {
			t.Errorf("%s: got %+v, want %d calls, times %.0f", c.Command, c, calls, times)
		}
	}
	want := map[string]string{"set": "O(1)", "get": "O(1)", "keys": "O(N)", "hgetall": "O(N)", "eval": "that of its commands"}
	if diff := cmp.Diff(want, complexity); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	walks := report.walks()
	slices.Sort(walks)
	if diff := cmp.Diff([]string{"hgetall", "keys"}, walks); diff != "" {
		t.Errorf("walks (-want +got):\n%s", diff)
	}
}

// Copies of orders have numbers as the shop makes them, and no two the same.
func TestOrderNumbersDiffer(t *testing.T) {
	known := map[string]bool{}
	like := regexp.MustCompile(`^SK-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$`)
	for i := range 100_000 {
		number := orderNumber(i)
		if known[number] || !like.MatchString(number) {
			t.Fatalf("number %d: %s, known %v", i, number, known[number])
		}
		known[number] = true
	}
}

func TestKindOfKey(t *testing.T) {
	for key, want := range map[string]string{
		"shopd:session:8kJ2xYhVqQ0r5cVwqkG1m3l2n4p6s8u0w2y4A6C8E0G": "shopd:session:",
		"shopd:cart:{abcdefghijklmnopqrstuvwxyz}":                   "shopd:cart:",
		"shopd:{left_behind}:since":                                 "",
		"shopd:placed":                                              "",
	} {
		if got := kindOf(key); got != want {
			t.Errorf("kind of %s: got %q, want %q", key, got, want)
		}
	}
}

// Times are compared with the first, quantile by quantile.
func TestAgainst(t *testing.T) {
	list := func(times ...time.Duration) []time.Duration { return times }
	got, err := against([][]time.Duration{list(30, 10, 20), list(60, 20, 40)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]timing{{3, 1, 1}, {3, 2, 2}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := against([][]time.Duration{list(1), nil}); err == nil {
		t.Error("no times at all are no error")
	}
}

// The Dockerfile builds as measureImage expects it.
func TestDockerfileIsUnderstood(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if got := dockerBuild.FindStringSubmatch(string(text)); got == nil || strings.Join(got[1:], "|") != "CGO_ENABLED=0|-trimpath|-s -w" {
		t.Errorf("got %q", got)
	}
}
