package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/tools/clients"
)

var update = flag.Bool("update", false, "write the documents and what is generated from them")

func world(t *testing.T) *shoptest.World {
	t.Helper()
	if os.Getenv("SHOPD_TEST_ALL") == "" {
		t.Skip("it needs redis-server and PostgreSQL: make test has them")
	}
	keys, err := api.ParseKeys(api.KeyLine("clients", "all", "sk_test"))
	if err != nil {
		t.Fatal(err)
	}
	return shoptest.Serve(t, shoptest.Options{Config: func(c *shop.Config) { c.Keys = keys }})
}

// document is what the API says of itself, with an address that is always the same.
func document(t *testing.T, w *shoptest.World, name string) []byte {
	t.Helper()
	text := w.Browser().Get("/v1/" + name).Text
	var into any
	if err := json.Unmarshal(bytes.ReplaceAll([]byte(text), []byte(w.URL), []byte("https://shop.example")), &into); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(into, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

// isCurrent compares a file with what it should be, or writes it.
func isCurrent(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not current (%v): go test ./tools/clients -update", file, err)
	}
}

// The documents and the client in Go are those of the API as it is. Nothing is fetched.
func TestCurrent(t *testing.T) {
	w := world(t)
	for _, name := range []string{"openapi.json", "openapi-3.0.json"} {
		isCurrent(t, filepath.Join("testdata", name), document(t, w, name))
	}
	made := filepath.Join(t.TempDir(), "client.go")
	out, err := exec.CommandContext(t.Context(), "go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "clients", "-o", made, "testdata/openapi-3.0.json").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	isCurrent(t, "client.gen.go", want)
}

var pageOrder = regexp.MustCompile(`"order_id":"([^"]+)"`)

// buy is what the shopper does with the link of a session.
func buy(t *testing.T, w *shoptest.World, link, reference string) {
	t.Helper()
	address, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	b := w.Browser()
	b.Get(address.Path)
	page := b.Get("/checkout/s/" + reference)
	order := pageOrder.FindStringSubmatch(page.Text)
	if order == nil {
		t.Fatalf("no order on the page: %d\n%s", page.StatusCode, page.Text)
	}
	w.Buy(order[1])
	if got := b.Get("/checkout/confirmation?order_id=" + url.QueryEscape(order[1])); got.StatusCode != http.StatusSeeOther {
		t.Errorf("after the purchase: %d", got.StatusCode)
	}
}

// The client that oapi-codegen makes takes a session to its sale, and the order to its refund.
func TestGo(t *testing.T) {
	w := world(t)
	c, err := clients.NewClientWithResponses(w.URL, clients.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer sk_test")
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	price, rate, name, sku, number := int64(249900), int64(2500), "Tent", "TENT-2P", "W-1"
	put := func() *clients.PutCheckoutSessionResponse {
		got, err := c.PutCheckoutSessionWithResponse(t.Context(), "go-1", nil, clients.SessionRequest{
			Country: "SE", SuccessUrl: "https://www.example.com/thanks", OrderNumber: &number,
			OrderLines:      []clients.LineRequest{{Name: &name, Reference: &sku, Quantity: 1, UnitPrice: &price, TaxRate: &rate}},
			DeliveryOptions: &[]clients.DeliveryRequest{{Id: "parcel", Name: "Home", Price: 7900, TaxRate: rate}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	made := put()
	if made.JSON201 == nil || made.JSON201.OrderAmount != 257800 || made.JSON201.Status != "open" {
		t.Fatalf("%s", made.Body)
	}
	buy(t, w, made.JSON201.Url, "go-1")
	sold, err := c.GetCheckoutSessionWithResponse(t.Context(), "go-1")
	if err != nil || sold.JSON200 == nil || sold.JSON200.Status != "complete" || sold.JSON200.Order.Number != number {
		t.Fatalf("%v: %s", err, sold.Body)
	}
	// The goods are sent, and come back.
	captured, err := c.CaptureOrderWithResponse(t.Context(), number, &clients.CaptureOrderParams{IdempotencyKey: "capture"}, clients.CaptureRequest{})
	if err != nil || captured.JSON200 == nil || captured.JSON200.CaptureId == nil {
		t.Fatalf("%v: %s", err, captured.Body)
	}
	refund := func() *clients.RefundOrderResponse {
		got, err := c.RefundOrderWithResponse(t.Context(), number, &clients.RefundOrderParams{IdempotencyKey: "refund"}, clients.RefundRequest{
			OrderLines: &[]clients.LineQuantity{{Id: "1", Quantity: 1}},
		})
		if err != nil || got.JSON200 == nil || got.JSON200.RefundId == nil {
			t.Fatalf("%v: %s", err, got.Body)
		}
		return got
	}
	if first, again := refund(), refund(); *first.JSON200.RefundId != *again.JSON200.RefundId {
		t.Errorf("refunded as %s and %s", *first.JSON200.RefundId, *again.JSON200.RefundId)
	}
	order, err := c.GetOrderWithResponse(t.Context(), number)
	if err != nil || order.JSON200 == nil || order.JSON200.Status != "captured" || order.JSON200.Amounts.Captured != 257800 || order.JSON200.Amounts.Refunded != price {
		t.Fatalf("%v: %s", err, order.Body)
	}
	if again := put(); again.ApplicationproblemJSON409 == nil || again.ApplicationproblemJSON409.Code != "complete" {
		t.Errorf("bought again: %s", again.Body)
	}
}

// A program in JavaScript with the types that openapi-typescript makes does the same.
func TestTypeScript(t *testing.T) {
	w := world(t)
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	run := func(step string) []byte {
		cmd := exec.CommandContext(t.Context(), node, "sale.mjs", w.URL, "sk_test", "js-1", step)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return bytes.TrimSpace(out)
	}
	buy(t, w, string(run("put")), "js-1")
	if got := string(run("get")); got != "complete" {
		t.Errorf("after the purchase: %s", got)
	}
}
