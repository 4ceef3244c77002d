package backoffice_test

import (
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

// swedenAlone is the demo's shop file after it has given up all markets but one, which has
// another tax, another name for the mail boat, and goes nowhere else.
func swedenAlone() *publish.File {
	source, _ := skerry.Sources()
	head, rest, _ := strings.Cut(string(source.File), "  - country: NO\n")
	_, tail, _ := strings.Cut(rest, "\ntexts:")
	head = regexp.MustCompile(`(?m)^    deliver_to: .*\n`).ReplaceAllString(head, "")
	head = strings.NewReplacer("standard: 25", "standard: 12", "Postbåten", "Långsamma båten", "Mail boat", "Slow boat").Replace(head)
	source.File = []byte(head + "\ntexts:" + tail)
	return publish.ShopFile("skerry", source)
}

// The shop has given up markets and has other taxes: what was sold there before is captured, changed,
// refunded, shown, printed and exported as it was sold.
func TestOrdersOfAnOldVersion(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	p := publish.Publisher{DB: d, Stock: &stock.Store{DB: d}}
	shopFile, goods := skerry.Files()
	if _, err := p.Publish(t.Context(), shopFile, goods); err != nil {
		t.Fatal(err)
	}
	published, err := publish.Open(t.Context(), d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	o := &office{shoptest.Serve(t, shoptest.Options{DB: d, Config: func(c *shop.Config) {
		behindProxy(c)
		c.Published, c.Mail = published, &mail.Shown{}
	}})}
	salt := []cart.Line{{SKU: "SLT-1", Quantity: 3}}
	us := o.sellTo("US", "", cart.Place{Region: "NY", PostalCode: "10001"}, salt, fakeklarna.Buy{})
	fewer := o.sellTo("US", "", cart.Place{Region: "NY", PostalCode: "10001"}, salt, fakeklarna.Buy{})
	fi := o.sellTo("FI", "", cart.Place{PostalCode: "00100"}, salt, fakeklarna.Buy{})
	no, se := o.buyIn("NO", "nb-NO", fakeklarna.Buy{}), o.buyIn("SE", "sv-SE", fakeklarna.Buy{})
	if _, err := p.Publish(t.Context(), swedenAlone(), nil); err != nil {
		t.Fatal(err)
	}
	if err := published.Reach(t.Context(), 2); err != nil || len(published.Now().Markets) != 1 {
		t.Fatal(err, published.Now().Markets)
	}
	late := o.buyIn("SE", "sv-SE", fakeklarna.Buy{})
	for _, s := range []order.Order{us, fewer, fi, no, se} {
		if s.Priced != 1 {
			t.Errorf("order %s is priced by version %d", s.PurchaseCountry, s.Priced)
		}
	}
	if late.Priced != 2 {
		t.Errorf("the order of today is priced by version %d", late.Priced)
	}

	ada := o.clerk("ada")
	to := ada.submit(ada.open(us, "shipping-address"), "region", "Oregon", "postal_code", "97201")
	to.says("main", "Order amount 31.20 30.00")
	ada.submit(to)
	to = ada.submit(ada.open(fi, "shipping-address"), "postal_code", "22100")
	to.says("main", "Tax 3.46 0.00")
	ada.submit(to)
	ada.act(fewer, "lines", "q:physical:SLT-1", "2").says("#result", "Changed the order to 22.88 USD.") // 16.00 and 6.00, with 4 %
	for _, s := range []order.Order{us, fewer, fi, no, se, late} {
		ada.act(s, "capture", "what", "all")
		ada.act(s, "shipping-info", "carrier", "Postnord", "tracking_number", "7340001")
	}
	for _, tc := range []struct {
		order     order.Order
		jam, rate int64
	}{{no, 2500, 2500}, {se, 2500, 2500}, {late, 2500, 1200}} {
		ada.act(tc.order, "refund", "what", "lines", jamField, "1", "fee", "25.00")
		refunds := o.managed(tc.order.OrderID).Refunds
		if len(refunds) != 1 {
			t.Fatalf("%s: %d refunds", tc.order.PurchaseCountry, len(refunds))
		}
		fee := refunds[0].OrderLines[len(refunds[0].OrderLines)-1]
		if fee.Type != "return_fee" || int64(fee.TaxRate) != tc.rate {
			t.Errorf("%s, version %d: the fee is %+v", tc.order.PurchaseCountry, tc.order.Priced, fee)
		}
	}

	swedish := o.Browser()
	for _, tc := range []struct {
		order order.Order
		says  string
	}{{se, "Postbåten"}, {no, "Mail boat"}, {late, "Långsamma båten"}, {us, "Mail boat"}, {fi, "Postbåten"}} {
		page := swedish.Get("/orders/" + tc.order.Number + "?key=" + tc.order.Key)
		if page.StatusCode != http.StatusOK || !strings.Contains(page.Text, tc.says) {
			t.Errorf("%s: the order's page: %d, without %q", tc.order.PurchaseCountry, page.StatusCode, tc.says)
		}
		at := "/admin/orders/" + tc.order.Number
		for _, path := range []string{at, at + "/packing-slip", at + "/mails/order_placed", at + "/mails/order_placed/body", at + "/mails/order_shipped/body"} {
			if got := ada.Get(path); got.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", path, got.StatusCode)
			}
		}
	}
	if got := ada.Get("/admin/orders/" + no.Number + "/mails/order_placed/body").Text; !strings.Contains(got, "Postbåten") || !strings.Contains(got, "Norge") {
		t.Error("the mail of a market that was given up")
	}
	file := ada.Get("/admin/exports/orders.csv").Text
	for _, s := range []order.Order{us, fewer, fi, no, se, late} {
		if !strings.Contains(file, s.Number) {
			t.Errorf("%s is not in the file", s.Number)
		}
	}
	list := ada.look("/admin/?country=US")
	if !list.has(`select[name=country] option[value=US][selected]`) || !strings.Contains(list.Text, us.Number) || strings.Contains(list.Text, se.Number) {
		t.Error("the list of a market that was given up")
	}
	if got := ada.Get("/admin/?country=XX"); got.StatusCode != http.StatusBadRequest {
		t.Errorf("no country: %d", got.StatusCode)
	}
}
