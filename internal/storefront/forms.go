package storefront

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
)

// form is a form of the cart: its change, and the message for the next page.
type form struct {
	change cart.Change
	say    url.Values // codes for the query of the page that is returned to
}

func addLine(r *http.Request) (form, error) {
	quantity, err := 1, error(nil)
	if r.PostForm.Has("quantity") {
		quantity, err = quantityOf(r)
	}
	sku := r.PostFormValue("sku")
	return form{
		change: cart.Change{Add: []cart.Line{{SKU: sku, Quantity: quantity}}},
		say:    url.Values{"added": {sku}},
	}, err
}

func setLine(r *http.Request) (form, error) {
	quantity, err := quantityOf(r)
	sku := chi.URLParam(r, "sku")
	f := form{change: cart.Change{Set: []cart.Line{{SKU: sku, Quantity: quantity}}}}
	if quantity == 0 {
		f.say = url.Values{"removed": {sku}}
	}
	return f, err
}

func setDiscount(r *http.Request) (form, error) {
	if !r.PostForm.Has("code") { // an empty one removes
		return form{}, errBadRequest
	}
	code := r.PostFormValue("code")
	return form{change: cart.Change{DiscountCode: &code}}, nil
}

func setDelivery(r *http.Request) (form, error) {
	option := r.PostFormValue("option")
	if option == "" {
		return form{}, errBadRequest
	}
	return form{change: cart.Change{ShippingOption: option}}, nil
}

func setCustomer(r *http.Request) (form, error) {
	customerType := r.PostFormValue("customer_type")
	if customerType == "" {
		return form{}, errBadRequest
	}
	return form{change: cart.Change{CustomerType: customerType}}, nil
}

func postMarket(r *http.Request) (form, error) {
	ch := cart.Change{Country: r.PostFormValue("country"), Locale: r.PostFormValue("locale")}
	if language := r.PostFormValue("language"); language != "" && ch.Locale == "" {
		if ch.Language = i18n.Lang(language); !slices.Contains(i18n.Langs(), ch.Language) {
			return form{}, cart.ErrUnknownMarket
		}
	}
	if ch.Empty() {
		return form{}, errBadRequest
	}
	return form{change: ch, say: url.Values{"market": {"changed"}}}, nil
}

// quantityOf reads the field quantity.
func quantityOf(r *http.Request) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(r.PostFormValue("quantity")))
	if err != nil {
		return 0, cart.ErrQuantityLimit
	}
	return n, nil
}

// submit makes a form's change on arrival. Only a visitor whose session has no
// cart yet needs the session's lock: the new cart's ID must be stored.
func (s *Storefront) submit(parse func(*http.Request) (form, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := respond.ParseForm(w, r, respond.ShopperLimit); err != nil {
			s.formError(w, r, err, cart.Cart{})
			return
		}
		f, err := parse(r)
		if err != nil {
			s.formError(w, r, err, cart.Cart{})
			return
		}
		values, err := s.Sessions.Peek(r)
		if err != nil {
			s.formError(w, r, err, cart.Cart{})
			return
		}
		change := func(w http.ResponseWriter, r *http.Request) { s.apply(w, r, values.CartID, f) }
		switch {
		case values.CartID != "" && values.Old: // who changes a cart has used the session
			s.Sessions.Renewing(w, r, change)
			return
		case values.CartID != "":
			change(w, r)
			return
		}
		s.Sessions.Locked(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, isNew := s.Sessions.CartID(r.Context()), false
			if id == "" && session.Claimed(r.Context()) != "" { // opened by its link alone
				s.page(s.notFound)(w, r)
				return
			}
			if id == "" {
				if err := s.beginCart(r); err != nil {
					s.formError(w, r, err, cart.Cart{})
					return
				}
				id, isNew = cart.NewID(), true
			}
			if s.apply(w, r, id, f) && isNew {
				s.Sessions.SetCartID(r.Context(), id)
			}
		}), func(w http.ResponseWriter, r *http.Request, err error) {
			s.formError(w, r, err, cart.Cart{})
		}).ServeHTTP(w, r)
	}
}

// apply makes the change and answers, with JSON or with a redirect to the page of the
// form. It reports whether the change was made.
func (s *Storefront) apply(w http.ResponseWriter, r *http.Request, id string, f form) bool {
	before := 0
	c, err := s.change(r.Context(), id, s.fallback(r), f.change, func(c *cart.Cart) error {
		if len(f.change.Set) == 1 {
			before = c.Quantity(f.change.Set[0].SKU)
		}
		return nil
	})
	if err != nil {
		s.formError(w, r, err, c)
		return false
	}
	if wantsJSON(r) {
		s.cartJSON(w, r, c)
		return true
	}
	if f.say.Has("removed") {
		f.say.Set("quantity", strconv.Itoa(before))
	}
	http.Redirect(w, r, returnTo(r, f.say), http.StatusSeeOther) //nolint:gosec // returnTo gives local paths only
	return true
}

func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}

// codes are the query parameters that carry a message for a page. They are not part of
// the page's own address.
var codes = []string{"added", "removed", "quantity", "market", "reason", "sku", "try"}

// returnTo returns the local page to which a form returns, with its message.
func returnTo(r *http.Request, say url.Values) string {
	u, err := url.Parse(r.PostFormValue("return_to"))
	// Browsers take "//host" and "/\host" for another site.
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsAny(u.Path, "\\\r\n\t") {
		u = &url.URL{Path: "/cart"}
	}
	return withCodes(u, say)
}

// withCodes returns the local address of u with these codes and no others. It must not
// begin with two slashes: that would be another site.
func withCodes(u *url.URL, say url.Values) string {
	query := u.Query()
	for _, code := range codes {
		query.Del(code)
	}
	maps.Copy(query, say)
	local := url.URL{Path: "/" + strings.TrimLeft(u.Path, "/"), RawPath: u.RawPath, RawQuery: query.Encode()}
	return local.String()
}

// notOffered are errors of choices that no form of ours has: no cart is shown for them.
var notOffered = []error{cart.ErrUnknownMarket, cart.ErrUnknownOption, cart.ErrUnknownCustomer}

// formError answers a form that changed nothing. c is the cart, if known.
func (s *Storefront) formError(w http.ResponseWriter, r *http.Request, err error, c cart.Cart) {
	f := failureOf(err)
	switch {
	case wantsJSON(r):
		s.jsonError(w, r, err, nil)
	case f.status == http.StatusUnprocessableEntity && !slices.ContainsFunc(notOffered, func(is error) bool { return errors.Is(err, is) }):
		s.refusedForm(w, r, err, c)
	default:
		s.errorPage(w, r, err, c.Locale)
	}
}

// refusedForm shows the cart and says why the form was refused.
func (s *Storefront) refusedForm(w http.ResponseWriter, r *http.Request, refused error, c cart.Cart) {
	if c.ID == "" {
		values, err := s.Sessions.Peek(r)
		if err == nil && values.CartID != "" {
			c, err = s.Carts.Get(r.Context(), values.CartID, s.fallback(r))
		}
		if err != nil {
			s.PageError(w, r, err)
			return
		}
		if values.CartID == "" {
			c = s.visitor(r)
		}
	}
	f := failureOf(refused)
	s.tell(r, f.code, nil)
	s.view(r, c).cartPage(w, r, f.status, refused)
}
