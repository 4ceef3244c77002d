package backoffice

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/story"
	"github.com/shopd/shopd/web/templates"
)

const (
	// lookTime is how long the inspector waits for Klarna. After that it shows our copy.
	lookTime = 6 * time.Second
	maxLeft  = 100 // left-behind orders shown
	// maxStories is the largest number of a cart's orders whose story is shown.
	maxStories = 20
)

const (
	inspectPath = "/admin/inspect"
	syncPath    = inspectPath + "/sync"
)

func (b *Backoffice) inspectRoutes(r chi.Router) {
	r.Get(inspectPath, b.inspect)
	r.Post(syncPath, b.syncNow)
}

// inspect shows a cart or an order beside Klarna's copy, and its story. It changes nothing,
// and its own calls of Klarna are not part of the story.
func (b *Backoffice) inspect(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	v := templates.InspectView{Query: strings.TrimSpace(query.Get("q"))}
	if values, before := b.typed(w, r); before {
		v.Query = values.Get("cart")
		v.Notes = append(v.Notes, templates.Note{ID: "typed", Kind: typedNote.Kind, Title: typedNote.Title, Body: "Nothing was done yet."})
	}
	if n, ok := synced[query.Get("synced")]; ok {
		n.ID = "synced"
		v.Notes = append(v.Notes, n)
	}
	err := b.look(r.Context(), &v)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	title := "Inspector"
	if v.Query != "" {
		title += ": " + v.Query
	}
	b.page(w, r, http.StatusOK, title, navInspector, templates.AdminInspect(v))
}

// look fills the page. An error comes from Redis.
func (b *Backoffice) look(ctx context.Context, v *templates.InspectView) error {
	if v.Query == "" {
		left, total, err := b.Syncer.LeftBehind.List(ctx, maxLeft)
		v.LeftBehind, v.LeftTotal = leftView(left, b.zone()), int(total)
		if err != nil {
			return err
		}
		sessions, err := b.Book.PaymentsProblems(ctx)
		if len(sessions) > 0 {
			v.Notes = append(v.Notes, templates.Note{
				ID: "unsettled", Kind: templates.Bad, Title: "Klarna has placed an order that the book does not have.",
				Body: "Find it in Klarna's portal by the session of Klarna Payments: " + strings.Join(sessions, ", ") + ". Klarna's push takes it into the book.",
			})
		}
		return err
	}
	s, err := b.lookUp(ctx, v.Query)
	switch {
	case err != nil:
		return err
	case s == nil:
		v.Notes = append(v.Notes, templates.Note{
			ID: "verdict", Kind: templates.Info, Title: "Nothing found.", Body: "No cart, KCO order or order number matches. Apart from orders in the order book, nothing is kept for more than 7 days.",
		})
		return nil
	}
	v.Searched = true
	if s.placed != nil {
		b.lookAtPlaced(ctx, s, v)
	} else {
		err = b.lookAtCart(ctx, s, v)
	}
	v.Story = storyView(s.story, s.orderID, b.zone())
	v.LeftBehind, v.LeftTotal = leftView(s.left, b.zone()), len(s.left)
	return err
}

// subject is the thing that was searched for.
type subject struct {
	cartID  string // "" = not known
	orderID string // the order asked for; "" = the cart itself
	placed  *order.Order
	story   []story.Event
	left    []kco.Left
	checked *checked // Klarna's answer, where finding out asked already
}

// checked is Klarna's answer about an order of the checkout.
type checked struct {
	order kco.Order
	err   error
}

// lookUp finds the subject of a query, nil without one. An error comes from Redis.
func (b *Backoffice) lookUp(ctx context.Context, query string) (*subject, error) {
	o, found, err := b.Book.ByNumber(ctx, query)
	if err == nil && !found && kco.IsOrderID(query) {
		o, found, err = b.Book.ByOrderID(ctx, query)
	}
	switch {
	case err != nil:
		return nil, err
	case found:
		s := &subject{cartID: o.CartID, orderID: o.OrderID, placed: &o}
		s.story, err = b.Story.Story(ctx, "", o.Ref())
		return s, err
	case !kco.IsOrderID(query), cart.IsOwnOrder(query):
		return nil, nil
	}
	if s, err := b.findCart(ctx, strings.ToLower(query)); s != nil || err != nil {
		return s, err
	}
	return b.findOrder(ctx, query)
}

// findCart finds a cart that exists or has a story.
func (b *Backoffice) findCart(ctx context.Context, id string) (*subject, error) {
	c, err := b.Syncer.Carts.Get(ctx, id, cart.Fallback{})
	if err != nil {
		return nil, err
	}
	events, err := b.Story.Story(ctx, id)
	if err != nil || c.Revision == 0 && c.OrderID == "" && len(c.Bought) == 0 && len(events) == 0 {
		return nil, err
	}
	orders := story.Orders(events)
	for _, known := range append([]string{c.OrderID}, c.Bought...) {
		if known != "" && !slices.Contains(orders, known) {
			orders = append(orders, known)
		}
	}
	orders = orders[max(0, len(orders)-maxStories):]
	s := &subject{cartID: id}
	if s.left, err = b.Syncer.LeftBehind.Among(ctx, id, orders); err != nil {
		return nil, err
	}
	s.story, err = b.Story.Story(ctx, id, orders...)
	return s, err
}

// findOrder finds an order that is not in the book: by its story, or at Klarna. There its
// merchant_data names the cart.
func (b *Backoffice) findOrder(ctx context.Context, id string) (*subject, error) {
	events, err := b.Story.Story(ctx, "", id)
	if err != nil {
		return nil, err
	}
	s := &subject{orderID: id, story: events, cartID: story.CartOf(events), checked: b.ask(ctx, id)}
	if cartID, err := b.Book.Signer.Verify(s.checked.order.MerchantData); err == nil {
		s.cartID = cartID
	}
	if len(events) == 0 && s.cartID == "" && (s.checked.err == nil || klarna.Status(s.checked.err) != 0) {
		return nil, nil
	}
	if s.cartID != "" {
		s.left, err = b.Syncer.LeftBehind.Among(ctx, s.cartID, []string{id})
	}
	return s, err
}

// ask reads an order of the checkout.
func (b *Backoffice) ask(ctx context.Context, id string) *checked {
	ctx, cancel := context.WithTimeout(observe.About(ctx, observe.Subject{Quiet: true}), lookTime)
	defer cancel()
	o, err := b.Syncer.Client.GetOrder(ctx, id)
	return &checked{o, err}
}

// synced returns the notes after a re-sync, by the code in the page's address.
var synced = map[string]templates.Note{
	"updated":     {Kind: templates.OK, Title: "Updated.", Body: "The order at Klarna now says what the cart says."},
	"agreed":      {Kind: templates.OK, Title: "Nothing to send.", Body: "Cart and order already agree."},
	"empty":       {Kind: templates.Info, Title: "Nothing was sent.", Body: "The cart is empty, so its order stays as it is."},
	"bought":      {Kind: templates.Info, Title: "Nothing was sent.", Body: "The order has been bought. The shop takes it into the order book by itself."},
	"nothing":     {Kind: templates.Warn, Title: "No order was updated, and none was made.", Body: "Klarna has no open order of this cart. The shopper's next visit to the checkout makes one."},
	"free":        {Kind: templates.Info, Title: "Nothing was sent.", Body: "There is nothing to pay: Klarna is not asked about such a cart."},
	"refused":     {Kind: templates.Bad, Title: "Klarna refused the update.", Body: "Nothing has changed. The story below has the code and the correlation ID."},
	"unavailable": {Kind: templates.Warn, Title: "Not updated.", Body: "Klarna or the shop's own store did not answer in time. Try again in a moment."},
}

// syncNow updates the open order of a cart at Klarna. It never creates one. It does not
// need the session's lock: it reads the cart once more afterwards.
func (b *Backoffice) syncNow(w http.ResponseWriter, r *http.Request) {
	if err := respond.ParseForm(w, r, respond.ShopperLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	cartID := r.PostForm.Get("cart")
	if !kco.IsOrderID(cartID) {
		b.fail(w, r, &respond.BadRequest{Status: http.StatusBadRequest, Message: "The form names no cart."})
		return
	}
	// The sync goes on when the browser leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), requestTime)
	defer cancel()
	result, err := b.Syncer.Sync(ctx, kco.Request{CartID: cartID, Mode: cartsync.Repair})
	code := syncCode(result, err)
	b.Logger.InfoContext(ctx, "order synced by staff", "staff", staffOf(ctx).Name, "order_id", result.Cart.OrderID, "result", code, "error", err)
	http.Redirect(w, r, "/admin/inspect?"+url.Values{"q": {cartID}, "synced": {code}}.Encode(), http.StatusSeeOther)
}

func syncCode(result kco.Result, err error) string {
	switch {
	case errors.Is(err, cartsync.ErrNothingToRepair):
		return "nothing"
	case errors.Is(err, cartsync.ErrRefused):
		return "refused"
	case err != nil:
		return "unavailable"
	case result.Outcome == cartsync.Empty:
		return "empty"
	case result.Outcome == cartsync.Free:
		return "free"
	case result.Outcome == cartsync.Complete, result.Outcome == cartsync.Bought:
		return "bought"
	case result.Updated:
		return "updated"
	}
	return "agreed"
}
