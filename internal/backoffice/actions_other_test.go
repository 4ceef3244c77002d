package backoffice_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/order"
)

// quantitiesAt are the lines at Klarna: reference → quantity.
func (d *office) quantitiesAt(m fakeklarna.ManagedOrder) map[string]int64 {
	quantities := map[string]int64{}
	for _, line := range m.OrderLines {
		quantities[line.Reference] = line.Quantity
	}
	return quantities
}

func TestChangeLines(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		fields   []string
		amount   int64
		question []string
		result   string
		want     map[string]int64
	}{
		{
			"fewer", []string{mugField, "3"}, all - 14900,
			[]string{"Change the order to 625.00 SEK?", "The amount falls by 149.00 SEK.", "Order amount 774.00 625.00", "Quantity of Enamel mug, 35 cl 4 3"},
			"Changed the order to 625.00 SEK.", map[string]int64{"MUG-1": 3, "JAM-1": 1, "mailboat": 1},
		},
		{
			"removed", []string{jamField, "0", deliveryField, ""}, 4 * 14900, []string{"Quantity of Mail boat 1 0"},
			"Changed the order to 596.00 SEK.", map[string]int64{"MUG-1": 4},
		},
		{
			"more", []string{mugField, "6"}, all + 2*14900,
			[]string{"The amount grows by 298.00 SEK. Klarna checks the risk again and may refuse; then nothing changes."},
			"Changed the order to 1 072.00 SEK. 1 072.00 remains.", map[string]int64{"MUG-1": 6, "JAM-1": 1, "mailboat": 1},
		},
		{
			"added", []string{"add_sku", "POT-1", "add_quantity", "2"}, all + 2*69500,
			[]string{"Change the order to 2 164.00 SEK?", "Quantity of Enamel coffee pot, 1.5 l 0 2"},
			"Changed the order to 2 164.00 SEK.", map[string]int64{"MUG-1": 4, "JAM-1": 1, "mailboat": 1, "POT-1": 2},
		},
		{
			"another one instead", []string{jamField, "0", "add_sku", "HNY-1", "add_quantity", "1"}, all - 12900 + 13900, nil,
			"Changed the order to 784.00 SEK.", map[string]int64{"MUG-1": 4, "mailboat": 1, "HNY-1": 1},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newOffice(t)
			o, ada := d.buy(), d.clerk("ada")
			p := ada.open(o, "lines")
			p.says("main", "Pay later allows a higher amount.")
			p = ada.submit(p, tc.fields...)
			for _, want := range tc.question {
				p.says("main", want)
			}
			ada.submit(p).says("#result", tc.result)
			d.amounts(o, tc.amount, 0, 0)
			if diff := cmp.Diff(tc.want, d.quantitiesAt(d.managed(o.OrderID))); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// More than there is needs a tick, which the form offers then.
func TestChangeLinesBeyondStock(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, ada := d.buy(), d.clerk("ada")
	d.Stocked("MUG-1", 1)
	p := ada.open(o, "lines")
	if p.has("[name=insist]") {
		t.Error("a fresh form asks whether to sell what is not there")
	}
	if p = ada.submit(p, mugField, "6"); p.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("two more of one: %d", p.StatusCode)
	}
	p.says(".field.bad, .bad", "There is less than that in stock.")
	p = ada.submit(p, "insist", "yes")
	p.says("main", "Change the order to 1 072.00 SEK?")
	ada.submit(p).says("#result", "Changed the order to 1 072.00 SEK.")
	if now := d.inBook(o.OrderID); !now.Flagged(order.Oversold) {
		t.Errorf("flags %v", now.Flags)
	}
}

// One form adds several products; what is captured cannot be taken back.
func TestChangeLinesOfPartCaptured(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, ada := d.buy(), d.clerk("ada")
	ada.act(o, "capture", "what", "lines", mugField, "2", jamField, "0", deliveryField, "0")
	p := ada.open(o, "lines")
	p.says("main", "2 captured")
	bad := ada.submit(p, mugField, "1")
	if bad.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("fewer than are captured: %d", bad.StatusCode)
	}
	bad.says(".errors", "2 of Enamel mug, 35 cl are captured. Enter that many or more.")
	more := ada.submit(p, mugField, "2", "add_sku", "SLT-1", "add_quantity", "1", "more", "1")
	if got := more.Find("[name=add_sku]").Length(); got != 2 || more.StatusCode != http.StatusOK {
		t.Fatalf("%d rows for products, status %d", got, more.StatusCode)
	}
	v := more.fields()
	v["add_sku"][1], v["add_quantity"][1] = "COF-1", "2"
	question := ada.send("POST", more.action(), v)
	question.says("main", "Change the order to 793.00 SEK?")
	question.says("main", "Remaining 476.00 495.00")
	ada.submit(question).says("#result", "495.00 remains.")
	d.amounts(o, 2*14900+12900+4900+7900+2*11900, 2*14900, 0)
}

// In the US the sales tax follows the goods.
func TestChangeLinesSalesTax(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	o := d.buyIn("US", "en-US", fakeklarna.Buy{}, "region", "CA", "postal_code", "94103")
	for _, mugs := range []string{"2", "4"} {
		ada.act(o, "lines", mugField, mugs).says("#result", "Changed the order to")
		m := d.managed(o.OrderID)
		var net, tax int64
		for _, line := range m.OrderLines {
			if line.Type == "sales_tax" {
				tax = line.TotalAmount
			} else {
				net += line.TotalAmount
			}
		}
		if tax <= 0 || m.OrderAmount != net+tax {
			t.Errorf("%s mugs: %d + tax %d is not %d", mugs, net, tax, m.OrderAmount)
		}
	}
	if got := d.managed(o.OrderID).OrderAmount; got != int64(o.OrderAmount) {
		t.Errorf("there and back the order comes to %d, it was %d", got, o.OrderAmount)
	}
}

// changed are the facts that an entry of the audit tells.
func changed(changes []order.Change) []string {
	var all []string
	for _, c := range changes {
		all = append(all, c.Field, c.Before, c.After)
	}
	return all
}

// Back from the question leads to the form with all that was typed.
func TestBack(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, ada := d.buy(), d.clerk("ada")
	question := ada.submit(ada.open(o, "capture"), "what", "lines", mugField, "1", "description", "Some <b>text</b>")
	back := question.Find("form.act-confirm button[name=back]")
	form := ada.send("POST", back.AttrOr("formaction", ""), question.fields("back", "1"))
	v := form.fields()
	if form.StatusCode != http.StatusOK || v.Get(mugField) != "1" || v.Get("description") != "Some <b>text</b>" || v.Get("what") != "lines" {
		t.Errorf("got %d, %v", form.StatusCode, v)
	}
	ada.submit(ada.submit(form)).says("#result", "Captured 327.00 SEK.")
}

func TestOtherActions(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	t.Run("cancel", func(t *testing.T) {
		o := d.buy()
		p := ada.open(o, "cancel")
		p.says("h1", "Cancel order "+o.Number+"?")
		p.says("main", "774.00 SEK is released and the shopper pays nothing. This cannot be undone.")
		p.says("main", "Keep order")
		ada.submit(p).says("#result", "Cancelled order "+o.Number+".")
		if got := d.managed(o.OrderID).Status; got != "CANCELLED" {
			t.Errorf("status %s", got)
		}
	})
	t.Run("release", func(t *testing.T) {
		o := d.buy()
		ada.act(o, "capture", "what", "lines", mugField, "4", jamField, "1", deliveryField, "0")
		p := ada.open(o, "release")
		p.says("main", "Release the remaining 49.00 SEK? Nothing more can be captured.")
		ada.submit(p).says("#result", "Released the rest. Nothing more can be captured.")
		if got := d.managed(o.OrderID).RemainingAuthorizedAmount; got != 0 {
			t.Errorf("%d remains", got)
		}
	})
	t.Run("extend", func(t *testing.T) {
		o := d.buy()
		d.Fake.Advance(48 * time.Hour)
		before := d.managed(o.OrderID).ExpiresAt
		ada.act(o, "extend").says("#result", "Extended the authorization. The order can be captured until")
		if after := d.managed(o.OrderID).ExpiresAt; after <= before {
			t.Errorf("authorized until %s, it was %s", after, before)
		}
	})
	t.Run("references", func(t *testing.T) {
		o := d.buy()
		p := ada.submit(ada.open(o, "references"), "reference2", "ERP 7")
		p.says("main", "Second reference none ERP 7")
		ada.submit(p).says("#result", "Changed the references.")
		if m := d.managed(o.OrderID); m.MerchantReference1 != o.Number || m.MerchantReference2 != "ERP 7" {
			t.Errorf("references %q, %q", m.MerchantReference1, m.MerchantReference2)
		}
		ada.act(o, "references", "reference2", "").says("#result", "Changed the references.")
		if m := d.managed(o.OrderID); m.MerchantReference2 != "" {
			t.Errorf("reference %q, it was cleared", m.MerchantReference2)
		}
	})
	t.Run("address", func(t *testing.T) {
		o := d.buy()
		before := d.managed(o.OrderID).ShippingAddress
		p := ada.submit(ada.open(o, "shipping-address"), "street", "Hamngatan 4", "city", "Visby", "postal_code", "621 57")
		p.says("main", "Hamngatan 4")
		ada.submit(p).says("#result", "Changed the address.")
		want := before
		want.StreetAddress, want.City, want.PostalCode = "Hamngatan 4", "Visby", "621 57"
		if diff := cmp.Diff(want, d.managed(o.OrderID).ShippingAddress); diff != "" {
			t.Errorf("address (-want +got):\n%s", diff)
		}
		audit, err := d.Book.Audit(t.Context(), o.OrderID)
		if text := strings.Join(changed(audit[0].Changes), " "); err != nil || strings.Contains(text, "Hamngatan") || strings.Contains(text, "Visby") {
			t.Errorf("the audit tells the address: %q, %v", text, err)
		}
	})
	t.Run("parcel of the order", func(t *testing.T) {
		o := d.buy()
		ada.act(o, "shipping-info", "carrier", "Bring", "tracking", "1").says("#result", "Added the parcel.")
		ada.act(o, "shipping-info", "carrier", "Bring", "tracking", "2").says("#result", "Added the parcel.")
		if got := d.managed(o.OrderID).ShippingInfo; len(got) != 2 || got[1].TrackingNumber != "2" {
			t.Errorf("parcels %+v", got)
		}
	})
	t.Run("parcel of a capture", func(t *testing.T) {
		o := d.buy()
		ada.act(o, "capture", "what", "lines", mugField, "4", jamField, "0", deliveryField, "0")
		p := ada.submit(ada.open(o, "shipping-info"), "carrier", "dhl-express")
		p.says("main", "It is for the capture ")
		ada.submit(p).says("#result", "Added the parcel.")
		if got := d.managed(o.OrderID).Captures[0].ShippingInfo; len(got) != 1 || got[0].ShippingCompany != "dhl-express" {
			t.Errorf("parcels %+v", got)
		}
	})
	t.Run("message again", func(t *testing.T) {
		o := d.buy()
		ada.act(o, "capture")
		ada.act(o, "send-out").says("#result", "Klarna sends its message to the shopper again.")
	})
	t.Run("due date", func(t *testing.T) {
		o := d.buy()
		ada.act(o, "capture")
		p := ada.open(o, "extend-due-date")
		days := p.Find("[name=days]").First().AttrOr("value", "")
		p = ada.submit(p, "days", days)
		p.says("main", "Give the shopper "+days+" days more to pay?")
		p.says("main", "Klarna charges you ")
		ada.submit(p).says("#result", "The shopper has more time to pay.")
	})
}

// What cannot be done in a state is a sentence with the reason and what to do instead.
func TestImpossible(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	open, part, captured, cancelled, refunded := d.buy(), d.buy(), d.buy(), d.buy(), d.buy()
	ada.act(part, "capture", "what", "lines", mugField, "1", jamField, "0", deliveryField, "0")
	ada.act(captured, "capture")
	ada.act(cancelled, "cancel")
	ada.act(refunded, "capture")
	ada.act(refunded, "refund", "what", "all")
	pending := d.buyIn("GB", "en-GB", fakeklarna.Buy{}, "postal_code", "SW1A 1AA", "email", "ada+pend-accept-30@example.com")
	for _, tc := range []struct {
		name, number, action, want string
	}{
		{"refund of nothing", open.Number, "refund", "Refund is not possible: nothing of this order is captured, so nothing was paid. Cancel it instead."},
		{"release of all", open.Number, "release", "Release is not possible: nothing of this order is captured. Cancel it instead."},
		{"message about nothing", open.Number, "send-out", "nothing of this order is captured. Capture it first."},
		{"due date of nothing", open.Number, "extend-due-date", "nothing of this order is captured. Capture it first."},
		{"cancel of a part", part.Number, "cancel", "Cancellation is not possible: part of this order is captured. Refund it instead."},
		{"cancel of all", captured.Number, "cancel", "Cancellation is not possible: this order is captured. Refund it instead."},
		{"capture twice", captured.Number, "capture", "Capture is not possible: all of this order is captured."},
		{"release of nothing", captured.Number, "release", "all of this order is captured."},
		{"extend of captured", captured.Number, "extend", "all of this order is captured."},
		{"lines of captured", captured.Number, "lines", "all of this order is captured."},
		{"refund twice", refunded.Number, "refund", "Refund is not possible: all that was captured is refunded."},
		{"references of cancelled", cancelled.Number, "references", "this order is cancelled."},
		{"address of cancelled", cancelled.Number, "shipping-address", "this order is cancelled."},
		{"capture while checked", pending.Number, "capture", "Capture is not possible: Klarna is still checking this order. Do not send the goods."},
	} {
		p := ada.look("/admin/orders/" + tc.number + "/" + tc.action)
		if p.StatusCode != http.StatusConflict {
			t.Errorf("%s: got %d", tc.name, p.StatusCode)
		}
		p.says("main", tc.want)
		if p.has("main form") {
			t.Errorf("%s: there is a form all the same", tc.name)
		}
	}
	if p := ada.look("/admin/orders/SK-AAAA-AAAA/capture"); p.StatusCode != http.StatusNotFound {
		t.Errorf("unknown order: %d", p.StatusCode)
	}
	d.Fake.Advance(40 * 24 * time.Hour)
	p := ada.look("/admin/orders/" + open.Number + "/capture")
	p.says("main", "Capture is not possible: this order was not captured in time and has expired. Ask the shopper to order again.")
}

// Forms that are none, and addresses of the second page, do no harm.
func TestNoForm(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, ada := d.buy(), d.clerk("ada")
	at := "/admin/orders/" + o.Number + "/capture"
	if p := ada.look(at + "/confirm"); p.Request.URL.Path != at {
		t.Errorf("the second page by GET leads to %s", p.Request.URL)
	}
	ada.Header.Set("Sec-Fetch-Site", "cross-site")
	if p := ada.submit(ada.look(at)); p.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site: %d", p.StatusCode)
	}
	ada.Header.Del("Sec-Fetch-Site")
	if p := ada.send("POST", at, nil); p.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("an empty form: %d", p.StatusCode)
	}
	big := ada.open(o, "capture").fields("description", strings.Repeat("x", 600<<10))
	if p := ada.send("POST", at, big); p.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of 600 KiB: %d", p.StatusCode)
	}
	d.amounts(o, all, 0, 0)
}

// Every kind of action has a form that can be opened from the order's page.
func TestLinksOfTheOrder(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, ada := d.buy(), d.clerk("ada")
	ada.act(o, "capture", "what", "lines", mugField, "1", jamField, "0", deliveryField, "0")
	links := map[string]bool{}
	ada.look("/admin/orders/" + o.Number).Find("aside a").Each(func(_ int, a *goquery.Selection) {
		href := a.AttrOr("href", "")
		if action, ok := strings.CutPrefix(href, "/admin/orders/"+o.Number+"/"); ok {
			links[action] = true
			ada.open(o, action)
		}
	})
	for _, want := range []string{"capture", "refund", "release", "extend", "lines", "references", "shipping-address", "shipping-info", "send-out", "extend-due-date"} {
		if !links[want] {
			t.Errorf("no link to %s, only %v", want, slices.Sorted(maps.Keys(links)))
		}
	}
}

// A shipment is corrected by a form that the order's page leads to; Klarna is told
// once more.
func TestCorrectShipment(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	o := d.buy()
	if p := ada.look("/admin/orders/" + o.Number + "/correct-shipment"); p.StatusCode != http.StatusConflict {
		t.Errorf("without a shipment: %d", p.StatusCode)
	}
	ada.act(o, "shipping-info", "carrier", "UPS", "tracking", "1", mugField, "3").says("#result", "Added the parcel.")
	ada.act(o, "shipping-info", "carrier", "DHL", "tracking", "2").says("#result", "Added the parcel.")
	page := ada.look("/admin/orders/" + o.Number)
	page.says(".parcels", "UPS 13 × Enamel mug, 35 cl, 1 × Cloudberry jam, 210 g For the whole order · Correct…")
	page.says(".parcels", "DHL 21 × Enamel mug, 35 cl For the whole order · Correct…")
	if p := d.clerk("bo").look("/admin/orders/" + o.Number); strings.Contains(p.part(".parcels"), "Correct") {
		t.Error("who may only look is offered to correct")
	}
	link, _ := page.Find(".parcels a").First().Attr("href")
	form := ada.look(link)
	if got := form.fields(); got.Get("tracking") != "1" || got.Get(mugField) != "3" {
		t.Errorf("the form of the first shipment says %v", got)
	}
	if p := ada.submit(form); p.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("nothing changed: %d", p.StatusCode)
	}
	if p := ada.submit(form, mugField, "4"); p.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("more than is in no other shipment: %d", p.StatusCode)
	}
	question := ada.submit(form, "tracking", "1Z", mugField, "2")
	question.says("main", "Tracking number 1 1Z What is in it 3 × Enamel mug, 35 cl, 1 × Cloudberry jam, 210 g 2 × Enamel mug, 35 cl, 1 × Cloudberry jam, 210 g")
	ada.submit(question).says("#result", "Corrected the shipment.")
	page = ada.look("/admin/orders/" + o.Number)
	page.says(".parcels", "UPS 1Z2 × Enamel mug, 35 cl")
	if got := d.managed(o.OrderID).ShippingInfo; len(got) != 3 || got[2].TrackingNumber != "1Z" {
		t.Errorf("Klarna has %+v", got)
	}
}
