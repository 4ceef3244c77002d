package backoffice

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/web/templates"
)

// oldTab is the verdict on a sale that was not the cart's current order.
var oldTab = templates.Note{
	ID: "old_tab", Kind: templates.Warn, Title: "Paid in an old tab.",
	Body: "This was not the current order. Check that the shopper did not pay twice.",
}

// lookAtCart compares a cart with its order, or with one that was asked for. The error
// is Redis's.
func (b *Backoffice) lookAtCart(ctx context.Context, s *subject, v *templates.InspectView) error {
	var c cart.Cart
	if s.cartID != "" {
		var err error
		if c, err = b.Syncer.Carts.Get(ctx, s.cartID, cart.Fallback{}); err != nil {
			return err
		}
		if err := b.cartFacts(ctx, &c, s, v); err != nil {
			return err
		}
	}
	id := s.orderID
	if id == "" {
		id = c.OrderID
	}
	say := func(kind templates.Kind, title, body string) {
		v.Notes = append(v.Notes, templates.Note{ID: "verdict", Kind: kind, Title: title, Body: body})
	}
	want, quote, err := b.Syncer.Wants.Want(c)
	empty := err == nil && quote.Empty()
	current := id == c.OrderID && id != ""
	switch {
	case id == "" && empty:
		say(templates.Info, "The cart is empty and has no open order.", "There is nothing to compare.")
		return nil
	case id == "":
		say(templates.Info, "The cart has no order yet.", "The shopper's next visit to the checkout makes one.")
		return nil
	case err != nil && s.cartID != "":
		say(templates.Bad, "The cart cannot become an order.", err.Error()+".")
		return nil
	}
	if cart.IsOwnOrder(id) {
		say(templates.Info, "There is nothing to pay.", "Klarna is not asked about such a cart: the shop has a form of its own.")
		return nil
	}
	if !current {
		say(templates.Warn, "This is not the current order of its cart.", "It was left behind, or its cart is gone.")
	}
	if s.checked == nil {
		s.checked = b.ask(ctx, id)
	}
	got := s.checked.order
	v.Facts = append(v.Facts, templates.InspectFact{Name: "Status at Klarna", Value: orUnknown(string(got.Status))})
	switch {
	case klarna.Status(s.checked.err) == http.StatusNotFound:
		say(templates.Warn, "Klarna does not have this order any more.", "It has expired. The shopper's next visit to the checkout makes a new one; nothing is made from here.")
		return nil
	case s.checked.err != nil:
		say(templates.Warn, "Klarna did not answer, so nothing could be compared.", silence(s.checked.err))
		return nil
	case got.Status == kco.StatusComplete:
		say(templates.Info, "Bought at Klarna, and not yet in the order book.", "The shop asks again by itself.")
	case got.Status != kco.StatusIncomplete:
		say(templates.Warn, "The order at Klarna has ended.", "It can be neither bought nor updated.")
	}
	if s.cartID == "" {
		return nil // there is nothing to compare it with
	}
	compared := compare(want, got.Content, kco.Differences(want, got), templates.InspectTable{Ours: "Cart"}, "in the cart")
	v.Table = &compared.table
	if got.Status == kco.StatusIncomplete {
		v.Notes = append(v.Notes, compared.verdict("Cart and order"))
		if current {
			v.SyncID = s.cartID
		}
	}
	return nil
}

// cartFacts tells what is known of a cart beside its lines.
func (b *Backoffice) cartFacts(ctx context.Context, c *cart.Cart, s *subject, v *templates.InspectView) error {
	fact := func(name, value, url string) {
		v.Facts = append(v.Facts, templates.InspectFact{Name: name, Value: value, URL: url})
	}
	fact("Cart", s.cartID, linkTo(s.cartID, v.Query))
	if s.orderID != "" {
		fact("KCO order", s.orderID, "")
	}
	if c.OrderID != s.orderID {
		fact("Current order", cmp.Or(c.OrderID, "none"), linkTo(c.OrderID, v.Query))
	}
	if c.SessionID != "" {
		fact("Session of Klarna Payments", c.SessionID, "")
	}
	fact("Revision", strconv.FormatInt(c.Revision, 10), "")
	fact("Market", c.Country+", "+c.Locale, "")
	approved, err := b.Syncer.Stock.OfCart(ctx, b.Book.DB.Read, s.cartID)
	if err != nil {
		return err
	}
	for _, a := range approved {
		if a.Sold {
			continue
		}
		fact("Purchase", "may be running since "+timeText(a.Made.In(b.zone())), linkTo(purchased(a.OrderID), v.Query))
	}
	for _, id := range c.Bought[max(0, len(c.Bought)-maxStories):] {
		bought, found, err := b.Book.ByOrderID(ctx, id)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		fact("Bought", bought.Number+", "+timeText(bought.PlacedAt.In(b.zone())), linkTo(bought.Number, v.Query))
		if bought.Flagged(order.NotCurrent) {
			note := oldTab
			note.Body = "Order " + bought.Number + " was not the current order. Check that the shopper did not pay twice."
			v.Notes = append(v.Notes, note)
		}
	}
	return nil
}

// purchased is the order that was approved, "" for one of Klarna Payments
// that is still being placed.
func purchased(orderID string) string {
	if payments.SessionOf(orderID) != "" {
		return ""
	}
	return orderID
}

// lookAtPlaced compares an order of the book with what Klarna has.
func (b *Backoffice) lookAtPlaced(ctx context.Context, s *subject, v *templates.InspectView) {
	o := s.placed.In(b.zone())
	called := "KCO order"
	switch {
	case o.Free():
		called = "Order of the shop's own"
	case payments.SessionOf(o.Origin) != "":
		called = "Order of Klarna Payments"
	}
	v.Facts = []templates.InspectFact{
		{Name: "Order number", Value: o.Number, URL: "/admin/orders/" + url.PathEscape(o.Number)},
		{Name: called, Value: o.Ref(), URL: linkTo(o.OrderID, v.Query)},
		{Name: "Cart", Value: orUnknown(o.CartID), URL: linkTo(o.CartID, v.Query)},
		{Name: "Placed", Value: timeText(o.PlacedAt)},
		{Name: "Status in the book", Value: string(o.Status)},
	}
	if o.Erased() {
		v.Facts = append(v.Facts, templates.InspectFact{Name: "Personal data", Value: erasedText(o)})
	}
	if o.Flagged(order.NotCurrent) {
		v.Notes = append(v.Notes, oldTab)
	}
	if o.Free() {
		v.Notes = append(v.Notes, templates.Note{ID: "verdict", Kind: templates.Info, Title: "Klarna never saw this order.", Body: "There was nothing to pay."})
		return
	}
	ctx, cancel := context.WithTimeout(observe.About(ctx, observe.Subject{Quiet: true}), lookTime)
	defer cancel()
	sold, err := b.Book.Management.GetOrder(ctx, o.OrderID)
	var tax = o.OrderTaxAmount
	if err == nil {
		_, tax, err = klarna.Sums(sold.OrderLines)
	}
	switch {
	case klarna.Status(err) == http.StatusNotFound:
		v.Notes = append(v.Notes, templates.Note{ID: "verdict", Kind: templates.Bad, Title: "Klarna does not know this order.", Body: "The book has it. Ask Klarna's support with the ID below."})
		return
	case err != nil:
		v.Notes = append(v.Notes, templates.Note{ID: "verdict", Kind: templates.Warn, Title: "Klarna did not answer, so nothing could be compared.", Body: silence(err)})
		return
	}
	v.Facts = append(v.Facts, templates.InspectFact{Name: "Status at Klarna", Value: string(sold.Status)})
	book := kco.Content{Sale: klarna.Sale{
		PurchaseCountry: o.PurchaseCountry, PurchaseCurrency: string(o.PurchaseCurrency),
		Lines: klarna.Lines{OrderAmount: o.OrderAmount, OrderTaxAmount: o.OrderTaxAmount, OrderLines: o.OrderLines},
	}}
	there := kco.Content{Sale: klarna.Sale{
		PurchaseCountry: sold.PurchaseCountry, PurchaseCurrency: sold.PurchaseCurrency,
		Lines: klarna.Lines{OrderAmount: sold.OrderAmount, OrderTaxAmount: tax, OrderLines: sold.OrderLines},
	}}
	names := kco.SaleDifferences(book, kco.Order{Content: there})
	compared := compare(book, there, names, templates.InspectTable{Ours: "Order book"}, "in the book")
	if o.Status != sold.Status {
		compared.words = append(compared.words, "the status is "+string(o.Status)+" in the book, "+string(sold.Status)+" at Klarna")
	}
	v.Table = &compared.table
	v.Notes = append(v.Notes, compared.verdict("Order book and Klarna"))
}

// silence says what is known of an answer that was none.
func silence(err error) string {
	status := klarna.Status(err)
	if status == 0 {
		return "There was no answer in time. What is shown is what the shop knows."
	}
	return "It answered " + strconv.Itoa(status) + ". What is shown is what the shop knows."
}
