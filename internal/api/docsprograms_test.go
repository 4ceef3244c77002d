package api_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/until"
)

// The programs of docs/api.md run as they stand there, but for address and key. The warehouse packs each order and captures
// it once, also when it is killed and when shopd ends a capture by itself; the ledger sums what was captured and refunded; the reader of events tells each of them once.
func TestPrograms(t *testing.T) {
	python := tool(t, "python3")
	w := keyed(t)
	c := as(w, "all")
	for _, sku := range []string{"MUG-1", "JAM-1"} {
		w.Stocked(sku, 100)
	}
	const orders = 8
	for range orders {
		w.Placed()
	}
	captured := func() int64 { return w.Number("select count(*) from orders where status = 'CAPTURED'") }

	// Of the order that comes first Klarna takes no capture while the warehouse asks.
	late := ask[api.OrderList](c, 200, "GET", "/orders?limit=1", "").Data[0]
	w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/ordermanagement/v1/orders/*/captures", OrderID: *late.OrderID, Count: -1, Status: 503})

	warehouse := program(t, "A warehouse", w.URL)
	packed := ""
	for _, most := range []int64{2, orders} { // the first one is killed after two
		ctx, kill := context.WithCancel(t.Context())
		var said bytes.Buffer
		running := exec.CommandContext(ctx, python, warehouse)
		running.Stdout, running.Stderr = &said, &said
		if err := running.Start(); err != nil {
			t.Fatal(err)
		}
		until.Holds(t, "the warehouse has sent what it should", func() bool { return captured() >= most })
		kill()
		_ = running.Wait()
		if strings.Contains(said.String(), "Traceback") || strings.Contains(said.String(), "look at") {
			t.Fatalf("the warehouse: %s", said.String())
		}
		packed += said.String()
		w.Fake.ClearFaults()
		w.Round(time.Minute)
	}
	for _, o := range w.Fake.Orders() {
		if kept := w.InBook(o.OrderID); len(kept.Captures) != 1 || len(kept.Shipments) != 1 || kept.Shipments[0].TrackingNumber != kept.Number {
			t.Errorf("order %s: %+v, %+v", kept.Number, kept.Captures, kept.Shipments)
		}
		if !strings.Contains(packed, "packed "+w.InBook(o.OrderID).Number+"\n") {
			t.Errorf("order %s is captured and was never packed:\n%s", w.InBook(o.OrderID).Number, packed)
		}
	}

	all := ask[api.OrderList](c, 200, "GET", "/orders?limit=200", "").Data
	ask[api.ActionResult](c, 200, "POST", "/orders/"+all[0].ID+"/refunds", `{"amount": 1000}`, "Idempotency-Key", "back")
	day := all[0].Captures[0].CapturedAt.UTC().Format(time.DateOnly)
	total, tax := int64(0), int64(0)
	add := func(at time.Time, amount int64, rates []api.TaxAmount, sign int64) {
		if at.UTC().Format(time.DateOnly) != day {
			return
		}
		total += sign * amount
		for _, rate := range rates {
			tax += sign * rate.TotalTaxAmount
		}
	}
	for _, o := range ask[api.OrderList](c, 200, "GET", "/orders?limit=200", "").Data {
		for _, part := range o.Captures {
			add(part.CapturedAt, part.Amount, part.Tax, 1)
		}
		for _, part := range o.Refunds {
			add(part.RefundedAt, part.Amount, part.Tax, -1)
		}
	}
	ledger := program(t, "A ledger", w.URL)
	var sums, taxes int64
	for line := range strings.Lines(run(t, python, ledger, day)) {
		var of, currency, country string
		var rate, sum, its int64
		if _, err := fmt.Sscan(line, &of, &currency, &country, &rate, &sum, &its); err != nil || of != day || currency != "SEK" || country != "SE" {
			t.Errorf("the ledger says %q: %v", line, err)
		}
		sums, taxes = sums+sum, taxes+its
	}
	if sums != total || taxes != tax || tax == 0 {
		t.Errorf("the ledger: %d with tax %d, want %d with %d", sums, taxes, total, tax)
	}
	run(t, python, ledger) // yesterday

	if _, err := w.Events.Number(t.Context()); err != nil {
		t.Fatal(err)
	}
	reader := program(t, "The shopper paid, but no webhook came", w.URL)
	first := run(t, python, reader)
	for _, what := range []string{"order.created ", "order.captured ", "order.shipped "} {
		if n := strings.Count(first, what); n != orders {
			t.Errorf("%d times %s", n, what)
		}
	}
	if n := strings.Count(first, "order.refunded "); n != 1 {
		t.Errorf("%d refunds", n)
	}
	if again := run(t, python, reader); again != "" {
		t.Errorf("told twice: %s", again)
	}
}

// tool is a program that must be installed under make test.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" || os.Getenv("SHOPD_TEST_ALL") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return path
}

// program writes the program of a section of docs/api.md to a file, with the address of a shop.
func program(t *testing.T, section, url string) (file string) {
	t.Helper()
	docs, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)\n## " + section + "\n.*?```python\n(.*?)```").FindSubmatch(docs)
	if found == nil || !bytes.Contains(found[1], []byte("sk_demo")) {
		t.Fatalf("%s has no program", section)
	}
	file = filepath.Join(t.TempDir(), "program.py")
	text := strings.NewReplacer("http://localhost:8080", url, "sk_demo", "sk_all").Replace(string(found[1]))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// run runs a program of Python's in its folder and returns what it says.
func run(t *testing.T, python, file string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), python, append([]string{file}, args...)...)
	command.Dir = filepath.Dir(file)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}
