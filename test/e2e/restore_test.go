package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/db/dbtest"
)

// docs/operations.md, "Backup and restore": a dump of the database, put into an empty
// one, brings back orders; a sale that was made since is placed again by the loop, with
// the number that Klarna has.
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
	tool := func(name string, args ...string) string {
		t.Helper()
		path, err := dbtest.Program(name)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(path, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	file := t.TempDir() + "/shop.dump"
	tool("pg_dump", "--format=custom", "--file="+file, d.data)
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		t.Fatal(err)
	}
	late, _ := sold(d.buyer())
	told, _ := d.fake.Managed(late)
	d.shops[0].kill()

	d.data = dbtest.PostgresURL(t)
	tool("pg_restore", "--clean", "--if-exists", "--no-owner", "--dbname="+d.data, file)
	d.lookOn()
	again := d.start("127.0.0.1:0")
	if got := buyer.send(again, "GET", bought, "", ""); bought == "" || got.status != http.StatusOK {
		t.Errorf("the order's page %q: got %d", bought, got.status)
	}
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		o, found, err := d.here.Book.ByOrderID(t.Context(), late)
		if err != nil {
			t.Fatal(err)
		}
		if found && o.CartClosed {
			if !number.MatchString(o.Number) || o.Number != told.MerchantReference1 {
				t.Errorf("the sale since the copy has number %q, Klarna knows %q", o.Number, told.MerchantReference1)
			}
			return
		}
		if time.Since(start) > 30*time.Second {
			t.Fatal("the sale since the copy is not placed again")
		}
	}
}
