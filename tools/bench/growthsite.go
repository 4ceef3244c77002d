package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/db"
)

// site is a shop with a Redis and a database of its own, which has so many sessions in it. All sites
// share a fake Klarna.
type site struct {
	size   int // sessions in Redis
	shop   *process
	redis  redis.UniversalClient
	db     *db.DB
	fake   string // URL
	client *client

	real   []visitor // with an order at Klarna
	copies int       // further ones, which copyToken numbers
	orders int       // in the order book
}

// startSite starts a shop, its Redis and its database.
func startSite(ctx context.Context, r *rig, fake string, size int) (*site, error) {
	_, at, err := r.stores(ctx)
	if err != nil {
		return nil, err
	}
	shop, err := r.shopd(ctx, at, fake)
	if err != nil {
		return nil, err
	}
	o, err := redis.ParseURL(at.redis)
	if err != nil {
		return nil, err
	}
	// Thousands of commands at a time take longer than a shop's one.
	o.ReadTimeout, o.WriteTimeout = readyTime, readyTime
	d, err := db.Config{URL: at.database, Statement: seedTime, Transaction: seedTime}.Open(ctx)
	return &site{size: size, shop: shop, redis: redis.NewClient(o), db: d, fake: fake, client: newClient(1)}, err
}

// visitor is who has a session at a shop.
type visitor struct {
	token, cartID, orderID string
	skus                   []string // in the cart
}

// request is a request of a visitor to the shop; its answer must be 200 and have the
// text.
func (s *site) request(by visitor, method, path, body, text string) request {
	r := request{method: method, url: s.shop.ready["storefront"] + path, body: body, status: http.StatusOK, texts: []string{text}}
	if by.token != "" {
		r.header = http.Header{"Cookie": {"shopd=" + by.token}}
	}
	return r
}

// showsOrder is a part of each page and each answer with an order.
const showsOrder = `"order_id":"`

// open is the request for the checkout.
func (s *site) open(by visitor) request {
	return s.request(by, http.MethodGet, "/checkout", "", showsOrder)
}

// newVisitor makes a session with 1 to 3 products in its cart, as n decides, and opens
// its checkout.
func (s *site) newVisitor(ctx context.Context, n int) (visitor, error) {
	var by visitor
	for i := range 1 + n%len(skus) {
		sku := skus[(n+i)%len(skus)]
		add := s.request(by, http.MethodPost, "/cart/lines", "quantity=2&sku="+sku, "")
		add.status = http.StatusSeeOther
		got, err := s.client.do(ctx, add)
		if err != nil {
			return by, err
		}
		for _, cookie := range (&http.Response{Header: got.header}).Cookies() {
			by.token = cookie.Value
		}
		by.skus = append(by.skus, sku)
	}
	_, err := s.client.do(ctx, s.open(by))
	if err != nil {
		return by, err
	}
	by.cartID, by.orderID, err = idsIn(ctx, s.redis, by.token)
	if err == nil && (by.cartID == "" || by.orderID == "") {
		err = errors.New("the session has no cart or no order")
	}
	return by, err
}

// buy presses the button in the fake's payment form, as n decides by whom, and opens
// the confirmation: the order is in the book then.
func (s *site) buy(ctx context.Context, by visitor, n int) error {
	err := fakeControl{s.fake, s.client}.act(ctx, by.orderID, fmt.Sprintf(`{"type":{"email":"shopper%d@example.com"},"buy":{}}`, n))
	if err != nil {
		return err
	}
	_, err = s.client.do(ctx, s.request(by, http.MethodGet, "/checkout/confirmation?order_id="+by.orderID, "", ""))
	return err
}
