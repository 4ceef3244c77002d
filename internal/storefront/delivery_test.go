package storefront_test

import (
	"encoding/csv"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// tellsAll holds that a page has texts.
func tellsAll(t *testing.T, page shoptest.Answer, want ...string) {
	t.Helper()
	text := html.UnescapeString(page.Text)
	if page.StatusCode != http.StatusOK {
		t.Errorf("got %d", page.StatusCode)
	}
	for _, part := range want {
		if !strings.Contains(text, part) {
			t.Errorf("the page does not say %q:\n%s", part, text)
		}
	}
}

// A shopper chooses a pickup point in Klarna's form and buys: the place is in the summary, on
// confirmation, order page and mail, and staff find it on order page, slip and exports.
func TestBuyWithPickupPoint(t *testing.T) {
	t.Parallel()
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Version: shoptest.Agents()})}
	b := s.browser()
	b.Add("MUG-1", "1")
	bought := b.open(s)
	var ids []string
	for _, o := range bought.ShippingOptions {
		ids = append(ids, o.ID)
	}
	if diff := cmp.Diff([]string{"mailboat", "express", "collect", "agent:p1", "agent:p2"}, ids); diff != "" {
		t.Errorf("the form offers (-want +got):\n%s", diff)
	}
	if out, err := s.Fake.Shopper(bought.OrderID, fakeklarna.Action{ShippingOption: "agent:p2"}); err != nil || out.Refused != nil {
		t.Fatal(out, err)
	}
	if there, _ := s.Fake.Order(bought.OrderID); there.OrderAmount != 14900+5900 || there.SelectedShippingOption.ID != "agent:p2" {
		t.Errorf("Klarna has %d by %+v", there.OrderAmount, there.SelectedShippingOption)
	}
	tellsAll(t, b.Get("/checkout"), "Ombud: Torghandeln, Stora Torget 2, Hall B, 753 20 Uppsala, 2 dagar")

	path := s.buyAs(bought.OrderID, map[string]string{"email": "eva.berg@example.com"})
	place := []string{i18n.T("sv", "delivery.title"), i18n.T("sv", "delivery.at"), "Torghandeln", "Stora Torget 2", "Hall B", "753 20 Uppsala", "Ombud: Torghandeln"}
	tellsAll(t, b.Get(path), place...)
	o := s.placed(bought.OrderID)
	tellsAll(t, b.Get("/orders/"+o.Number+"?key="+o.Key), place...)
	message, err := (&mail.Mailer{Published: s.Published}).Compose(t.Context(), o, settings.MailPlaced, "1", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{message.Text, html.UnescapeString(message.HTML)} {
		if !strings.Contains(part, "Hämtas hos") || !strings.Contains(part, "Stora Torget 2") {
			t.Errorf("the mail says %s", part)
		}
	}

	staff := s.Staff("ada")
	english := []string{"Pick up at", "Torghandeln", "Stora Torget 2", "753 20 Uppsala"}
	tellsAll(t, staff.Get("/admin/orders/"+o.Number), append(english, "agent:p2 · Pick-up point")...)
	tellsAll(t, staff.Get("/admin/orders/"+o.Number+"/packing-slip"), append(english, "Ombud: Torghandeln", "Customer, who picks it up")...)
	if row := rowOf(t, staff.Get("/admin/exports/orders.csv").Text, o.Number); row["delivery"] != "agent:p2" || row["delivery_name"] != "Ombud: Torghandeln" ||
		row["delivery_method"] != "PickUpPoint" || row["pickup_location_id"] != "p2" || row["pickup_location"] != "Torghandeln" {
		t.Errorf("orders.csv has %v", row)
	}
	addresses := staff.Get("/admin/exports/addresses.csv").Text
	if want := ",pickup,"; strings.Count(addresses, want) != 1 || !strings.Contains(addresses, "Torghandeln") || !strings.Contains(addresses, "Stora Torget 2") {
		t.Errorf("addresses.csv is %s", addresses)
	}
}

// rowOf is the row of an order in a file, by its columns.
func rowOf(t *testing.T, file, number string) map[string]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]string{}
	i := slices.IndexFunc(rows, func(r []string) bool { return r[0] == number })
	if i < 0 {
		t.Fatalf("%s is not in the file", number)
	}
	for at, name := range rows[0] {
		row[name] = rows[i][at]
	}
	return row
}

// What Klarna's shipping assistant says of a choice is shown wherever the order is.
func TestBuyWithAssistant(t *testing.T) {
	t.Parallel()
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Version: shoptest.Agents()})}
	for _, tc := range []struct {
		option string
		says   []string
		row    map[string]string
	}{
		{"pickup-2", []string{"City Market", "Test Post", "Utlämningsställe"}, map[string]string{"pickup_location": "City Market", "pickup_location_id": "market", "delivery_class": "standard", "carrier_product": "PickUpPoint"}},
		{"home", []string{"17:00–21:00", "Test Post"}, map[string]string{"timeslot_start": "17:00", "timeslot_end": "21:00", "timeslot_id": "evening", "delivery_method": "Home"}},
	} {
		b := s.browser()
		b.Add("MUG-1", "1")
		b.Get("/checkout")
		bought := s.Fake.Orders()[0]
		for _, o := range s.Fake.Orders() {
			if o.Status != fakeklarna.StatusComplete {
				bought = o
			}
		}
		if out, err := s.Fake.Shopper(bought.OrderID, fakeklarna.Action{ShippingAssistant: true, ShippingOption: tc.option}); err != nil || out.Refused != nil {
			t.Fatal(out, err)
		}
		path := s.buyAs(bought.OrderID, map[string]string{"email": "eva.berg@example.com"})
		tellsAll(t, b.Get(path), tc.says...)
		o := s.placed(bought.OrderID)
		want := append(slices.Clone(tc.says), o.Delivery.TMSReference)
		if o.Delivery.TMSReference == "" {
			t.Error("the assistant's reference is lost")
		}
		tellsAll(t, b.Get("/orders/"+o.Number+"?key="+o.Key), want...)
		staff := s.Staff("ada")
		tellsAll(t, staff.Get("/admin/orders/"+o.Number), want...)
		tellsAll(t, staff.Get("/admin/orders/"+o.Number+"/packing-slip"), want...)
		row := rowOf(t, staff.Get("/admin/exports/orders.csv").Text, o.Number)
		tc.row["tms_reference"], tc.row["carrier"] = o.Delivery.TMSReference, "Test Post"
		for name, want := range tc.row {
			if row[name] != want {
				t.Errorf("orders.csv: %s is %q, want %q", name, row[name], want)
			}
		}
	}
}

// The goods became too heavy in another tab for what the form shows: who presses Buy reads
// why it was stopped, and buys with what is offered.
func TestPickupPointGone(t *testing.T) {
	t.Parallel()
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Version: shoptest.Agents()})}
	b := s.browser()
	b.Add("MUG-1", "1")
	bought := b.open(s)
	address := map[string]string{
		"email": "eva.berg@example.com", "given_name": "Eva", "family_name": "Berg", "street_address": "Storgatan 1", "postal_code": "621 56", "city": "Visby", "phone": "+46701234567",
	}
	if out, err := s.Fake.Shopper(bought.OrderID, fakeklarna.Action{Type: address, ShippingOption: "agent:p1"}); err != nil || out.Refused != nil {
		t.Fatal(out, err)
	}
	b.Add("MUG-1", "30")
	out, err := s.Fake.Shopper(bought.OrderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
	if err != nil || out.Refused == nil || !strings.HasSuffix(out.Refused.RedirectURL, "/checkout?reason=delivery_gone") {
		t.Fatalf("%+v, %v", out, err)
	}
	tellsAll(t, b.Get("/checkout?reason=delivery_gone"), i18n.T("sv", "note.delivery_gone.title"), "Postbåten")
	if got := b.Post("/cart/delivery", "option", "agent:p9"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a place that there is not: got %d", got.StatusCode)
	}
	b.Get(s.buy(bought.OrderID))
	if d := s.placed(bought.OrderID).Delivery; d.ID != "mailboat" || d.PickupLocation.ID != "" {
		t.Errorf("bought by %+v", d)
	}
}

// The shop's own form offers each pickup point with its address, and the order goes there.
func TestFreeWithPickupPoint(t *testing.T) {
	t.Parallel()
	s := giftShop(t, shoptest.WithAgents(0))
	b := s.browser()
	b.takesAll("MUG-1")
	doc, _ := b.freePage()
	want := []string{"Postbåten, 49 kr", "Express, 129 kr", "Ombud: Kiosken, Sveavägen 5, 111 57 Stockholm, 0 kr", "Ombud: Torghandeln, Stora Torget 2, Hall B, 753 20 Uppsala, 0 kr"}
	if diff := cmp.Diff(want, texts(doc, "[action='/cart/delivery'] button")); diff != "" {
		t.Errorf("the other ways of delivery (-want +got):\n%s", diff)
	}
	if got := b.Post("/cart/delivery", "option", "agent"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("no place: got %d", got.StatusCode)
	}
	if got := b.Post("/cart/delivery", "option", "agent:p2"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("a place: got %d", got.StatusCode)
	}
	_, form := b.freePage()
	got := b.Submit("/checkout/place", typed(form))
	tellsAll(t, b.Get(got.Header.Get("Location")), "Ombud: Torghandeln", i18n.T("sv", "delivery.at"), "Stora Torget 2", "Strandgatan 4")
	if d := s.InBook(form.Get("order")).Delivery; d.ID != "agent:p2" || d.Method != "PickUpPoint" || d.PickupLocation.Address.City != "Uppsala" {
		t.Errorf("the order goes by %+v", d)
	}
}
