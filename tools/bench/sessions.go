package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// The benchmarks of the merchant's server: it puts baskets of checkout sessions.

// apiKeys is how many keys it has: each may make 6,000 calls a minute.
const apiKeys = 64

func apiKey(i int) string { return fmt.Sprintf("sk_bench_%d", i%apiKeys) }

func keyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// keyLines is SHOPD_API_KEYS.
func keyLines() string {
	lines := make([]string, apiKeys)
	for i := range lines {
		lines[i] = fmt.Sprintf("k%d:checkout:%s", i, keyHash(apiKey(i)))
	}
	return strings.Join(lines, "\n")
}

// basket is a checkout session; its orders are looked at like those of a shopper.
type basket struct {
	*shopper
	number int
}

// put is a request that changes the number of mugs.
func (b *basket) put() request {
	b.toggle()
	return request{
		method: http.MethodPut, url: fmt.Sprintf("%s/v1/checkout_sessions/b-%d", b.shop, b.number), status: http.StatusOK,
		header: http.Header{"Authorization": {"Bearer " + apiKey(b.number)}}, texts: []string{`"status":"open"`},
		body: fmt.Sprintf(`{"country":"SE","success_url":"https://www.example.com/thanks","delivery_options":[{"id":"parcel","name":"Home","price":7900,"tax_rate":2500}],`+
			`"order_lines":[{"id":"1","reference":%q,"name":"Mug","quantity":%d,"unit_price":14900,"tax_rate":2500},`+
			`{"id":"2","reference":"COF-1","name":"Coffee","quantity":1,"unit_price":8900,"tax_rate":1200},{"id":"3","reference":"FLT-1","name":"Filters","quantity":1,"unit_price":3900,"tax_rate":2500}]}`, mug, b.mugs),
	}
}

// baskets are new sessions, with a form in a browser if it is to be open.
func (s *stage) baskets(ctx context.Context, open bool) ([]*basket, error) {
	list := make([]*basket, s.o.workers*perWorker)
	err := all(ctx, len(list), s.o.workers, func(ctx context.Context, i int) error {
		list[i] = &basket{&shopper{shop: s.shop, mugs: 1}, i}
		first := list[i].put()
		first.status = http.StatusCreated
		made, err := s.client.do(ctx, first)
		if err != nil || !open {
			return err
		}
		return s.openBasket(ctx, list[i], made)
	})
	return list, err
}

// openBasket opens the hosted page of a session.
func (s *stage) openBasket(ctx context.Context, b *basket, made answer) error {
	_, link, found := strings.Cut(string(made.body), `"url":"`)
	link, _, _ = strings.Cut(link, `"`)
	address, err := url.Parse(link)
	if err != nil || !found {
		return errors.New("the session has no link")
	}
	got, err := s.client.do(ctx, request{method: http.MethodGet, url: b.shop + address.Path, status: http.StatusSeeOther})
	if err != nil {
		return err
	}
	cookies := (&http.Response{Header: got.header}).Cookies()
	if len(cookies) == 0 {
		return errors.New("the link set no cookie")
	}
	page, err := s.client.do(ctx, request{
		method: http.MethodGet, url: fmt.Sprintf("%s/checkout/s/b-%d", b.shop, b.number), status: http.StatusOK,
		header: http.Header{"Cookie": {cookies[0].Name + "=" + cookies[0].Value}},
	})
	if err != nil {
		return err
	}
	return b.opened(page)
}

// puts changes baskets, with open forms or without any.
func puts(open bool) func(context.Context, *stage) (*driver, error) {
	return func(ctx context.Context, s *stage) (*driver, error) {
		list, err := s.baskets(ctx, open)
		if err != nil {
			return nil, err
		}
		shoppers := make([]*shopper, len(list))
		for i, b := range list {
			shoppers[i] = b.shopper
		}
		turn := turns(s.o.workers)
		return &driver{
			source: func(worker int) (job, bool) { return job{request: list[turn(worker)].put()}, true },
			check:  func(ctx context.Context) error { return s.agree(ctx, shoppers) },
		}, nil
	}
}

// keyed takes what a put takes, looks at the key alone, and answers what it answers.
func keyed(_ context.Context, s *stage) (*driver, error) {
	list := make([]*basket, s.o.workers*perWorker)
	for i := range list {
		list[i] = &basket{&shopper{shop: s.proxy, mugs: 1}, i}
	}
	turn := turns(s.o.workers)
	return &driver{source: func(worker int) (job, bool) {
		r := list[turn(worker)].put()
		r.header.Set(pageHeader, sessionBody)
		return job{request: r}, true
	}}, nil
}
