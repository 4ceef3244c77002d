package backoffice_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

func TestCapture(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		fields   []string
		captured int64
		question []string // of the second page
		result   string   // of the order's page
		quantity map[string]int64
	}{
		{
			"all", nil, all,
			[]string{"Capture 774.00 SEK?", "All 3 lines.", "Captured 0.00 774.00", "Remaining 774.00 0.00", "It cannot be undone, only refunded."},
			"Captured 774.00 SEK. 0.00 remains.", map[string]int64{"MUG-1": 4, "JAM-1": 1, "mailboat": 1},
		},
		{
			"two of three lines", []string{"what", "lines", deliveryField, "0"}, all - 4900,
			[]string{"Capture 725.00 SEK?", "2 of 3 lines.", "49.00 SEK stays authorized until"},
			"Captured 725.00 SEK. 49.00 remains.", map[string]int64{"MUG-1": 4, "JAM-1": 1},
		},
		{
			"half of a line", []string{"what", "lines", mugField, "2", jamField, "", deliveryField, "1"}, 2*14900 + 4900,
			[]string{"Capture 347.00 SEK?", "2 of 3 lines, not all of each.", "427.00 SEK stays authorized until"},
			"Captured 347.00 SEK. 427.00 remains.", map[string]int64{"MUG-1": 2, "mailboat": 1},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newOffice(t)
			o, ada := d.buy(), d.clerk("ada")
			fields := append([]string{
				"carrier", "PostNord", "tracking", "SE123", "tracking_link", "https://track.example/SE123", "method", "Home",
				"description", "Sent today", "reference", "batch 7",
			}, tc.fields...)
			p := ada.submit(ada.open(o, "capture"), fields...)
			for _, want := range tc.question {
				p.says("main", want)
			}
			p.says("main", "Parcel: PostNord, SE123, https://track.example/SE123, To the door.")
			p = ada.submit(p)
			if p.StatusCode != http.StatusOK || p.Request.URL.Path != "/admin/orders/"+o.Number {
				t.Errorf("then %d at %s", p.StatusCode, p.Request.URL)
			}
			p.says("#result", tc.result)
			d.amounts(o, all, tc.captured, 0)
			capture := d.managed(o.OrderID).Captures[0]
			quantities := map[string]int64{}
			for _, line := range capture.OrderLines {
				quantities[line.Reference] = line.Quantity
			}
			if diff := cmp.Diff(tc.quantity, quantities); diff != "" {
				t.Errorf("lines of the capture (-want +got):\n%s", diff)
			}
			want := []fakeklarna.ShippingInfo{{ShippingCompany: "PostNord", ShippingMethod: "Home", TrackingNumber: "SE123", TrackingURI: "https://track.example/SE123"}}
			if diff := cmp.Diff(want, capture.ShippingInfo); diff != "" || capture.Description != "Sent today" || capture.Reference != "batch 7" {
				t.Errorf("capture %q %q, parcels (-want +got):\n%s", capture.Description, capture.Reference, diff)
			}
		})
	}
}

// What is captured part by part sums up to the whole, in a market with sales
// tax too, where each part takes its share of the tax.
func TestCaptureInParts(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	o := d.buyIn("US", "en-US", fakeklarna.Buy{}, "region", "CA", "postal_code", "94103")
	total := int64(o.OrderAmount)
	p := ada.open(o, "capture")
	if p.has(`[name="q:sales_tax:"]`) {
		t.Error("a quantity of the tax is asked for")
	}
	for range 3 {
		ada.act(o, "capture", "what", "lines", mugField, "1", jamField, "0", deliveryField, "0")
	}
	ada.act(o, "capture").says("#result", "0.00 remains.")
	d.amounts(o, total, total, 0)
	if got := len(d.managed(o.OrderID).Captures); got != 4 {
		t.Errorf("%d captures, want 4", got)
	}
}

func TestRefund(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		fields   []string
		refunded int64
		question []string
		result   string
		lines    map[string]int64 // reference → amount
	}{
		{
			"all", []string{"what", "all"}, all,
			[]string{"Refund 774.00 SEK?", "The shopper gets it back the way they paid.", "Can still be refunded 774.00 0.00"},
			"Refunded 774.00 SEK. 0.00 can still be refunded.", map[string]int64{"MUG-1": 4 * 14900, "JAM-1": 12900, "mailboat": 4900},
		},
		{
			"a line", []string{"what", "lines", jamField, "1"}, 12900, []string{"Refund 129.00 SEK?", "Refunded 0.00 129.00"},
			"Refunded 129.00 SEK. 645.00 can still be refunded.", map[string]int64{"JAM-1": 12900},
		},
		{
			"a line, back in stock", []string{"what", "lines", jamField, "1", "restock", "yes"}, 12900, []string{"The items go back in stock."},
			"Refunded 129.00 SEK.", map[string]int64{"JAM-1": 12900},
		},
		{
			"a line with a return fee", []string{"what", "lines", jamField, "1", "fee", "49,50"}, 12900 - 4950,
			[]string{"Refund 79.50 SEK?", "Return fee return-fee 1 −49.50"},
			"Refunded 79.50 SEK.", map[string]int64{"JAM-1": 12900, "return-fee": -4950},
		},
		{
			"all with a return fee", []string{"what", "all", "fee", "74"}, all - 7400, []string{"Refund 700.00 SEK?"},
			"Refunded 700.00 SEK.", map[string]int64{"MUG-1": 4 * 14900, "JAM-1": 12900, "mailboat": 4900, "return-fee": -7400},
		},
		{
			"an amount", []string{"what", "amount", "amount", "100.5"}, 10050, []string{"Refund 100.50 SEK?", "An amount, not for particular lines."},
			"Refunded 100.50 SEK.", map[string]int64{},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newOffice(t)
			o, ada := d.buy(), d.clerk("ada")
			ada.act(o, "capture")
			p := ada.submit(ada.open(o, "refund"), append([]string{"description", "Came back", "reference", "R-1"}, tc.fields...)...)
			for _, want := range tc.question {
				p.says("main", want)
			}
			ada.submit(p).says("#result", tc.result)
			d.amounts(o, all, all, tc.refunded)
			refund := d.managed(o.OrderID).Refunds[0]
			lines := map[string]int64{}
			for _, line := range refund.OrderLines {
				lines[line.Reference] = line.TotalAmount
			}
			if diff := cmp.Diff(tc.lines, lines); diff != "" || refund.Description != "Came back" || refund.Reference != "R-1" {
				t.Errorf("refund %q %q, lines (-want +got):\n%s", refund.Description, refund.Reference, diff)
			}
		})
	}
}

// A return fee needs an order that was captured at once, and a market that has it.
func TestReturnFeeImpossible(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	o := d.buy()
	ada.act(o, "capture", "what", "lines", mugField, "1", jamField, "0", deliveryField, "0")
	p := ada.open(o, "refund")
	p.says("main", "No return fee can be kept: a return fee needs an order of which nothing remains to be captured.")
	if p.has("[name=fee]") {
		t.Error("a fee is asked for although it cannot be kept")
	}
	p = ada.submit(p, "what", "lines", mugField, "1", "fee", "10")
	if p.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a fee that was smuggled in: %d", p.StatusCode)
	}
	p.says(".errors", "A return fee needs an order of which nothing remains to be captured.")
	ada.act(o, "capture")
	ada.open(o, "refund").says("main", "No return fee can be kept: a return fee needs an order that was captured at once.")
	british := d.buyIn("GB", "en-GB", fakeklarna.Buy{}, "postal_code", "SW1A 1AA")
	ada.act(british, "capture")
	ada.open(british, "refund").says("main", "No return fee can be kept: Klarna does not offer it in GB.")
}

// Whatever is typed wrongly is said at its field, and all that was typed is still there.
func TestBadInput(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	open, captured := d.buy(), d.buy()
	ada.act(captured, "capture")
	long := strings.Repeat("x", 256)
	for _, tc := range []struct {
		name, action string
		fields       []string
		field, want  string
	}{
		{"no quantity", "capture", []string{"what", "lines", mugField, "two"}, mugField, "Enter a whole number from 0 to 4."},
		{"too many", "capture", []string{"what", "lines", mugField, "5"}, mugField, "Enter a whole number from 0 to 4."},
		{"less than none", "capture", []string{"what", "lines", mugField, "-1"}, mugField, "Enter a whole number from 0 to 4."},
		{"huge", "capture", []string{"what", "lines", mugField, "99999999999999999999"}, mugField, "Enter a whole number from 0 to 4."},
		{"nothing", "capture", []string{"what", "lines", mugField, "0", jamField, "0", deliveryField, ""}, "what", "Enter a quantity of at least one line."},
		{"all, but a quantity", "capture", []string{"what", "all", mugField, "1"}, "what", "You entered quantities."},
		{"no choice", "capture", []string{"what", "some"}, "what", "Choose what to capture or refund."},
		{"no carrier", "capture", []string{"tracking", "SE1"}, "carrier", "Enter the carrier"},
		{"long carrier", "capture", []string{"carrier", long}, "carrier", "The carrier has 256 characters, at most 100 can be sent."},
		{"no link", "capture", []string{"carrier", "UPS", "tracking_link", "javascript:alert(1)"}, "tracking_link", "The tracking link must be an address that begins with https://."},
		{"no method", "capture", []string{"carrier", "UPS", "method", "Balloon"}, "method", "Delivery: choose one of the list."},
		{"long description", "capture", []string{"description", long}, "description", "The description has 256 characters, at most 255 can be sent."},
		{"control character", "capture", []string{"reference", "a\x00b"}, "reference", "The reference has a character that cannot be sent."},
		{"no amount", "refund", []string{"what", "amount", "amount", "many"}, "amount", "The amount must be an amount such as 229.00."},
		{"amount of 0", "refund", []string{"what", "amount", "amount", "0"}, "amount", "The amount must be an amount such as 229.00."},
		{"negative amount", "refund", []string{"what", "amount", "amount", "-5"}, "amount", "The amount must be an amount such as 229.00."},
		{"amount too high", "refund", []string{"what", "amount", "amount", "774.01"}, "amount", "The amount is more than the 774.00 SEK that can be refunded. Lower the amount."},
		{"amount beside lines", "refund", []string{"what", "amount", "amount", "10", jamField, "1"}, "what", "You entered quantities."},
		{"lines beside an amount", "refund", []string{"what", "lines", "amount", "10", jamField, "1"}, "what", "You entered an amount."},
		{"fee above all", "refund", []string{"what", "lines", jamField, "1", "fee", "129"}, "fee", "The return fee must be less than the 129.00 SEK that are refunded."},
		{"fee of an amount", "refund", []string{"what", "amount", "amount", "10", "fee", "1"}, "fee", "A return fee is taken off lines."},
		{"nothing has changed", "lines", nil, mugField, "Nothing has changed."},
		{"nothing is left", "lines", []string{mugField, "0", jamField, "0", deliveryField, "0"}, mugField, "Nothing is left of the order. Cancel it instead."},
		{"two deliveries", "lines", []string{deliveryField, "2"}, deliveryField, "Enter a whole number from 0 to 1."},
		{"unknown item", "lines", []string{"add_sku", "NIX-1", "add_quantity", "1"}, "add_sku", `There is no item "NIX-1".`},
		{"item without a quantity", "lines", []string{"add_sku", "POT-1"}, "add_quantity", "Enter how many of POT-1 to add."},
		{"quantity without an item", "lines", []string{"add_quantity", "1"}, "add_sku", "There is no item"},
		{"item that is there", "lines", []string{"add_sku", "MUG-1", "add_quantity", "1"}, "add_sku", "MUG-1 is on the order already. Change its quantity instead."},
		{"more than Klarna takes", "lines", []string{"add_sku", "CLK-1", "add_quantity", "9999"}, "add_quantity", "That is more than Klarna takes."},
		{"the same references", "references", nil, "reference1", "Nothing has changed."},
		{"long reference", "references", []string{"reference2", long}, "reference2", "The second reference has 256 characters"},
		{"the same address", "shipping-address", nil, "street", "Nothing has changed."},
		{"no street", "shipping-address", []string{"street", " "}, "street", "Enter street and number."},
		{"no city", "shipping-address", []string{"city", ""}, "city", "Enter city."},
		{"unreachable", "shipping-address", []string{"postal_code", "999 99"}, "postal_code", "We cannot deliver to 999 99."},
		{"phone", "shipping-address", []string{"phone", "abc"}, "phone", "Enter a phone number such as"},
		{"long city", "shipping-address", []string{"city", strings.Repeat("x", 120)}, "city", "City has 120 characters, at most 99 can be sent."},
		{"postal code", "shipping-address", []string{"postal_code", "ABCDE"}, "postal_code", "Enter a postal code as they are in Sweden."},
		{"postal code of elsewhere", "shipping-address", []string{"postal_code", "1050"}, "postal_code", "Enter a postal code as they are in Sweden."},
		{"digits in a name", "shipping-address", []string{"family_name", "4711"}, "family_name", "Family name must have at least two letters"},
		{"one letter", "shipping-address", []string{"given_name", "A"}, "given_name", "Given name must have at least two letters"},
		{"no name", "shipping-address", []string{"given_name", ""}, "given_name", "Enter given name."},
		{"long street", "shipping-address", []string{"street", strings.Repeat("x", 100)}, "street", "Street and number has 100 characters, at most 99 can be sent."},
		{"long attention", "shipping-address", []string{"attention", strings.Repeat("x", 100)}, "attention", "at most 99 can be sent."},
		{"bad e-mail", "shipping-address", []string{"email", "ada at home"}, "email", "Enter an e-mail address such as ada@example.com."},
		{"no parcel", "shipping-info", nil, "carrier", "Enter the carrier."},
		{"unknown capture", "shipping-info", []string{"carrier", "UPS", "capture", "1"}, "capture", "What it is for: choose one of the list."},
		{"no capture", "send-out", []string{"capture", ""}, "capture", "Choose a capture."},
		{"an offer that is none", "extend-due-date", []string{"days", "1000"}, "days", "Choose one of the offers."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := open
			if strings.Contains("refund send-out extend-due-date", tc.action) || tc.field == "capture" {
				o = captured
			}
			before := len(d.Fake.Requests(o.OrderID))
			p := ada.open(o, tc.action)
			got := ada.submit(p, tc.fields...)
			if got.StatusCode != http.StatusUnprocessableEntity {
				t.Fatalf("got %d\n%s", got.StatusCode, got.part("main"))
			}
			got.says(".errors", tc.want)
			if title := got.Find("title").Text(); !strings.HasPrefix(title, "Error: ") {
				t.Errorf("title = %q", title)
			}
			field := got.Find(`main [name="` + tc.field + `"]`).First()
			id := field.AttrOr("id", "")
			if field.AttrOr("aria-invalid", "") != "true" && field.AttrOr("type", "") != "radio" {
				t.Errorf("field %s is not marked", tc.field)
			}
			if !got.has(`.errors a[href="#`+id+`"]`) || !got.has("#"+id+"-err") {
				t.Errorf("field %s (%s) has no error or no link from the summary", tc.field, id)
			}
			for i := 0; i < len(tc.fields); i += 2 {
				typed := strings.ReplaceAll(tc.fields[i+1], "\x00", "\ufffd") // HTML has no such character
				field := got.Find(`input[name="` + tc.fields[i] + `"]:not([type=radio])`)
				if kept := field.AttrOr("value", ""); field.Length() > 0 && kept != typed {
					t.Errorf("%s = %q was typed, and is %q now", tc.fields[i], typed, kept)
				}
			}
			for _, call := range d.Fake.Requests(o.OrderID)[before:] {
				if call.Method != http.MethodGet {
					t.Errorf("Klarna was asked: %s %s", call.Method, call.Path)
				}
			}
		})
	}
}
