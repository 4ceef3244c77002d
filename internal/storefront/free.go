package storefront

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/web/templates"
)

// The checkout of a cart for which nothing is to be paid: a form of the shop's own, of
// which Klarna is told nothing.

// freeForm is that form when it comes back. The zero value is a fresh one.
type freeForm struct {
	status int
	typed  order.Typed
	wrong  []string // names of fields
	// unreached: by what the merchant's own server says of the place, which the cart does not go to.
	unreached bool
	notes     func(*view) []templates.Note
}

// fieldsOfFree returns the fields of the form: of a company, and of the address; of a person
// to whom nothing is shipped, where to write to. There is no other address for the goods: there
// is no bill.
func fieldsOfFree(m market.Market, form settings.Form, c cart.Cart, quote cart.Quote) []market.Field {
	company, fields, _ := asked(m, form, quote)
	switch {
	case form.CustomerType(c.CustomerType) == market.Organization:
		return append(company, fields...)
	case quote.Shipping == nil:
		return slices.DeleteFunc(fields, func(f market.Field) bool { return f.Name != "email" })
	}
	return fields
}

// boxName is the name of a checkbox in the form.
func boxName(id string) string { return "checkbox_" + id }

// boxValue is what a checkbox sends when it is ticked: a name of its text, so that nobody has agreed
// to one that was published after he was asked.
func boxValue(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// ticked are the answers of a form to the questions that it asks now, and the names of those
// without which nobody can buy.
func ticked(r *http.Request, asked []settings.Checkbox, locale string) (boxes []order.Checkbox, missing []string) {
	for _, box := range asked {
		text, _ := box.Text.In(i18n.LangOf(locale))
		yes := r.PostFormValue(boxName(box.ID)) == boxValue(text)
		boxes = append(boxes, order.Checkbox{ID: box.ID, Text: text, Checked: yes})
		if box.Required && !yes {
			missing = append(missing, boxName(box.ID))
		}
	}
	return boxes, missing
}

// boxes are the checkboxes of the form, ticked where they were when it was sent.
func (v *view) boxes(form freeForm) (boxes []templates.Box) {
	for _, box := range v.version.Shop.Checkout.Asked(v.cart.Country) {
		text, _ := box.Text.In(v.lang)
		name := boxName(box.ID)
		boxes = append(boxes, templates.Box{
			Name: name, Value: boxValue(text), HTML: box.HTML(v.lang), Required: box.Required, Wrong: slices.Contains(form.wrong, name),
			Ticked: slices.Contains(form.typed.Checkboxes, order.Checkbox{ID: box.ID, Text: text, Checked: true}),
		})
	}
	return boxes
}

// free shows the form beside the order, after a sync with the outcome Free.
func (s *Storefront) free(w http.ResponseWriter, r *http.Request, result kco.Result, form freeForm) {
	ctx := r.Context()
	var row checkoutsession.Session
	var err error
	if session.Claimed(ctx) != "" {
		row, _, err = s.CheckoutSessions.ByCart(ctx, result.Cart.ID)
	}
	abroad := result.Cart.ShipsAbroad() // the form is of the purchase country
	if err == nil && abroad {
		err = s.shipWithin(ctx, result.Cart.ID, s.fallback(r))
	}
	begun := false
	if err == nil {
		begun, err = s.beginAs(ctx, result.Cart.ID, row.Customer.Type, s.fallback(r))
	}
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	if abroad || begun {
		http.Redirect(w, r, withCodes(&url.URL{Path: base(ctx)}, reasonOf(r)), http.StatusSeeOther)
		return
	}
	respond.AllowOrigins(w, row.Origins(), "form-action") // a browser holds each hop of a form's answer against the policy of its page
	v := s.viewOf(r, result.Cart, result.Quote)
	var notes []templates.Note
	if form.notes != nil {
		v.countAnew(ctx)
		notes = form.notes(v)
	}
	shown, lineNotes, err := v.order()
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	page := templates.FreeView{Shell: v.shell(), Order: shown, OrderID: result.OrderID, CustomerTypes: v.form().CustomerTypes, CustomerType: v.form().CustomerType(result.Cart.CustomerType)}
	page.Notes = append(page.Notes, notes...)
	page.Notes = append(page.Notes, without(lineNotes, page.Notes)...)
	page.Fields = fieldsOf(fieldsOfFree(v.market, v.form(), result.Cart, result.Quote), result.Quote)
	page.Boxes = v.boxes(form)
	typed := typedIn(&form.typed.Address, &form.typed.Customer)
	for i := range page.Fields {
		f := &page.Fields[i]
		f.Value, f.Wrong = *typed[f.Name], slices.Contains(form.wrong, f.Name)
		if f.Wrong && (form.unreached || !reached(result.Quote, f.Name, f.Value)) {
			f.Unreached = f.Said()
		}
	}
	page.Anywhere = result.Quote.Shipping != nil && result.Quote.Shipping.Anywhere()
	for _, o := range result.Quote.Options {
		if o.ID != result.Quote.Shipping.ID {
			page.Options = append(page.Options, templates.DeliveryOption{ID: o.ID, Name: templates.Text{Text: o.Name}, Place: o.Location.Address.Line(), Price: v.price(o.Price)})
		}
	}
	respond.Page(w, r, max(form.status, http.StatusOK), templates.Free(page))
}

// freeAgain shows the form of the cart as it is now, or sends the shopper where the cart
// has its place.
func (s *Storefront) freeAgain(w http.ResponseWriter, r *http.Request, form freeForm) {
	result, err := s.sync(r, cartsync.OnlyFree, "")
	switch {
	case err != nil:
		s.errorPage(w, r, err, result.Cart.Locale)
	case result.Outcome == cartsync.Free:
		s.free(w, r, result, form)
	default:
		s.elsewhere(w, r, result.Outcome, result.OrderID, result.Cart, result.Quote)
	}
}

// placeFree places the order of a cart for which nothing is to be paid.
func (s *Storefront) placeFree(w http.ResponseWriter, r *http.Request) {
	err := respond.ParseForm(w, r, respond.ShopperLimit)
	if err == nil {
		_, notANumber := strconv.ParseInt(r.PostFormValue("revision"), 10, 64)
		if id := r.PostFormValue("order"); notANumber != nil || !cart.IsOwnOrder(id) || !kco.IsOrderID(id) {
			err = errBadRequest
		}
	}
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	s.Sessions.Locked(http.HandlerFunc(s.placeFreeLocked), s.lockError).ServeHTTP(w, r)
}

func (s *Storefront) placeFreeLocked(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	cartID, opened := s.opened(w, r)
	if !opened {
		return
	}
	orderID := r.PostFormValue("order")
	c, err := s.Carts.Get(ctx, cartID, s.fallback(r))
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	known, found, err := s.Book.ByOrderID(ctx, orderID)
	switch {
	case err != nil:
		s.errorPage(w, r, err, c.Locale)
		return
	case found && known.CartID == cartID: // the form was sent before
		s.placed(w, r, known, c)
		return
	}
	o, form, err := s.placeTyped(r, c)
	if err == nil {
		s.placed(w, r, o, c)
		return
	}
	f := failureOf(err)
	soldOut, short := errors.AsType[*cart.SoldOutError](err)
	form.status = f.status
	switch {
	case errors.Is(err, errBadAddress):
		form.status = http.StatusUnprocessableEntity
	case errors.Is(err, checkoutsession.ErrNotOpen): // a cart that has changed, for others
		s.ended(w, r, c)
		return
	case errors.Is(err, order.ErrCartChanged):
		form.notes = func(v *view) []templates.Note { return []templates.Note{templates.FreeChanged(v.voice)} }
	case short:
		form.status = http.StatusConflict
		form.notes = func(v *view) []templates.Note { return v.soldOut(soldOut.SKU) }
	case errors.Is(err, stock.ErrSold): // by another order, and closed now
		form.status, form.notes = http.StatusConflict, func(v *view) []templates.Note { return []templates.Note{templates.AlreadyBought(v.voice)} }
	default:
		s.errorPage(w, r, err, c.Locale)
		return
	}
	s.tell(r, f.code, nil)
	s.freeAgain(w, r, form)
}

// placed leads to the confirmation. That of a session goes on to the merchant's pages, and a browser holds whatever a form's
// answer redirects to against the policy of the form's page: so the answer is a page there, which goes on by itself.
func (s *Storefront) placed(w http.ResponseWriter, r *http.Request, o order.Order, c cart.Cart) {
	to := confirmationURL(o.Ref())
	if session.Claimed(r.Context()) == "" {
		http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // a path of ours
		return
	}
	w.Header().Set("Refresh", "0; url="+to)
	respond.Page(w, r, http.StatusOK, templates.Placed(templates.PlacedView{Shell: s.view(r, c).shell()}))
}

// placeTyped places the order that a form asks for, if the cart is still as the form's page
// showed it. The error is errBadAddress, with the wrong members of what was typed, or that
// of order.PlaceFree.
func (s *Storefront) placeTyped(r *http.Request, c cart.Cart) (order.Order, freeForm, error) {
	quote, err := s.Pricer.Offer(c.Contents)
	if err != nil {
		return order.Order{}, freeForm{}, err
	}
	m, _ := c.Market(quote.Version)
	form := freeForm{typed: order.Typed{Address: klarna.Address{Country: c.Country}}}
	to, by := &form.typed.Address, &form.typed.Customer
	rules := quote.Version.Shop.Checkout.Forms[c.Country]
	buyer := rules.CustomerType(c.CustomerType)
	if buyer == market.Organization {
		by.Type = market.Organization
	}
	var unticked []string
	form.typed.Checkboxes, unticked = ticked(r, quote.Version.Shop.Checkout.Asked(c.Country), c.Locale)
	fields, members := fieldsOfFree(m, rules, c, quote), typedIn(to, by)
	for _, f := range fields {
		*members[f.Name] = market.Clean(r.PostFormValue(f.Name))
	}
	revision, _ := strconv.ParseInt(r.PostFormValue("revision"), 10, 64) // it was read before
	if c.OrderID != r.PostFormValue("order") || c.Revision != revision || buyer != r.PostFormValue("customer_type") || !quote.Free() || c.ShipsAbroad() {
		return order.Order{}, form, order.ErrCartChanged
	}
	if form.wrong = append(wrongMembers(fields, quote, *to, *by), unticked...); len(form.wrong) > 0 {
		return order.Order{}, form, errBadAddress
	}
	if quote.Shipping != nil { // lines and delivery are those of the place
		shown := quote.Shown()
		c, quote, err = s.goesTo(r, c, quote, cart.Place{Region: to.Region, PostalCode: to.PostalCode})
		if form.unreached = errors.Is(err, errUnreached); form.unreached {
			form.wrong, err = []string{"postal_code"}, errBadAddress
		}
		if err != nil {
			return order.Order{}, form, err
		}
		if quote.Shown() != shown {
			return order.Order{}, form, order.ErrCartChanged
		}
		if form.wrong = wrongMembers(fields, quote, *to, *by); len(form.wrong) > 0 {
			return order.Order{}, form, errBadAddress
		}
	}
	o, err := s.Book.PlaceFree(r.Context(), c, quote, form.typed)
	return o, form, err
}

// goesTo has a cart go to the place that was typed, and prices it anew; a place like the one that it goes to changes nothing.
// The error is that of moved, or order.ErrCartChanged where the cart has changed meanwhile.
func (s *Storefront) goesTo(r *http.Request, c cart.Cart, quote cart.Quote, place cart.Place) (cart.Cart, cart.Quote, error) {
	if c.TaxedAs(place, quote.Version) && !quote.Unreached {
		return c, quote, nil
	}
	there, err := s.moved(r.Context(), c.ID, s.fallback(r), cart.Change{Place: &place}, func(now *cart.Cart) error {
		if now.Revision != c.Revision {
			return order.ErrCartChanged
		}
		return nil
	})
	if err != nil {
		return c, quote, err
	}
	quote, err = s.Pricer.Quote(there.Contents)
	return there, quote, err
}
