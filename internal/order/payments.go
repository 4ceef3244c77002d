package order

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/stock"
)

// Why an authorization brings no order, beside ErrNotOurs, ErrUnavailable,
// cartsync.ErrRefused (our mistake), a *RefusedError and a *cart.SoldOutError. Nothing is bought
// then, but for ErrPurchaseRunning and ErrUnavailable, after which it may be.
var (
	// ErrCartChanged: what was authorized is not what the cart says now. To be
	// authorized again.
	ErrCartChanged = errors.New("what was authorized is not the cart")
	// ErrTokenGone: the authorization is over, released, replaced by a newer one,
	// or its session is. To be authorized again.
	ErrTokenGone = errors.New("the authorization is over")
	// ErrDeclined: Klarna does not approve.
	ErrDeclined = errors.New("klarna does not approve the order")
	// ErrPurchaseRunning: an order of the cart may be being placed. It becomes
	// known by itself; asking again tells.
	ErrPurchaseRunning = cartsync.ErrPurchaseRunning
)

// RefusedError: the merchant's own server says that a purchase may not go on. Nothing is bought. Message is
// what the shopper reads, by language; empty: it has said nothing.
type RefusedError struct{ Message i18n.Text }

// Error has nothing of the message.
func (e *RefusedError) Error() string { return "the merchant's server refuses the purchase" }

// Authorized is what Klarna Payments tells of an authorization, to the browser
// and to us.
type Authorized struct {
	// CartID is the shopper's; a session of another cart is ErrNotOurs. "" when
	// nobody asks who has a cart.
	CartID    string
	SessionID string
	// Token is the authorization's. Where Klarna knows a newer one of the session,
	// that is used.
	Token string
	// Asked: the merchant's own server was asked by MayBuy whether the purchase may go on.
	Asked bool
}

// MayBuy asks the merchant's own server whether a cart with this quote may be bought with an authorization, as the
// validation of Klarna Checkout does. What may be bought already is no question any more: a no would not undo it.
// It must not be called while his own calls wait for the cart. The error is ErrUnavailable, or a *RefusedError;
// the cart notes that, so that the session and its page can say why nothing was bought.
func (b *Book) MayBuy(ctx context.Context, in Authorized, c cart.Cart, q cart.Quote) error {
	if q.Version.Shop.Hooks.Validate == nil {
		return nil
	}
	begun, err := b.begun(ctx, in)
	if err != nil {
		return fmt.Errorf("find purchase of payment session %s: %w: %w", in.SessionID, ErrUnavailable, err)
	}
	if begun {
		return nil
	}
	verdict := b.Hooks.Validate(ctx, c, q)
	if verdict.OK {
		return nil
	}
	refused := &cart.Refused{At: time.Now().UTC().Truncate(time.Second), Message: verdict.Message}
	if _, err := b.Carts.Update(ctx, c.ID, cart.Fallback{}, func(c *cart.Cart) error {
		c.Refused = refused
		return nil
	}); err != nil {
		b.Logger.WarnContext(ctx, "a cart does not know that the merchant's server has refused its purchase", "cart_id", c.ID, "error", err)
	}
	return &RefusedError{verdict.Message}
}

// begun reports whether the order of a session is known, or its order call with this token may have been made: another
// token is another approval.
func (b *Book) begun(ctx context.Context, in Authorized) (bool, error) {
	orderID, err := b.Payments.Authorizations.OrderOf(ctx, in.SessionID)
	if err != nil || orderID != "" {
		return orderID != "", err
	}
	approved, running, err := b.Stock.OfOrder(ctx, payments.Purchase(in.SessionID))
	if err != nil || !running {
		return false, err
	}
	call, err := payments.DecodeCall(approved.Body)
	return err == nil && call.Token == in.Token, nil
}

// PlaceAuthorized buys what was authorized, if the cart still says so, and
// takes it into the book. The purchase is written down as approved
// first and repeated by the loop until Klarna has answered: browser
// and loop, at once, on any processes and one after another's crash, end with
// one order. Without error the sale is made: then the Order has at least its
// OrderID, and where it has no Number yet the loop, or Place, finishes it.
// redirectURL is where Klarna wants the browser to go, "" for the shop's own
// confirmation.
func (b *Book) PlaceAuthorized(ctx context.Context, in Authorized) (o Order, redirectURL string, err error) {
	if err := b.authorized(ctx, in.SessionID, in.Token, true); err != nil {
		return Order{}, "", err
	}
	o, redirectURL, err = b.placeAuthorized(ctx, in)
	if errors.Is(err, ErrCancelled) {
		err = fmt.Errorf("place order of payment session %s: %w: %w", in.SessionID, ErrCartChanged, err)
	}
	if BuysNothing(err) {
		b.Withdraw(ctx, in.SessionID, in.Token)
	}
	b.Observer.Book(observe.BookAuthorization, resultOfAuthorization(err))
	return o, redirectURL, err
}

// BuysNothing reports whether an error says of a token that nothing is bought with it, and of a shopper that
// he was told so: then it is to be withdrawn.
func BuysNothing(err error) bool {
	_, soldOut := errors.AsType[*cart.SoldOutError](err)
	_, refused := errors.AsType[*RefusedError](err)
	return soldOut || refused || errors.Is(err, ErrCartChanged) || errors.Is(err, ErrDeclined)
}

// Withdraw says that the shopper was told that nothing is bought with a token:
// else the loop might buy the cart as it is by then. One that cannot be
// withdrawn now is logged; Klarna still holds it against what was authorized.
func (b *Book) Withdraw(ctx context.Context, sessionID, token string) {
	if err := b.Payments.Authorizations.Withdraw(ctx, sessionID, token); err != nil {
		b.Logger.WarnContext(ctx, "authorization not withdrawn", "payments_session_id", sessionID, "error", err)
	}
}

// Authorized writes down that Klarna has told of an authorization. The
// loop makes an order of it when the browser does not. The error is
// ErrUnavailable.
func (b *Book) Authorized(ctx context.Context, sessionID, token string) error {
	return b.authorized(ctx, sessionID, token, !b.Published.Now().Shop.Checkout.Review)
}

func (b *Book) authorized(ctx context.Context, sessionID, token string, agreed bool) error {
	if err := b.Payments.Authorizations.Add(ctx, sessionID, token, agreed); err != nil {
		return fmt.Errorf("write down authorization of payment session %s: %w: %w", sessionID, ErrUnavailable, err)
	}
	return nil
}

func resultOfAuthorization(err error) observe.Result {
	switch {
	case err == nil:
		return observe.ResultDone
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrPurchaseRunning):
		return observe.ResultFailed
	case errors.Is(err, ErrNotOurs):
		return observe.ResultForeign
	}
	return observe.ResultRefused
}

func (b *Book) placeAuthorized(ctx context.Context, in Authorized) (Order, string, error) {
	orderID, err := b.Payments.Authorizations.OrderOf(ctx, in.SessionID)
	if err != nil {
		return Order{}, "", fmt.Errorf("find order of payment session %s: %w: %w", in.SessionID, ErrUnavailable, err)
	}
	if orderID != "" {
		o, err := b.bought(ctx, in.SessionID, orderID)
		if err == nil && in.CartID != "" && o.Number != "" && o.CartID != in.CartID {
			return Order{}, "", ErrNotOurs
		}
		return o, "", err
	}
	cartID, session, err := b.session(ctx, in)
	if err != nil {
		return Order{}, "", err
	}
	if session.Status == payments.StatusComplete {
		return b.repeatCall(ctx, cartID, session.SessionID)
	}
	c, want, quote, err := b.matches(ctx, cartID, session)
	if err == nil && !in.Asked && quote.Version.Shop.Hooks.Validate != nil {
		if err = b.MayBuy(ctx, in, c, quote); err == nil { // meanwhile the cart may have become another
			c, want, quote, err = b.matches(ctx, cartID, session)
		}
	}
	if err != nil {
		return Order{}, "", err
	}
	form := quote.Version.Shop.Checkout.Forms[c.Country]
	call := payments.OrderCall{
		Token: cmp.Or(session.AuthorizationToken, in.Token), Request: b.Payments.Wants.Order(cartID, want, session, form),
	}
	body, err := call.Body()
	if err != nil {
		return Order{}, "", fmt.Errorf("write order call of payment session %s: %w: %w", session.SessionID, cartsync.ErrRefused, err)
	}
	approved := quote.Approved(cartID, payments.Purchase(session.SessionID))
	approved.Body = body
	err = b.Approve(ctx, c, approved)
	short, isShort := errors.AsType[*stock.ShortError](err)
	bought, isBought := errors.AsType[*boughtError](err)
	switch {
	case isShort:
		return Order{}, "", &cart.SoldOutError{SKU: short.SKU, Left: short.Left}
	case isBought && bought.order.Origin == payments.Purchase(session.SessionID):
		return bought.order, "", nil
	case isBought:
		return Order{}, "", fmt.Errorf("%w: %w", ErrCartChanged, err)
	case errors.Is(err, stock.ErrPurchaseRunning):
		return Order{}, "", fmt.Errorf("%w: %w", ErrPurchaseRunning, err)
	case errors.Is(err, ErrCartChanged):
		return Order{}, "", err
	case err != nil:
		return Order{}, "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return b.call(ctx, cartID, session.SessionID, call)
}

// session reads the session of an authorization, and which cart it was made for.
func (b *Book) session(ctx context.Context, in Authorized) (cartID string, session payments.Session, err error) {
	session, err = b.Payments.Client.GetSession(observe.About(ctx, observe.Subject{CartID: in.CartID}), in.SessionID)
	switch {
	case klarna.Status(err) == http.StatusNotFound:
		return "", session, fmt.Errorf("read payment session %s: %w: %w", in.SessionID, ErrTokenGone, err)
	case klarna.IsRefused(err):
		return "", session, fmt.Errorf("read payment session %s: %w: %w", in.SessionID, cartsync.ErrRefused, err)
	case err != nil:
		return "", session, fmt.Errorf("read payment session %s: %w: %w", in.SessionID, ErrUnavailable, err)
	}
	if cartID, err = b.Signer.Verify(session.MerchantData); err != nil {
		return "", session, fmt.Errorf("find cart of payment session %s: %w: %w", in.SessionID, ErrNotOurs, err)
	}
	if in.CartID != "" && in.CartID != cartID {
		return "", session, ErrNotOurs
	}
	return cartID, session, nil
}

// matches returns what is bought with a session if that is what the cart says
// now, and the session is the cart's; else ErrCartChanged. A checkout session that has ended
// says nothing any more. Klarna holds the
// order against what was authorized, so the three are the same.
func (b *Book) matches(ctx context.Context, cartID string, session payments.Session) (c cart.Cart, want payments.Content, quote cart.Quote, err error) {
	c, err = b.Carts.Get(ctx, cartID, cart.Fallback{})
	if err != nil {
		return c, want, quote, fmt.Errorf("compare cart %s: %w: %w", cartID, ErrUnavailable, err)
	}
	// Tax and delivery follow the address that Klarna has: the widget may have
	// been told another one than the shop's form.
	to, err := session.ShipTo()
	if err == nil && to != (cart.Address{}) {
		err = c.Follow(to, b.Published.Now(), "")
	}
	if err != nil {
		return c, want, quote, fmt.Errorf("follow address of payment session %s: %w: %w", session.SessionID, ErrCartChanged, err)
	}
	want, quote, err = b.Payments.Wants.Sold(c)
	if err != nil {
		return c, want, quote, fmt.Errorf("say what the order of cart %s must be: %w: %w", cartID, cartsync.ErrRefused, err)
	}
	if !quote.Reaches(c.Region(), to.PostalCode) {
		return c, want, quote, fmt.Errorf("%w: nothing is delivered to the address", ErrCartChanged)
	}
	ended := c.Basket != nil && c.Basket.Ended
	if ended || c.SessionID != session.SessionID || quote.Empty() || len(klarna.OfSale(payments.Differences(want, session))) > 0 {
		return c, want, quote, ErrCartChanged
	}
	return c, want, quote, nil
}

// call makes an order call that was approved, and takes the order
// into the book. Where Klarna refuses, the session tells whether an earlier try
// has placed the order, ours or another process's; else it is approved no more.
func (b *Book) call(ctx context.Context, cartID, sessionID string, call payments.OrderCall) (Order, string, error) {
	ctx = observe.About(ctx, observe.Subject{CartID: cartID})
	placed, unanswered, err := b.Payments.Client.PlaceOrder(ctx, call.Token, call.Request)
	if err == nil {
		b.Observer.Remember(ctx, placed.OrderID)
		o, err := b.bought(ctx, sessionID, placed.OrderID)
		return o, placed.RedirectURL, err
	}
	if !klarna.IsRefused(err) && klarna.Status(err) != http.StatusConflict {
		// It may have been placed.
		return Order{}, "", fmt.Errorf("place order of payment session %s: %w: %w", sessionID, ErrUnavailable, err)
	}
	session, readErr := b.Payments.Client.GetSession(ctx, sessionID)
	switch {
	case readErr == nil && session.Status == payments.StatusComplete:
		return b.known(ctx, sessionID, err)
	case readErr != nil && klarna.Status(readErr) != http.StatusNotFound, unanswered:
		return Order{}, "", fmt.Errorf("place order of payment session %s: %w: %w", sessionID, ErrUnavailable, errors.Join(err, readErr))
	}
	if dropErr := b.Stock.Drop(ctx, cartID, payments.Purchase(sessionID)); dropErr != nil {
		return Order{}, "", fmt.Errorf("place order of payment session %s: %w: %w", sessionID, ErrUnavailable, dropErr)
	}
	return Order{}, "", fmt.Errorf("place order of payment session %s: %w: %w", sessionID, whyRefused(err), err)
}

// whyRefused is what Klarna's answer to an order call means, once it is known that
// nothing was bought.
// Source: docs.klarna.com, Error codes and messages for Klarna Payments.
func whyRefused(err error) error {
	switch status, code := klarna.Status(err), klarna.Code(err); {
	case status == http.StatusConflict:
		return ErrCartChanged // "Not matching fields"
	case status == http.StatusNotFound, code == klarna.CodeInvalidOperation:
		return ErrTokenGone // over, or consumed
	case code == klarna.CodeRejected:
		return ErrDeclined
	}
	return cartsync.ErrRefused
}

// repeatCall repeats the order call that was approved of a session: the same again gets
// the same answer.
func (b *Book) repeatCall(ctx context.Context, cartID, sessionID string) (Order, string, error) {
	approved, ok, err := b.Stock.OfOrder(ctx, payments.Purchase(sessionID))
	if err != nil {
		return Order{}, "", fmt.Errorf("repeat order call of payment session %s: %w: %w", sessionID, ErrUnavailable, err)
	}
	if !ok {
		// Somebody else has settled it meanwhile, or long ago.
		return b.known(ctx, sessionID, errors.New("the session is complete"))
	}
	call, err := payments.DecodeCall(approved.Body)
	if err != nil {
		return Order{}, "", fmt.Errorf("repeat order call of payment session %s: %w: %w", sessionID, ErrPurchaseRunning, err)
	}
	return b.call(ctx, cartID, sessionID, call)
}

// known goes on with an order that was placed and not by this call: whoever
// placed it tells which it is.
func (b *Book) known(ctx context.Context, sessionID string, why error) (Order, string, error) {
	orderID, err := b.Payments.Authorizations.OrderOf(ctx, sessionID)
	switch {
	case err != nil:
		return Order{}, "", fmt.Errorf("find order of payment session %s: %w: %w", sessionID, ErrUnavailable, err)
	case orderID == "":
		return Order{}, "", fmt.Errorf("find order of payment session %s: %w: %w: %w", sessionID, ErrPurchaseRunning, errUnsettled, why)
	}
	o, err := b.bought(ctx, sessionID, orderID)
	return o, "", err
}

// errUnsettled: Klarna has placed an order and nobody knows which.
var errUnsettled = errors.New("the order of the session is not known")

// bought takes the order of a session into the book. The sale is made: what
// cannot be done now is finished by others. Only an order that is none is an error.
func (b *Book) bought(ctx context.Context, sessionID, orderID string) (Order, error) {
	err := b.Payments.Authorizations.SetOrder(ctx, sessionID, orderID)
	if err == nil {
		var o Order
		if o, err = b.Place(ctx, orderID); err == nil {
			// What somebody approved who did not know yet.
			if err = b.rename(ctx, o.CartID, payments.Purchase(sessionID), orderID); err == nil {
				return o, nil
			}
		}
	}
	if errors.Is(err, ErrCancelled) || errors.Is(err, ErrNotOurs) {
		return Order{}, err
	}
	b.Logger.WarnContext(ctx, "an order of klarna payments is not placed yet", "order_id", orderID, "error", err)
	return Order{OrderID: orderID}, nil
}

// rename gives an approved purchase of a cart the name of the order that it has become.
func (b *Book) rename(ctx context.Context, cartID, purchase, orderID string) error {
	return b.DB.Tx(ctx, func(tx *sql.Tx) error {
		if err := stock.LockCart(ctx, tx, cartID); err != nil {
			return err
		}
		return b.Stock.Become(ctx, tx, purchase, orderID)
	})
}

// forgetSession lets go of a session whose order was cancelled before it was placed.
func (b *Book) forgetSession(ctx context.Context, cartID, origin, orderID string) error {
	sessionID := payments.SessionOf(origin)
	if sessionID == "" {
		return nil
	}
	_, _, err := b.Carts.SetSessionID(ctx, cartID, sessionID, "", "")
	if err = errors.Join(err, b.rename(ctx, cartID, origin, orderID)); err != nil {
		return fmt.Errorf("forget payment session %s: %w: %w", sessionID, ErrUnavailable, err)
	}
	return nil
}
