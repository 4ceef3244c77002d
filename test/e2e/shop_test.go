package e2e_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

func TestMain(m *testing.M) {
	browsertest.Main(m, func() { _ = os.RemoveAll(binaryDir) })
}

// binaryDir is where binary builds.
var binaryDir string

// binary builds shopd once per test process.
var binary = sync.OnceValues(func() (path string, err error) {
	if binaryDir, err = os.MkdirTemp("", "shopd"); err != nil {
		return "", err
	}
	path = filepath.Join(binaryDir, "shopd")
	// What a test looks at tells go test whether an earlier result still holds.
	for _, source := range []string{"../../cmd", "../../internal", "../../fakeklarna", "../../web"} {
		if err := filepath.WalkDir(source, func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			return "", err
		}
	}
	args := append(append([]string{"build"}, buildFlags...), "-o", path, "github.com/shopd/shopd/cmd/shopd")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", &exec.Error{Name: "go build: " + string(out), Err: err}
	}
	return path, nil
})

// deployment is a shop as in production: shopd processes, a database, a Redis and the fake Klarna.
type deployment struct {
	t         *testing.T
	fake      *fakeklarna.TestServer // on 127.0.0.1, so that its iframe is cross-site to localhost
	redis     *redistest.Server
	data      string // the URL of the database
	url       string // of the first process, as the browser knows it: http://localhost:PORT
	shops     []*process
	command   string            // "": serve
	path      string            // of the program that is started; "": this version's
	more      []string          // settings of the processes, as flags
	env       map[string]string // further variables of processes that are yet to be started
	published *publish.Published
	asks      redis.UniversalClient // of the test itself
	here      *shop.Shop            // of the test itself: it looks on, and serves nobody
}

// deploy starts n shopd processes that share a database, a Redis and a Klarna, with further flags. With
// none, the first is yet to be started at the deployment's address.
func deploy(t *testing.T, n int, o fakeklarna.Options, more ...string) *deployment {
	t.Helper()
	return deployOn(t, redistest.StartServer(t), n, o, more...)
}

// deployOn is deploy on a given Redis.
func deployOn(t *testing.T, redis *redistest.Server, n int, o fakeklarna.Options, more ...string) *deployment {
	t.Helper()
	return deployWith(t, redis, dbtest.PostgresURL(t), n, o, more...)
}

// deployWith is deploy on a given Redis and a database.
func deployWith(t *testing.T, redis *redistest.Server, data string, n int, o fakeklarna.Options, more ...string) *deployment {
	t.Helper()
	return deployOf(t, "", redis, data, n, o, more...)
}

// deployOf is deployWith a shopd at a path, "" for this version's.
func deployOf(t *testing.T, path string, redis *redistest.Server, data string, n int, o fakeklarna.Options, more ...string) *deployment {
	t.Helper()
	d := &deployment{t: t, path: path, redis: redis, fake: fakeklarna.NewServer(t, o), data: data, more: more, published: publish.Fixed(skerry.Version())}
	ports := redistest.FreePorts(t, max(n, 1))
	d.url = "http://localhost:" + ports[0]
	d.lookOn()
	for _, port := range ports[:n] {
		d.shops = append(d.shops, d.start("127.0.0.1:"+port))
	}
	t.Cleanup(d.keepsSecrets)
	t.Cleanup(d.tellsOfKlarna)
	return d
}

// lookOn makes the test one more process of the shop, which serves nobody.
func (d *deployment) lookOn() {
	d.t.Helper()
	var err error
	d.asks = d.redis.Client()
	d.here, err = shop.New(shop.Config{
		PublicURL: d.url, CallbackURL: d.url, DB: dbtest.Open(d.t, db.Config{URL: d.data}), Redis: d.asks, Secret: shoptest.Secret, Published: d.published, Logger: slog.New(slog.DiscardHandler),
		Klarna: shop.Klarna{URL: d.fake.URL, Username: "demo", Password: "demo", Platform: ordermanagement.Klarna},
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// rows are what a query of the database answers, by its first column.
func (d *deployment) rows(query string, args ...any) map[string]int {
	d.t.Helper()
	all := map[string]int{}
	if _, err := db.All(d.t.Context(), d.here.Book.DB.Read, func(rows *sql.Rows) (name string, err error) {
		var n int
		err = rows.Scan(&name, &n)
		all[name] = n
		return name, err
	}, query, args...); err != nil {
		d.t.Fatal(err)
	}
	return all
}

// left is how many of each product are available.
func (d *deployment) left() map[string]int {
	d.t.Helper()
	return d.rows("select sku, on_hand - reserved - committed from stock")
}

// stocked makes a product have so many available.
func (d *deployment) stocked(sku string, n int) {
	d.t.Helper()
	if err := d.adjust(sku, n-d.left()[sku]); err != nil {
		d.t.Fatal(err)
	}
}

// adjust makes so many more of a product be on hand; below 0 fewer.
func (d *deployment) adjust(sku string, n int) error {
	return d.here.Book.DB.Tx(d.t.Context(), func(tx *sql.Tx) error {
		_, err := d.here.Stock.Set(d.t.Context(), tx, []stock.Change{{SKU: sku, Delta: int64(n)}}, stock.Entry{Reason: "delivery"})
		return err
	})
}

// settings are those of the processes, as variables.
func (d *deployment) settings() map[string]string {
	env := map[string]string{
		"SHOPD_PUBLIC_URL":      d.url,
		"SHOPD_DATABASE_URL":    d.data,
		"SHOPD_REDIS_URL":       d.redis.URL,
		"SHOPD_KLARNA_URL":      d.fake.URL,
		"SHOPD_KLARNA_USERNAME": "demo",
		"SHOPD_KLARNA_PASSWORD": "demo",
		"SHOPD_SECRET":          shoptest.Secret,
		"SHOPD_STAFF":           shoptest.Staff,
		"SHOPD_API_KEYS":        api.KeyLine("test", "all", apiKey),
		"SHOPD_SHOP":            "../../examples/skerry/shop.yaml",
		"SHOPD_CATALOG":         "../../examples/skerry/catalog.json",
	}
	maps.Copy(env, d.env)
	return env
}

// start runs one more shopd serve.
func (d *deployment) start(addr string) *process {
	d.t.Helper()
	return startProgram(d.t, d.path, append([]string{cmp.Or(d.command, "serve"), "-addr", addr, "-ops-addr", "127.0.0.1:0", "-write-limit", "0"}, d.more...), d.settings())
}

// apiKey lets into the API of every process.
const apiKey = "sk_e2e"

// process is a running shopd. It is killed at the end of the test.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan struct{}
	ready map[string]string // "storefront", "klarna", "ops" → address
	mu    sync.Mutex
	log   bytes.Buffer // what it wrote to stderr
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

// logged is what the process has written to stderr so far.
func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// recordsOf are the records of one request, for the message of a failure.
func (p *process) recordsOf(requestID string) (records string) {
	for line := range strings.Lines(p.logged()) {
		if requestID != "" && strings.Contains(line, requestID) {
			records += line
		}
	}
	return records
}

// kill ends the process at once.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.ended
}

// startProcess runs shopd and waits for its ready lines: up to and with "ops", or "klarna" for fake-klarna.
func startProcess(t *testing.T, args []string, env map[string]string) *process {
	t.Helper()
	return startProgram(t, "", args, env)
}

// startProgram is startProcess with a shopd at a path, "" for this version's.
func startProgram(t *testing.T, path string, args []string, env map[string]string) *process {
	t.Helper()
	if path == "" {
		var err error
		if path, err = binary(); err != nil {
			t.Fatal(err)
		}
	}
	p := &process{t: t, ended: make(chan struct{}), ready: map[string]string{}}
	p.cmd = exec.CommandContext(context.Background(), path, args...)
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for name, value := range env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Stderr = p
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := "ops"
	if args[0] == "fake-klarna" {
		last = "klarna"
	}
	ready := make(chan struct{})
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if name, address, ok := strings.Cut(lines.Text(), " "); ok && p.ready[name] == "" && strings.HasPrefix(address, "http") {
				p.ready[name] = address
				if name == last {
					close(ready)
				}
			}
		}
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.kill()
		if log := p.logged(); t.Failed() || strings.Contains(log, "DATA RACE") || strings.Contains(log, "panic") {
			t.Errorf("shopd %s logged:\n%s", args[0], log)
		}
	})
	select {
	case <-ready:
	case <-p.ended:
		t.Fatalf("shopd %s ended:\n%s", args, p.logged())
	case <-time.After(time.Minute):
		t.Fatalf("shopd %s is not ready:\n%s", args, p.logged())
	}
	return p
}
