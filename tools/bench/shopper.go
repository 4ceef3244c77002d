package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
)

// What a shopper of the benchmark buys: one of each, and one or two mugs.
var skus = []string{mug, "COF-1", "FLT-1"}

const mug = "MUG-1"

// shopper is somebody with a cart, without a browser. Not safe for concurrent
// use, as a person is not.
type shopper struct {
	shop     string // scheme and host
	header   http.Header
	orderID  string // that the checkout showed; "" before
	revision int64  // of the cart
	sku      string // of what the number is changed; "": of mugs
	mugs     int    // that number
}

var shownOrder = regexp.MustCompile(`"order_id":"([^"]+)"`)

// newShopper returns a shopper whose cart has been filled.
func newShopper(ctx context.Context, c *client, shop string) (*shopper, error) {
	s := &shopper{shop: shop, mugs: 1}
	for _, sku := range skus {
		got, err := c.do(ctx, s.add(sku))
		if err != nil {
			return nil, err
		}
		s.met(got)
	}
	if s.header == nil {
		return nil, errors.New("the shop set no cookie")
	}
	return s, nil
}

// add is a request that puts one of a product in the cart.
func (s *shopper) add(sku string) request {
	s.revision++
	return request{
		method: http.MethodPost, url: s.shop + "/cart/lines", body: "quantity=1&sku=" + sku, header: s.header, status: http.StatusSeeOther,
	}
}

// met keeps the cookie of an answer that sets one.
func (s *shopper) met(a answer) {
	if cookies := (&http.Response{Header: a.header}).Cookies(); len(cookies) > 0 {
		s.header = http.Header{"Cookie": {cookies[0].Name + "=" + cookies[0].Value}}
	}
}

// page is the request for a page that anybody may see, or for the cart.
func (s *shopper) page(path string) request {
	return request{method: http.MethodGet, url: s.shop + path, header: s.header, status: http.StatusOK, texts: []string{"</html>"}}
}

// open is the request for the checkout. The order that it showed before, if
// any, must still be shown.
func (s *shopper) open() request {
	r := request{method: http.MethodGet, url: s.shop + "/checkout", header: s.header, status: http.StatusOK, texts: []string{`"order_id":"` + s.orderID}}
	return r
}

// opened takes down which order the checkout showed.
func (s *shopper) opened(a answer) error {
	found := shownOrder.FindSubmatch(a.body)
	if found == nil {
		return errors.New("the checkout shows no order")
	}
	s.orderID = string(found[1])
	return nil
}

// toggle makes it two mugs where there was one, and the other way round.
func (s *shopper) toggle() {
	s.mugs = 3 - s.mugs
	s.revision++
}

// change is a request that changes the number of mugs by the cart's form.
func (s *shopper) change() request {
	s.toggle()
	return request{
		method: http.MethodPost, url: s.shop + "/cart/lines/" + cmp.Or(s.sku, mug), body: fmt.Sprintf("quantity=%d", s.mugs),
		header: s.header, status: http.StatusSeeOther,
	}
}

// update is a request that changes it on the open checkout page.
func (s *shopper) update() request {
	s.toggle()
	return request{
		method: http.MethodPost, url: s.shop + "/checkout/update", header: s.header, status: http.StatusOK,
		body:  fmt.Sprintf(`{"order_id":%q,"lines":[{"sku":%q,"quantity":%d}]}`, s.orderID, cmp.Or(s.sku, mug), s.mugs),
		texts: []string{fmt.Sprintf(`"order_id":%q`, s.orderID), fmt.Sprintf(`"cart_revision":%d,`, s.revision), `"replaced":false`},
	}
}
