package backoffice_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/order"
)

// Staff write notes for one another: each once, seen by all staff and by nobody else, gone when the order is
// erased. The page leads on to the orders beside it in the list that was looked at last, and to the customer's others.
func TestNotesAndNeighbours(t *testing.T) {
	o := newOffice(t)
	first, second, third := o.sale(1, "email", "eva@example.com"), o.sale(1, "email", "bo@example.com"), o.sale(1, "email", "eva@example.com")
	ada, bo := o.clerk("ada"), o.clerk("bo")
	at := "/admin/orders/" + second.Number
	note := url.Values{"key": {uuid.NewString()}, "note": {"Rang Eva:\r\nleave it at <b>number 7</b>."}}
	for range 2 {
		if got := ada.Submit(at, note); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d %s", got.StatusCode, got.Text)
		}
	}
	many := url.Values{"key": {uuid.NewString()}, "note": {"Called back."}}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { ada.Submit("/admin/orders/"+third.Number, many) })
	}
	wg.Wait()
	if notes := bo.look("/admin/orders/" + third.Number).texts(".written li"); len(notes) != 1 {
		t.Errorf("sent many times at once: notes %q", notes)
	}
	page := bo.look(at)
	if notes := page.texts(".written li"); len(notes) != 1 || !strings.Contains(notes[0], "leave it at <b>number 7</b>.") || !strings.HasPrefix(notes[0], "ada") {
		t.Errorf("notes %q", notes)
	}
	page.says("[aria-labelledby=h-timeline]", "ada wrote a note")
	if page.has("#f-note") || bo.Submit(at, note).StatusCode != http.StatusForbidden {
		t.Error("who may only look may write")
	}
	for name, form := range map[string]url.Values{
		"nothing": {"key": {uuid.NewString()}, "note": {" \n"}}, "too long": {"key": {uuid.NewString()}, "note": {strings.Repeat("å", 2001)}}, "a control character": {"key": {uuid.NewString()}, "note": {"a\x00b"}},
	} {
		got := ada.send("POST", at, form)
		if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.part("main"), "Enter a note of at most 2000 characters.") {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
		if name == "too long" && got.Find("#f-note").Text() != form.Get("note") {
			t.Error("what was typed is gone")
		}
	}
	if got := ada.Submit(at, url.Values{"key": {"k"}, "note": {"x"}}); got.StatusCode != http.StatusBadRequest {
		t.Errorf("without a key: %d", got.StatusCode)
	}

	beside := func(c clerk, number string) [2]string {
		p := c.look("/admin/orders/" + number)
		return [2]string{p.Find("a[rel=prev]").AttrOr("href", ""), p.Find("a[rel=next]").AttrOr("href", "")}
	}
	if got, want := beside(ada, second.Number), [2]string{"/admin/orders/" + third.Number, "/admin/orders/" + first.Number}; got != want {
		t.Errorf("beside the second are %q, want %q", got, want)
	}
	ada.look("/admin/?q=eva@example.com&sort=placed")
	if got, want := beside(ada, first.Number), [2]string{"", "/admin/orders/" + third.Number}; got != want {
		t.Errorf("in the list of Eva's orders, beside the first are %q, want %q", got, want)
	}
	from := ada.look("/admin/orders/" + first.Number)
	if list := from.Find(".crumb a").AttrOr("href", ""); !strings.Contains(list, "sort=placed") || strings.Contains(list, "eva") {
		t.Errorf("back to %q", list)
	}
	if others := from.texts(".others li"); len(others) != 1 || !strings.Contains(others[0], third.Number) {
		t.Errorf("the customer's other orders: %q", others)
	}

	o.do(second.OrderID, order.Command{Action: "cancel"})
	if _, err := o.Book.Erase(t.Context(), second.OrderID, order.BySystem); err != nil {
		t.Fatal(err)
	}
	page = ada.look(at)
	if strings.Contains(page.Text, "number 7") || page.has("#f-note") || o.Text("select count(*) from audit where entry like '%number 7%'") != "0" {
		t.Errorf("the note of an erased order is still there: %s", page.part("main"))
	}
	if got := ada.Submit(at, url.Values{"key": {uuid.NewString()}, "note": {"x"}}); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a note about an erased order: %d", got.StatusCode)
	}
}
