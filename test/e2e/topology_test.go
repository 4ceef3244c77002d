package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// topologyTime is how long visitors are at it, and on until what happens to the shop is
// over.
const topologyTime = 8 * time.Second

// topology is three shops on a Redis with a crowd that buys.
func topology(t *testing.T, server *redistest.Server, more ...string) *crowd {
	t.Helper()
	return topologyWith(t, server, dbtest.PostgresURL(t), more...)
}

// topologyWith is topology with a given database.
func topologyWith(t *testing.T, server *redistest.Server, data string, more ...string) *crowd {
	t.Helper()
	return topologyOf(t, "", server, data, more...)
}

// topologyOf is topologyWith with a shopd at a path, "" for this version's.
func topologyOf(t *testing.T, path string, server *redistest.Server, data string, more ...string) *crowd {
	t.Helper()
	lb, goods := &balancer{}, plenty(t)
	d := deployOf(t, path, server, data, 3, fakeklarna.Options{PushDelay: 300 * time.Millisecond, CallbackTransport: lb}, append(more, "-catalog", goods)...)
	file, err := os.Open(goods)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	read, err := catalog.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	d.published = publish.Fixed(publish.NewVersion(1, skerry.Version().Shop, read))
	c := newCrowd(d, crowdOptions{visitors: 6, tabs: 3, buys: true})
	lb.crowd.Store(c)
	return c
}

// plenty is a file with the built-in catalogue, and more of each product than a crowd buys.
func plenty(t *testing.T) string {
	t.Helper()
	builtin, err := os.ReadFile("../../examples/skerry/catalog.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "catalog.json")
	more := regexp.MustCompile(`"stock": *[0-9]+`).ReplaceAll(builtin, []byte(`"stock": 100000`))
	if err := os.WriteFile(path, more, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A Cluster of three masters whose slots move while the shops are busy: nobody
// notices (invariants 1 to 8). Then all else that a shop does is done on the Cluster:
// other tests have a single Redis.
func TestTopologyCluster(t *testing.T) {
	t.Parallel()
	server := redistest.Cluster(t)
	c := topology(t, server)
	done := make(chan struct{})
	var slots, keys int
	var errors map[string]int
	count := func() {
		errors = map[string]int{}
		for i := range 3 {
			for _, kind := range []string{"MOVED", "ASK", "TRYAGAIN", "NOSCRIPT", "CROSSSLOT", "CLUSTERDOWN"} {
				errors[kind] += errorCount(t, server.Node(i), kind)
			}
		}
	}
	time.AfterFunc(topologyTime/8, func() {
		defer close(done)
		move := func(key string, pause time.Duration) {
			keys += server.MoveSlot(key, pause)
			slots++
		}
		for _, key := range []string{"{left_behind}"} { // for long enough to be met half-moved
			move(key, 20*time.Millisecond)
		}
		for _, key := range slices.Concat(server.Keys("shopd:cart:*"), server.Keys("shopd:session:*")) {
			move(key, time.Millisecond)
		}
		for start := time.Now(); time.Since(start) < crowdLimit/2 && !t.Failed(); {
			if count(); errors["MOVED"] > 0 && errors["ASK"] > 0 {
				return
			}
			move("{left_behind}", 200*time.Millisecond)
		}
	})
	c.run(topologyTime, closed(done))
	<-done
	c.check()
	c.summary()
	count()
	t.Logf("%d slots with %d keys were moved; Redis answered %v", slots, keys, errors)
	for _, kind := range []string{"MOVED", "ASK"} {
		if errors[kind] == 0 {
			t.Errorf("nobody was ever answered %s", kind)
		}
	}
	for _, p := range c.shops {
		p.kill()
	}
	allOnCluster(t, server)
}

// allOnCluster sells by both products, and has staff and loops do what they do. Each
// script is to run, since a Cluster refuses those that touch keys which they do not
// declare, when these are on another server.
func allOnCluster(t *testing.T, server *redistest.Server) {
	t.Helper()
	for i := range 3 {
		if err := server.Node(i).FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	ran := scripts(t, server)
	w := watched{deployment: deployOn(t, server, 1, fakeklarna.Options{PushDelay: time.Millisecond})}
	w.p = w.shops[0]
	begun := w.p.scrape()
	w.faulty()
	w.office(w.selling())
	w.hosted()
	pay := watched{deployment: deployOn(t, server, 1, fakeklarna.Options{}, "-shop", shoptest.ShopFile(t, "checkout: {product: payments}\n"))}
	pay.p = pay.shops[0]
	pay.paying()
	w.looped(begun)
	for name, hash := range sourceScripts(t) {
		if !ran(hash) {
			t.Errorf("script %s did not run", name)
		}
	}
	for _, p := range []*process{w.p, pay.p} {
		for _, refusal := range []string{"CROSSSLOT", "non local key"} {
			if strings.Contains(p.logged(), refusal) {
				t.Errorf("Redis refused something as %s", refusal)
			}
		}
	}
}

// hosted puts a checkout session by the API and opens its page.
func (w watched) hosted() {
	w.t.Helper()
	put, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, w.url+"/v1/checkout_sessions/basket-1",
		strings.NewReader(`{"country": "SE", "order_lines": [{"reference": "MUG-1", "quantity": 1}], "success_url": "https://shop.example/thanks"}`))
	if err != nil {
		w.t.Fatal(err)
	}
	put.Header.Set("Authorization", "Bearer "+apiKey)
	put.Header.Set("Content-Type", "application/json")
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	made, err := client.Do(put)
	if err != nil {
		w.t.Fatal(err)
	}
	defer made.Body.Close()
	var session struct{ URL string }
	if err := json.NewDecoder(made.Body).Decode(&session); err != nil || made.StatusCode != http.StatusCreated {
		w.t.Fatalf("put: %d, %v", made.StatusCode, err)
	}
	open, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, session.URL, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	page, err := client.Do(open)
	if err != nil {
		w.t.Fatal(err)
	}
	defer page.Body.Close()
	if page.StatusCode != http.StatusOK {
		w.t.Errorf("the page of a checkout session: %d", page.StatusCode)
	}
}

// scripts listens to a Cluster and tells of a hash whether the script was run.
func scripts(t *testing.T, server *redistest.Server) (ran func(hash string) bool) {
	t.Helper()
	var mu sync.Mutex
	seen := map[string]bool{}
	for i := range 3 {
		node, ok := server.Node(i).(*redis.Client)
		if !ok {
			t.Fatal("a node has another kind of client")
		}
		conn, err := net.Dial("tcp", node.Options().Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := fmt.Fprint(conn, "MONITOR\r\n"); err != nil {
			t.Fatal(err)
		}
		go func() {
			for lines := bufio.NewReader(conn); ; {
				line, err := lines.ReadString('\n')
				if err != nil {
					return
				}
				hash := ""
				if found := evalSHA.FindStringSubmatch(line); found != nil {
					hash = found[1]
				} else if found := eval.FindStringSubmatch(line); found != nil {
					script, _ := strconv.Unquote(found[1])
					hash = redis.NewScript(script).Hash()
				}
				mu.Lock()
				seen[hash] = true
				mu.Unlock()
			}
		}()
	}
	return func(hash string) bool {
		mu.Lock()
		defer mu.Unlock()
		return seen[hash]
	}
}

// What MONITOR writes of a script that is run.
var (
	evalSHA = regexp.MustCompile(`(?i)"evalsha" "([0-9a-f]{40})"`)
	eval    = regexp.MustCompile(`(?i)"eval" ("(?:[^"\\]|\\.)*")`)
)

// sourceScripts are the scripts of the product: their hashes by package and name.
func sourceScripts(t *testing.T) map[string]string {
	t.Helper()
	hashes := map[string]string{}
	packages, err := os.ReadDir("../../internal")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		dir := p.Name()
		files, err := filepath.Glob("../../internal/" + dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		source := ""
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				source += read(t, file)
			}
		}
		parts := map[string]string{}
		for _, part := range scriptPart.FindAllStringSubmatch(source, -1) {
			parts[part[1]] = part[2]
		}
		for _, script := range scriptVar.FindAllStringSubmatch(source, -1) {
			text := parts[script[3]] + script[4]
			hashes[dir+"."+script[1]] = redis.NewScript(text).Hash()
		}
	}
	if len(hashes) < 4 {
		t.Errorf("found only %d scripts: %v", len(hashes), hashes)
	}
	return hashes
}

var (
	scriptPart = regexp.MustCompile("const (\\w+) = `([^`]*)`")
	scriptVar  = regexp.MustCompile("var (\\w+) = (redis\\.NewScript)\\((?:(\\w+) \\+ )?`([^`]*)`")
)

// errorCount is how many errors of a kind a Redis has answered.
func errorCount(t *testing.T, node redis.UniversalClient, kind string) (n int) {
	t.Helper()
	stats, err := node.Info(t.Context(), "errorstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(stats) {
		_, _ = fmt.Sscanf(line, "errorstat_"+kind+":count=%d", &n)
	}
	return n
}

// The master dies while the shops are busy, or stands still for longer than
// Sentinel waits and comes back. What was acknowledged in the last second before
// may be gone from carts. No purchase
// may: it is in the database (invariants 1 to 8).
func TestTopologySentinel(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		lag  time.Duration // since when the replica heard nothing
		end  func(s *redistest.Server) (back func())
	}{
		{"killed, its replica behind", 500 * time.Millisecond, func(s *redistest.Server) func() {
			s.StopNode(0)
			return s.Restart
		}},
		{"frozen", 0, func(s *redistest.Server) func() { return s.Freeze(0) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Sentinel(t)
			c := topology(t, server)
			done, unheard := make(chan struct{}), int64(0)
			time.AfterFunc(topologyTime/4, func() {
				defer close(done)
				var behind time.Time
				if tt.lag > 0 {
					hold := server.Lag()
					before := c.kept.Load()
					behind = time.Now().Add(-forgetful) // something is always on its way
					hold()
					time.Sleep(tt.lag)
					unheard = c.kept.Load() - before
				}
				c.away.begin(behind)
				back := tt.end(server)
				server.AwaitMaster(1)
				c.away.end()
				time.Sleep(topologyTime / 4)
				back()
			})
			c.run(topologyTime, closed(done), func() bool { return c.away.seen() == len(c.shops) })
			<-done
			c.check()
			c.summary()
			// What was under way when the line failed may have come through before.
			if unheard >= int64(2*len(c.visitors)*c.tabs) && c.lost.Load() == 0 {
				t.Errorf("of %d changes that the new master never heard of all are there", unheard)
			}
			if c.away.seen() != len(c.shops) {
				t.Errorf("shops that showed the checkout again: %v", slices.Collect(maps.Keys(c.away.back)))
			}
		})
	}
}

// One shop is killed and one told to stop while all are busy. Requests of the
// killed one may get no answer; the stopped one answers all that it is sent, and
// one that heeds /readyz sends it none too many (invariants 1 to 8).
func TestTopologyShops(t *testing.T) {
	t.Parallel()
	c := topology(t, redistest.StartServer(t), "-drain", "4s")
	done := make(chan struct{})
	time.AfterFunc(topologyTime/4, func() {
		defer close(done)
		c.kill(c.shops[0])
		time.Sleep(topologyTime / 4)
		stopped := c.shops[1]
		if err := stopped.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		health := &client{t: t}
		for health.send(stopped, "GET", "/readyz", "", "").status == http.StatusOK {
			time.Sleep(20 * time.Millisecond)
		}
		c.leave(stopped)
		select {
		case <-stopped.ended:
		case <-time.After(30 * time.Second):
			t.Error("the process does not end")
		}
		if code := stopped.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the process ended with %d", code)
		}
	})
	c.run(topologyTime, closed(done))
	<-done
	c.check()
	c.summary()
}
