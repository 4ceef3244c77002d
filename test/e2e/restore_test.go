package e2e_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/db/dbtest"
)

// docs/operations.md, "Backup and restore": a dump of the database, put into an empty
// one, brings back orders; a sale that was made since is placed again by the loop, with
// the number that Klarna has. What was erased since is erased again by the list that was kept
// with the copy.
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
	_, asked := d.soldTo(rosenkvist, true)
	file := t.TempDir() + "/shop.dump"
	tool(t, "pg_dump", "--format=custom", "--file="+file, d.data)
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		t.Fatal(err)
	}
	if status, out := d.erase("", "-order", asked); status != 0 {
		t.Fatalf("erase: %d, %s", status, out)
	}
	list := d.writeList()
	late, _ := sold(d.buyer())
	told, _ := d.fake.Managed(late)
	d.shops[0].kill()

	d.data = dbtest.PostgresURL(t)
	tool(t, "pg_restore", "--clean", "--if-exists", "--no-owner", "--dbname="+d.data, file)
	d.lookOn()
	// The list in Redis is lost as well; the one that was kept is applied before the shop starts.
	if err := d.asks.Del(t.Context(), "shopd:erase").Err(); err != nil {
		t.Fatal(err)
	}
	if who := named(d.dump()); len(who) != 3 {
		t.Fatalf("the copy names %q, so it shows nothing", who)
	}
	if status, out := d.erase("", "-apply", list); status != 0 || !strings.Contains(out, " erased\n") {
		t.Errorf("apply the list: %d, %s", status, out)
	}
	if dump := d.dump(); named(dump) != nil || !strings.Contains(dump, asked) {
		t.Errorf("after the list the database names %q", named(dump))
	}
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

// The same without Redis: nothing here knows of the sale since the copy, and no browser makes the shop look for it.
// Who operates it places the order by its ID at Klarna, with the number that Klarna has.
func TestRestoreWithoutRedis(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{PushDelay: time.Hour})
	file := t.TempDir() + "/shop.dump"
	tool(t, "pg_dump", "--format=custom", "--file="+file, d.data)
	late, number := d.soldTo(zetterlund, false)
	anybody := d.buyer()
	d.shops[0].kill()
	d.data = dbtest.PostgresURL(t)
	tool(t, "pg_restore", "--clean", "--if-exists", "--no-owner", "--dbname="+d.data, file)
	d.lookOn()
	if err := d.asks.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	again := d.start("127.0.0.1:0")
	if got := anybody.send(again, "GET", "/checkout/confirmation?order_id="+late, "", ""); got.status != http.StatusNotFound {
		t.Errorf("its confirmation: got %d", got.status)
	}
	if status, out := d.once(d.settings(), "", "place", late, "invented"); status != 1 || !strings.Contains(out, late+" "+number+"\n") || !strings.Contains(out, "invented not placed: ") {
		t.Errorf("got %d, %s", status, out)
	} else if named(out) != nil {
		t.Errorf("it names %q", named(out))
	}
	o, found, err := d.here.Book.ByOrderID(t.Context(), late)
	if err != nil || !found || o.Number != number || !o.Acknowledged || len(o.Flags) != 0 {
		t.Errorf("in the book: %v, number %q, flags %v; %v", found, o.Number, o.Flags, err)
	}
}
