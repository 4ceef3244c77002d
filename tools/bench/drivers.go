package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
)

// benchmark is one of the requests that are measured.
type benchmark struct {
	id, name string
	calls    float64 // to Klarna, by one request
	shopd    func(ctx context.Context, s *stage) (*driver, error)
	baseline func(ctx context.Context, s *stage) (*driver, error)
}

// driver makes the load of one benchmark on one side.
type driver struct {
	// arm makes the next burst possible, which ends when source has no more; nil:
	// there is one burst, and source never ends.
	arm    func(ctx context.Context) error
	source source
	// check compares what Klarna has with what was asked for, after the last request.
	check func(ctx context.Context) error
}

var benchmarks = []benchmark{
	{"a", "checkout, cart unchanged", 1, unchanged, proxied(true, false)},
	{"b", "checkout, cart changed", 2, changed, proxied(true, true)},
	{"c", "update of the open page", 1, updates, proxied(false, true)},
	{"d", "first checkout", 1, creates, proxiedCreates},
	{"e", "catalogue", 0, catalogue, fixed},
	{"f", "validation callback", 0, validations, fixedEmpty},
	{"g", "PUT of a session, form open", 1, puts(true), proxied(false, true)},
	{"h", "PUT of a session, no form", 0, puts(false), keyed},
}

// perWorker is how many shoppers a worker of a single burst takes in turn.
const perWorker = 4

// take hands out the shoppers of a burst, each of them once.
type take struct {
	next atomic.Int64
	n    int
}

func (t *take) one() (int, bool) {
	i := int(t.next.Add(1)) - 1
	return i, i < t.n
}

// turns lets each worker take shoppers of its own in turn, so that none has two
// requests at once.
func turns(workers int) func(worker int) int {
	turn := make([]int, workers)
	return func(worker int) int {
		turn[worker]++
		return worker*perWorker + turn[worker]%perWorker
	}
}

// unchanged loads the checkout of shoppers who have an order.
func unchanged(ctx context.Context, s *stage) (*driver, error) {
	shoppers, err := s.shoppers(ctx, s.o.workers*perWorker, true)
	if err != nil {
		return nil, err
	}
	turn := turns(s.o.workers)
	return &driver{
		source: func(worker int) (job, bool) { return job{request: shoppers[turn(worker)].open()}, true },
		check:  func(ctx context.Context) error { return s.agree(ctx, shoppers) },
	}, nil
}

// changed loads it after each of them has changed the cart elsewhere.
func changed(ctx context.Context, s *stage) (*driver, error) {
	shoppers, err := s.shoppers(ctx, s.o.burst, true)
	if err != nil {
		return nil, err
	}
	queue := &take{}
	return &driver{
		arm: func(ctx context.Context) error {
			queue = &take{n: len(shoppers)}
			return all(ctx, len(shoppers), s.o.workers, func(ctx context.Context, i int) error {
				_, err := s.client.do(ctx, shoppers[i].change())
				return err
			})
		},
		source: func(int) (job, bool) {
			i, ok := queue.one()
			if !ok {
				return job{}, false
			}
			return job{request: shoppers[i].open()}, true
		},
		check: func(ctx context.Context) error { return s.agree(ctx, shoppers) },
	}, nil
}

// updates changes the cart on the open page.
func updates(ctx context.Context, s *stage) (*driver, error) {
	shoppers, err := s.shoppers(ctx, s.o.workers*perWorker, true)
	if err != nil {
		return nil, err
	}
	turn := turns(s.o.workers)
	return &driver{
		source: func(worker int) (job, bool) { return job{request: shoppers[turn(worker)].update()}, true },
		check:  func(ctx context.Context) error { return s.agree(ctx, shoppers) },
	}, nil
}

// creates loads the checkout of shoppers who have no order yet.
func creates(_ context.Context, s *stage) (*driver, error) {
	var shoppers, everybody []*shopper
	queue := &take{}
	return &driver{
		arm: func(ctx context.Context) (err error) {
			queue = &take{n: s.o.burst}
			shoppers, err = s.shoppers(ctx, s.o.burst, false)
			everybody = append(everybody, shoppers...)
			return err
		},
		source: func(int) (job, bool) {
			i, ok := queue.one()
			if !ok {
				return job{}, false
			}
			return job{shoppers[i].open(), shoppers[i].opened}, true
		},
		check: func(ctx context.Context) error { return s.agree(ctx, everybody) },
	}, nil
}

// catalogue loads the first page, with a cart.
func catalogue(ctx context.Context, s *stage) (*driver, error) {
	shoppers, err := s.shoppers(ctx, s.o.workers*perWorker, false)
	if err != nil {
		return nil, err
	}
	turn := turns(s.o.workers)
	return &driver{source: func(worker int) (job, bool) {
		return job{request: shoppers[turn(worker)].catalogue()}, true
	}}, nil
}

// catalogue is the request for the first page.
func (s *shopper) catalogue() request { return s.page("/") }

// validations asks whether an order may be bought, again and again: the answer
// reserves its goods anew.
func validations(ctx context.Context, s *stage) (*driver, error) {
	shoppers, err := s.shoppers(ctx, s.o.workers*perWorker, true)
	if err != nil {
		return nil, err
	}
	requests := make([]request, len(shoppers))
	for i, shopper := range shoppers {
		if requests[i], err = s.validation(ctx, shopper.orderID); err != nil {
			return nil, err
		}
	}
	turn := turns(s.o.workers)
	return &driver{source: func(worker int) (job, bool) { return job{request: requests[turn(worker)]}, true }}, nil
}

// validation is what Klarna sends before it lets an order be bought.
func (s *stage) validation(ctx context.Context, orderID string) (request, error) {
	o, raw, err := s.fake.order(ctx, orderID)
	if err != nil {
		return request{}, err
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return request{}, err
	}
	delete(members, "fake") // what only the fake's own interface tells
	body, err := json.Marshal(members)
	if err != nil {
		return request{}, err
	}
	address, err := url.Parse(o.filled(o.URLs.Validation))
	if err != nil {
		return request{}, err
	}
	return request{method: http.MethodPost, url: s.shop + address.RequestURI(), body: string(body), status: http.StatusOK}, nil
}

// proxied sends what a shopper sends to a baseline that reads the order, updates
// it, or first one and then the other.
func proxied(reads, updates bool) func(context.Context, *stage) (*driver, error) {
	return func(ctx context.Context, s *stage) (*driver, error) {
		shoppers, err := s.strangers(ctx, s.o.workers*perWorker)
		if err != nil {
			return nil, err
		}
		turn := turns(s.o.workers)
		return &driver{
			source: func(worker int) (job, bool) {
				shopper := shoppers[turn(worker)]
				var r request
				switch {
				case !reads:
					r = shopper.update()
				case updates:
					shopper.toggle()
					fallthrough
				default:
					r = shopper.open()
				}
				r.header = r.header.Clone()
				r.header.Set(orderHeader, shopper.orderID)
				if reads {
					r.header.Set(readHeader, "1")
				}
				if updates {
					r.header.Set(bodyHeader, bodyName(shopper.mugs))
				}
				r.texts = []string{fmt.Sprintf(`"order_id":%q`, shopper.orderID)}
				return job{request: r}, true
			},
			check: func(ctx context.Context) error { return s.agree(ctx, shoppers) },
		}, nil
	}
}

// proxiedCreates makes an order by each request.
func proxiedCreates(_ context.Context, s *stage) (*driver, error) {
	queue := &take{}
	stranger := s.stranger()
	stranger.header.Set(bodyHeader, createBody)
	r := stranger.open()
	r.status, r.texts = http.StatusCreated, []string{`"order_id":"`}
	var made atomic.Int64
	return &driver{
		arm: func(context.Context) error {
			queue = &take{n: s.o.burst}
			return nil
		},
		source: func(int) (job, bool) {
			_, ok := queue.one()
			return job{r, func(answer) error { made.Add(1); return nil }}, ok
		},
		check: func(ctx context.Context) error {
			orders, err := s.fake.orders(ctx)
			if err == nil && len(orders) != int(made.Load()) {
				err = fmt.Errorf("klarna has %d orders, want %d", len(orders), made.Load())
			}
			return err
		},
	}, nil
}

// fixed answers the bytes of the catalogue's page.
func fixed(_ context.Context, s *stage) (*driver, error) {
	stranger := s.stranger()
	stranger.header.Set(pageHeader, pageBody)
	return &driver{source: func(int) (job, bool) { return job{request: stranger.catalogue()}, true }}, nil
}

// fixedEmpty takes what the validation takes, and answers nothing.
func fixedEmpty(_ context.Context, s *stage) (*driver, error) {
	r := request{
		method: http.MethodPost, url: s.proxy + "/klarna/validation", body: s.bodies[validationBody],
		header: http.Header{pageHeader: {emptyBody}}, status: http.StatusOK,
	}
	return &driver{source: func(int) (job, bool) { return job{request: r}, true }}, nil
}

// The further bodies that are prepared.
const (
	pageBody       = "page"
	emptyBody      = "empty"
	validationBody = "validation"
	sessionBody    = "session"
)

// stranger is a shopper as the baseline sees one: like shopd's, by the bytes
// that are sent, but nobody knows the cookie.
func (s *stage) stranger() *shopper {
	cookie := "shopd=" + string(bytes.Repeat([]byte("x"), 43))
	return &shopper{shop: s.proxy, mugs: 1, header: http.Header{"Cookie": {cookie}}}
}

// strangers are shoppers with an order that the benchmark made itself.
func (s *stage) strangers(ctx context.Context, n int) ([]*shopper, error) {
	list := make([]*shopper, n)
	err := all(ctx, n, s.o.workers, func(ctx context.Context, i int) error {
		list[i] = s.stranger()
		var made order
		err := s.client.json(ctx, request{
			method: http.MethodPost, url: s.fake.url + klarnaOrders, body: s.bodies[createBody], status: http.StatusCreated,
			header: http.Header{"Authorization": {basicAuth}},
		}, &made)
		list[i].orderID = made.OrderID
		return err
	})
	return list, err
}
