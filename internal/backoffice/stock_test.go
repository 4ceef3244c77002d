package backoffice_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/browsertest"
)

// Who clicks twice has changed the stock once, and sees no error.
func TestStockChangedOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	left := o.Left("MUG-1")
	s := o.screen(t, browsertest.Options{})
	s.office.enter(s.Page)
	s.Go(o.URL + "/admin/stock/MUG-1")
	s.MustElement("main [name=what]").MustSelect("There are more, by")
	s.fill("quantity", "5")
	s.fill("reason", "delivery 4711")
	busy := s.MustEval(`() => {
		const button = document.querySelector("[data-once] [type=submit]");
		button.click();
		button.click();
		return button.textContent + button.getAttribute("aria-disabled");
	}`).Str()
	if busy != "Changing…true" {
		t.Errorf("after a press the button says %q", busy)
	}
	s.Wait("the move", `() => document.querySelector("main .stocks:last-of-type").innerText.includes("delivery 4711")`)
	if got := s.MustElement("main").MustText(); strings.Contains(got, "has changed since") || o.Left("MUG-1") != left+5 {
		t.Errorf("%d are left, there were %d; the page says %s", o.Left("MUG-1"), left, got)
	}
}

// The stock is found by SKU and name, counted and adjusted with a reason, by who may and
// once; what is wrong changes nothing.
func TestStock(t *testing.T) {
	o := newOffice(t)
	cartID, orderID := o.checkout()
	o.Reserve(cartID, orderID, time.Now())
	o.bought(orderID)
	ada, bo := o.clerk("ada"), o.clerk("bo")
	left := o.Left("MUG-1")
	for q, found := range map[string]int{"mug-1": 1, "enamel+MUG": 1, "zebra": 0, "%25": 0} {
		if links := ada.look("/admin/stock?q=" + q).Find(".stocks a"); links.Length() != found || found > 0 && links.AttrOr("href", "") != "/admin/stock/MUG-1" {
			t.Errorf("%s: found %d, want %d", q, links.Length(), found)
		}
	}
	if got := ada.look("/admin/stock?after=MUG-1"); got.Find(`a[href="/admin/stock/MUG-1"]`).Length() != 0 || got.Find(".stocks a").Length() == 0 {
		t.Error("the next page does not go on")
	}
	page := ada.look("/admin/stock/MUG-1")
	seen := page.Find(`[name="seen"]`).AttrOr("value", "")
	send := func(who clerk, sku, what, quantity, reason string) int {
		t.Helper()
		return who.Submit("/admin/stock/"+sku, url.Values{"seen": {seen}, "what": {what}, "quantity": {quantity}, "reason": {reason}}).StatusCode
	}
	for _, tc := range []struct {
		who                         clerk
		sku, what, quantity, reason string
		status                      int
	}{
		{bo, "MUG-1", "more", "5", "delivery", http.StatusForbidden},
		{ada, "MUG-1", "more", "0", "delivery", http.StatusUnprocessableEntity},
		{ada, "MUG-1", "more", "-5", "delivery", http.StatusUnprocessableEntity},
		{ada, "MUG-1", "more", "1000001", "delivery", http.StatusUnprocessableEntity},
		{ada, "MUG-1", "more", "five", "delivery", http.StatusUnprocessableEntity},
		{ada, "MUG-1", "more", "5", " ", http.StatusUnprocessableEntity},
		{ada, "MUG-1", "more", "5", strings.Repeat("x", 201), http.StatusUnprocessableEntity},
		{ada, "MUG-1", "more", "5", "a\x00b", http.StatusUnprocessableEntity},
		{ada, "MUG-1", "other", "5", "delivery", http.StatusBadRequest},
		{ada, "MUG-1", "count", "1", "stocktaking", http.StatusUnprocessableEntity}, // three are sold
		{ada, "NO-1", "count", "1", "stocktaking", http.StatusNotFound},
	} {
		if got := send(tc.who, tc.sku, tc.what, tc.quantity, tc.reason); got != tc.status {
			t.Errorf("%s %s of %s, %q: got %d, want %d", tc.what, tc.quantity, tc.sku, tc.reason, got, tc.status)
		}
	}
	if now := o.Left("MUG-1"); now != left {
		t.Fatalf("%d are left, there were %d", now, left)
	}
	if got := send(ada, "MUG-1", "more", "5", "delivery 4711"); got != http.StatusSeeOther || o.Left("MUG-1") != left+5 {
		t.Errorf("five more: %d, %d are left", got, o.Left("MUG-1"))
	}
	if got := send(ada, "MUG-1", "more", "5", "delivery 4711"); got != http.StatusConflict || o.Left("MUG-1") != left+5 {
		t.Errorf("the same again: %d, %d are left", got, o.Left("MUG-1"))
	}
	ada.send("POST", "/admin/stock/MUG-1", url.Values{"seen": {seen}, "what": {"more"}, "quantity": {"5"}, "reason": {"delivery 4711"}}).
		says("#errors", "and send this if it is still right. The newest change: ada, +5, delivery 4711, ")
	page = bo.look("/admin/stock/MUG-1")
	if page.Find("form.act-form").Length() != 0 || !strings.Contains(page.Find(".stocks").Last().Text(), "delivery 4711") || !strings.Contains(page.Text, "Sold") {
		t.Errorf("what staff who may look see:\n%s", page.Text)
	}
	seen = ada.look("/admin/stock/MUG-1").Find(`[name="seen"]`).AttrOr("value", "")
	if got := send(ada, "MUG-1", "count", "100", "stocktaking"); got != http.StatusSeeOther {
		t.Errorf("counted: %d", got)
	}
	o.Levels("MUG-1", 100, 0, 3)
	seen = "100"
	if got := send(ada, "MUG-1", "fewer", "3", "broken"); got != http.StatusSeeOther {
		t.Errorf("three fewer: %d", got)
	}
	o.Levels("MUG-1", 97, 0, 3)
	for what, instead := range map[string]string{"fewer": "or enter fewer.", "count": "or enter more."} {
		got := ada.Submit("/admin/stock/MUG-1", url.Values{"seen": {"97"}, "what": {what}, "quantity": {map[string]string{"fewer": "95", "count": "2"}[what]}, "reason": {"broken"}})
		if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.Text, instead) {
			t.Errorf("%s, with less than is sold: %d, want %q", what, got.StatusCode, instead)
		}
	}
}
