package storefront_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// statement is what the form on a page would send.
func statement(t *testing.T, page shoptest.Answer) url.Values {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(page.Text))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	doc.Find("form.wd input").Each(func(_ int, in *goquery.Selection) { form.Set(in.AttrOr("name", ""), in.AttrOr("value", "")) })
	return form
}

// The whole way of a withdrawal without a script: found by number and e-mail address, stated in
// two steps, acknowledged on a page that can be kept; some goods first, then the rest. Who
// presses twice has withdrawn once, and who guesses gets nothing.
func TestWithdrawal(t *testing.T) {
	t.Parallel()
	a := bought(t)
	b := a.browser()
	o := a.order
	path, email := "/orders/"+o.Number+"/withdrawal", o.BillingAddress.Email
	stated := func() []order.Withdrawal { t.Helper(); return a.placed(o.OrderID).Withdrawals }
	happened := func(what string, args ...any) int64 {
		t.Helper()
		return a.Number(what, args...)
	}

	// Who has no key learns nothing.
	unknown := b.Get("/orders/SK-2222-2222/withdrawal?key=" + o.Key)
	for _, at := range []string{path, path + "?key=X", path + "/AAAAAAAAAAAAAAAAAAAAAAAAAA?key=X"} {
		if got := b.Get(at); got.StatusCode != http.StatusNotFound || strings.Contains(got.Text, o.Number+"<") || unknown.StatusCode != got.StatusCode {
			t.Errorf("%s: got %d", at, got.StatusCode)
		}
	}
	if got := b.Post(path, "key", "X", "name", "Ada", "email", "ada@example.com"); got.StatusCode != http.StatusNotFound {
		t.Errorf("a statement without the key: got %d", got.StatusCode)
	}

	// The ways to the function.
	says(t, b.Get("/"), `<a href="/withdrawal">Frånträd avtalet här</a>`)
	says(t, b.Get("/orders/"+o.Number+"?key="+o.Key), `href="`+path+"?key="+o.Key+`"`)
	says(t, b.Get("/withdrawal?number="+o.Number), `value="`+o.Number+`"`)
	if got := b.Post("/withdrawal", "number", o.Number, "email", "x"+email); got.StatusCode != http.StatusUnprocessableEntity || strings.Contains(got.Text, o.Key) {
		t.Errorf("a wrong address: got %d", got.StatusCode)
	}
	got := b.Post("/withdrawal", "number", o.Number, "email", email)
	if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != path+"?key="+o.Key {
		t.Fatalf("number and address: got %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	page := b.Get(got.Header.Get("Location"))
	form := statement(t, page)
	if form.Get("name") != o.BillingAddress.Name() || form.Get("email") != email || form.Get("q:physical:MUG-1") != "3" || form.Get("q:physical:JAM-1") != "1" {
		t.Fatalf("the form has %v", form)
	}
	says(t, page, "utan att ange något skäl, till och med 14\u00a0dagar efter att du har fått varorna.")

	// What is wrong is told, and nothing is stored.
	for name, value := range map[string]string{"name": " ", "email": "ada@", "q:physical:MUG-1": "4", "q:physical:JAM-1": "-1"} {
		wrong := url.Values{}
		for k := range form {
			wrong.Set(k, form.Get(k))
		}
		wrong.Set(name, value)
		wrong.Set("id", strings.Repeat("A", 26)) // as if it were confirmed
		if got := b.Submit(path, wrong); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.Text, `class="es"`) || !strings.Contains(got.Text, `aria-invalid="true"`) {
			t.Errorf("%s %q: got %d", name, value, got.StatusCode)
		}
	}
	if got := b.Post(path, "key", o.Key, "id", "x"); got.StatusCode != http.StatusBadRequest {
		t.Errorf("a made-up ID: got %d", got.StatusCode)
	}

	// The first step shows what is stated, the second one sends it.
	form.Set("q:physical:MUG-1", "2")
	form.Set("q:physical:JAM-1", "0")
	page = b.Submit(path, form)
	says(t, page, "Bekräfta frånträdet")
	confirm := statement(t, page)
	if page.StatusCode != http.StatusOK || len(stated()) > 0 || confirm.Get("id") == "" || confirm.Get("q:physical:MUG-1") != "2" {
		t.Fatalf("the second step: got %d, %v, %d statements", page.StatusCode, confirm, len(stated()))
	}
	confirm.Set("change", "1")
	if back := b.Submit(path, confirm); statement(t, back).Get("q:physical:MUG-1") != "2" || len(stated()) > 0 {
		t.Error("the way back has lost what was typed, or has sent it")
	}
	confirm.Del("change")
	answers := make(chan shoptest.Answer, 4)
	for range cap(answers) {
		go func() {
			answer, _ := b.Try(t.Context(), http.MethodPost, path, shoptest.FormType, confirm.Encode())
			answers <- answer
		}()
	}
	location := path + "/" + confirm.Get("id") + "?key=" + o.Key
	for range cap(answers) {
		if got := <-answers; got.Response == nil || got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != location {
			t.Fatalf("confirmed: %+v", got)
		}
	}
	list := stated()
	if len(list) != 1 || len(list[0].Lines) != 1 || list[0].Lines[0].Quantity != 2 || list[0].Email != email || time.Since(list[0].At) > time.Minute {
		t.Fatalf("stored: %+v", list)
	}
	if !a.placed(o.OrderID).Flagged(order.WithdrawalRequested) {
		t.Error("the order is not flagged")
	}
	page = b.Get(location)
	says(t, page, "2 × "+list[0].Lines[0].Name)
	says(t, page, "Skriv ut eller spara sidan")
	if strings.Contains(page.Text, "Vi skickar också") {
		t.Error("without a mail server the page promises a mail")
	}
	file := b.Get(location + "&file=1")
	if !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") {
		t.Error("the file is no attachment")
	}
	for _, want := range []string{o.Number, o.BillingAddress.Name(), email, "2 × ", list[0].At.In(market.EEAZone("SE")).Format("2006-01-02, 15:04")} {
		if !strings.Contains(file.Text, want) || !strings.Contains(html.UnescapeString(page.Text), want) {
			t.Errorf("the acknowledgement does not say %q:\n%s", want, file.Text)
		}
	}
	says(t, b.Get("/orders/"+o.Number+"?key="+o.Key), "Du frånträdde avtalet")

	// The rest, and then there is nothing.
	form = statement(t, b.Get(path+"?key="+o.Key))
	if form.Get("q:physical:MUG-1") != "1" || form.Get("q:physical:JAM-1") != "1" {
		t.Fatalf("left are %v", form)
	}
	confirm = statement(t, b.Submit(path, form))
	if got := b.Submit(path, confirm); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("the rest: got %d", got.StatusCode)
	}
	confirm.Set("id", strings.Repeat("B", 26))
	if got := b.Submit(path, confirm); got.StatusCode != http.StatusUnprocessableEntity || len(stated()) != 2 {
		t.Errorf("once more: got %d, %d statements", got.StatusCode, len(stated()))
	}
	says(t, b.Get(path+"?key="+o.Key), "Du har frånträtt allt som du kan frånträda.")
	if n := happened("select count(*) from events where type = 'order.withdrawal_requested'"); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
	if n := happened("select count(*) from audit where entry like '%\"withdrawal\"%'"); n != 2 {
		t.Errorf("%d entries of the timeline, want 2", n)
	}
	if log := a.Log.String(); strings.Contains(log, email) || strings.Contains(log, o.Key) {
		t.Error("the log has the address or the key")
	}

	// A shop without pages of its own has these all the same.
	_, alone := a.Listen(func(c *shop.Config) {
		c.Published = shoptest.Published(func(s *settings.Shop) { s.Storefront = false })
		c.Team = nil
	})
	b = &browser{*a.BrowserAt(alone)}
	page = b.Get("/withdrawal")
	says(t, page, "Frånträd avtalet här")
	if strings.Contains(page.Text, `href="/cart"`) || strings.Contains(page.Text, `href="/orders"`) || b.Get("/orders").StatusCode != http.StatusNotFound {
		t.Error("the page leads to pages that are not there")
	}
	if got := b.Post("/withdrawal", "number", o.Number, "email", email); got.StatusCode != http.StatusSeeOther || b.Get(got.Header.Get("Location")).StatusCode != http.StatusOK {
		t.Errorf("without a storefront: got %d", got.StatusCode)
	}
}

// After its last day a statement is not taken; the page says who to write to.
func TestWithdrawalTooLate(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("EBK-1", "1")
	bought := b.open(s)
	b.Get(s.buy(bought.OrderID))
	o := s.placed(bought.OrderID)
	path := "/orders/" + o.Number + "/withdrawal"
	confirm := statement(t, b.Submit(path, statement(t, b.Get(path+"?key="+o.Key))))
	if confirm.Get("id") == "" {
		t.Fatal("it cannot be stated in time")
	}
	s.older(o.OrderID, 20*24*time.Hour)
	got := b.Submit(path, confirm)
	says(t, got, "Ångerfristen gick ut")
	says(t, got, "mailto:"+s.Published.Now().Shop.Contact.Email)
	if got.StatusCode != http.StatusUnprocessableEntity || len(s.placed(o.OrderID).Withdrawals) > 0 {
		t.Errorf("got %d", got.StatusCode)
	}
}
