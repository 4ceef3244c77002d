package storefront_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/mail"
)

// Number and e-mail address together lead to an order; either alone gives nothing, and whoever
// guesses gets one answer, whether there is such an order or not, also once a guess is right.
func TestFindOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	bought := b.open(s)
	b.Get(s.buyAs(bought.OrderID, eva))
	o := s.placed(bought.OrderID)
	guest := s.browser()
	if page := guest.Get("/orders"); page.StatusCode != http.StatusOK || !strings.Contains(page.Text, `action="/orders"`) {
		t.Fatalf("the form: got %d", page.StatusCode)
	}
	got := guest.Post("/orders", "number", " "+strings.ToLower(o.Number), "email", "Eva.Berg@example.com ")
	if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/orders/"+o.Number+"?key="+o.Key {
		t.Errorf("right: got %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	answer := func(number, email string) string {
		page := guest.Post("/orders", "number", number, "email", email)
		if page.StatusCode != http.StatusUnprocessableEntity || strings.Contains(page.Text, o.Key) || strings.Contains(page.Text, "Havnegata") {
			t.Errorf("%s, %s: got %d", number, email, page.StatusCode)
		}
		text := strings.ReplaceAll(page.Text, number, "NUMBER")
		_, text, _ = strings.Cut(text, "<main")
		text, _, _ = strings.Cut(text, "</main>")
		return text
	}
	unknown := answer("SK-2222-2222", "ada@example.com")
	for range 4 {
		if wrong := answer(o.Number, "ada@example.com"); wrong != unknown {
			t.Errorf("a wrong address is answered otherwise than an unknown number:\n%s\n%s", wrong, unknown)
		}
	}
	answer(o.Number, "")
	if strings.Replace(answer(o.Number, "eva.berg@example.com"), "eva.berg", "ada", 1) != unknown {
		t.Error("the right address is answered after too many wrong ones")
	}
	for range 20 {
		answer("SK-3333-3333", "ada@example.com")
	}
	if log := s.Log.String(); strings.Contains(log, "eva.berg") || strings.Contains(log, o.Key) {
		t.Error("the log has the address or the key")
	}
}

// The form takes the longest address that an order can have.
func TestFindOrderLongest(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	email := "eva@" + strings.Repeat(strings.Repeat("x", 48)+".", 5) + "se"
	email += strings.Repeat("e", 254-len(email))
	most, err := strconv.Atoi(parsed(t, s.browser().Get("/orders")).Find("#email").AttrOr("maxlength", ""))
	if err != nil || !mail.Writable(email) || mail.Writable(email+"x") || most < len(email) {
		t.Errorf("at most %d of %d, %v", most, len(email), err)
	}
}
