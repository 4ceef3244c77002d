package backoffice_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/order"
)

// copies stores an order n times more, each with a number and an ID of its own.
func (o *office) copies(s order.Order, n int) {
	o.T.Helper()
	const columns = `cart_id, reference, merchant_reference1, merchant_reference2, status, pending, country, currency, order_amount, captured_amount, refunded_amount,
		acknowledged, placed_at, updated_at, due_at, read_at, erased_at, revision, state, rejected, expiring, to_ship, flagged, found_revision, words_revision`
	if err := o.DB.Tx(o.T.Context(), func(tx *sql.Tx) error {
		for i := range n {
			id, number := uuid.NewString(), fmt.Sprintf("SK-%04d-2222", 2000+i)
			if _, err := tx.ExecContext(o.T.Context(), `insert into orders (id, number, order_id, record, `+columns+`)
				select $2, $3, $4, replace(replace(replace(record, id, $2), number, $3), order_id, $4), `+columns+` from orders where order_id = $1`,
				s.OrderID, "ord_"+id, number, id); err != nil {
				return err
			}
			if _, err := tx.ExecContext(o.T.Context(), "insert into order_words (word, placed_at, order_id) select word, placed_at, $2 from order_words where order_id = $1", s.ID, "ord_"+id); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		o.T.Fatal(err)
	}
}

// Staff type a search, set filters and an order, page on and go back; what they set stays set,
// and no address says whom they looked for.
func TestFindInBrowser(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.sale(1)
	s := o.sale(1, "family_name", "Rosenkvist")
	s = o.do(s.OrderID, order.Command{Action: aftersale.Cancel.Name})
	o.copies(s, 54)
	p := browsertest.Open(t, browsertest.Options{Width: 1280, Height: 900})
	o.enter(p)
	shows := func(when string, rows int, found, search, status, sort string) {
		t.Helper()
		p.Wait(when, `(rows, found) => document.querySelectorAll("tbody tr").length === rows && document.querySelector(".pager p").textContent.includes(found)`, rows, found)
		got := p.MustEval(`() => ["q", "status", "sort"].map((id) => document.getElementById(id).value).join(" ")`).Str()
		if want := strings.Join([]string{search, status, sort}, " "); got != want {
			t.Errorf("%s: the forms say %q, want %q", when, got, want)
		}
		if at := p.MustInfo().URL; strings.Contains(strings.ToLower(at), "rosen") {
			t.Errorf("%s: the address is %s", when, at)
		}
	}
	shows("all orders", 50, "56 orders", "", "", "")
	p.MustElement("#q").MustInput("ROSENK")
	p.MustElement(".search button").MustClick()
	shows("the search", 50, "55 orders", "ROSENK", "", "")
	p.MustElement("#status").MustSelect("Cancelled")
	p.MustElement("#country").MustSelect("Sweden")
	p.MustElement("#sort").MustSelect("Highest amount")
	p.MustElement(".filter button").MustClick()
	p.Wait("the filtered list", `() => document.querySelectorAll(".chips li").length === 4`)
	shows("the filters", 50, "55 orders", "ROSENK", "CANCELLED", "-amount")
	p.Picture("list with filters")
	p.As(browsertest.Options{Width: 500, Height: 900})
	p.Picture("list with filters, narrow")
	if row := p.MustElement("tbody tr").MustText(); !strings.Contains(row, "675.00\u00a0SEK") {
		t.Errorf("a narrow row does not say of which currency its total is: %q", row)
	}
	p.As(browsertest.Options{Width: 1280, Height: 900})
	p.MustElement("a[rel=next]").MustClick()
	shows("the next page", 5, "55 orders", "ROSENK", "CANCELLED", "-amount")
	p.MustElement("a[rel=prev]").MustClick()
	shows("the page before", 50, "55 orders", "ROSENK", "CANCELLED", "-amount")
	p.MustNavigateBack()
	shows("back", 5, "55 orders", "ROSENK", "CANCELLED", "-amount")
	p.MustElementR(".views a", "Rejected").MustClick()
	p.Wait("that none match", `() => document.querySelector(".none")?.textContent.includes("No orders match.")`)
	p.MustNavigateBack()
	shows("back again", 5, "55 orders", "ROSENK", "CANCELLED", "-amount")
	p.MustElementR(".chips a", "Search").MustClick()
	shows("without the search", 50, "55 orders", "", "CANCELLED", "-amount")
	p.Go(o.URL + "/admin/orders/" + s.Number + "/erase")
	p.Picture("erase, the question")
	p.As(browsertest.Options{Width: 500, Height: 900})
	p.Picture("erase, the question, narrow")
	p.MustElementR("button", "Erase for ever").MustClick()
	p.Wait("the order without its shopper", `() => document.querySelector("main").textContent.includes("Erased on") && !document.body.textContent.includes("Rosenkvist")`)
	p.Picture("erased, narrow")
	p.As(browsertest.Options{Width: 1280, Height: 900})
	p.Picture("erased")
}
