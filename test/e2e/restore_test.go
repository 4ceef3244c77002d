package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/redistest"
)

// docs/operations.md, "Backup and restore": a copy of Redis, put into an empty one,
// brings back orders, carts and sessions; a sale that was made since the copy is placed
// by opening its confirmation.
func TestRestore(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{PushDelay: time.Hour})
	number := regexp.MustCompile(`SK-[A-Z0-9]{4}-[A-Z0-9]{4}`)
	page := regexp.MustCompile(`/orders/SK-[A-Z0-9]{4}-[A-Z0-9]{4}\?key=\w+`)
	sold := func(c *client) (id, orderPage string) {
		t.Helper()
		id = c.open(d.shops[0])
		if out, err := d.fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil || out.Refused != nil {
			t.Fatalf("buy: %+v, %v", out, err)
		}
		return id, page.FindString(c.send(d.shops[0], "GET", "/checkout/confirmation?order_id="+id, "", "").body)
	}
	buyer := d.buyer()
	_, bought := sold(buyer)
	looker := d.buyer()
	open := looker.open(d.shops[0])

	if err := d.redis.Client().ConfigSet(t.Context(), "repl-diskless-sync-delay", "0").Err(); err != nil { // a copy begins at once
		t.Fatal(err)
	}
	socket := strings.TrimPrefix(d.redis.URL, "unix://")
	data, err := exec.Command("redis-cli", "-s", socket, "--rdb", "-").Output()
	if err != nil {
		t.Fatalf("back up: %v", err)
	}
	late, _ := sold(d.buyer())
	d.shops[0].kill()
	d.redis.Stop()

	d.redis = redistest.StartServerWith(t, "--appendonly", "no")
	dir := d.redis.Client().ConfigGet(t.Context(), "dir").Val()["dir"]
	d.redis.Stop()
	if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	d.redis.Restart()
	d.lookOn()
	rdb := d.asks
	if err := rdb.ConfigSet(t.Context(), "appendonly", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); !strings.Contains(rdb.Info(t.Context(), "persistence").Val(), "aof_rewrite_in_progress:0"); time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			t.Fatal("the append-only file is not written")
		}
	}
	again := d.start("127.0.0.1:0")

	if got := buyer.send(again, "GET", bought, "", ""); bought == "" || got.status != http.StatusOK {
		t.Errorf("the order's page %q: got %d", bought, got.status)
	}
	if id := looker.open(again); id != open {
		t.Errorf("the shopper's order is %s now, it was %s", id, open)
	}
	d.agrees(open)
	got := (&client{t: t}).send(again, "GET", "/checkout/confirmation?order_id="+late, "", "")
	told, _ := d.fake.Managed(late)
	if n := number.FindString(got.body); got.status != http.StatusOK || n == "" || n == told.MerchantReference1 {
		t.Errorf("the sale since the copy: got %d, number %q, before it was %q", got.status, n, told.MerchantReference1)
	}
}
