package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// basicAuth is what the fake's API asks for.
var basicAuth = "Basic " + base64.StdEncoding.EncodeToString([]byte(klarnaUser+":"+klarnaPassword))

// stage is one round of one benchmark: fresh processes, and who talks to them.
type stage struct {
	o           options
	rig         *rig
	client      *client // the load
	fake        fakeControl
	shop, proxy string // addresses of shopd and the baseline

	redisProcess, fakeProcess, shopdProcess, proxyProcess *process

	bodies map[string]string // prepared for the baseline
}

// newStage starts everything. The caller closes the rig, also after an error.
func newStage(ctx context.Context, o options, r *rig) (*stage, error) {
	s := &stage{o: o, rig: r, client: newClient(o.workers)}
	var at stores
	var klarnaURL string
	var err error
	if s.redisProcess, at, err = r.stores(ctx); err != nil {
		return nil, err
	}
	if s.fakeProcess, klarnaURL, err = r.fake(ctx); err != nil {
		return nil, err
	}
	if s.shopdProcess, err = r.shopd(ctx, at, klarnaURL); err != nil {
		return nil, err
	}
	s.shop, s.fake = s.shopdProcess.ready["storefront"], fakeControl{klarnaURL, newClient(2)}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	if s.proxyProcess, err = r.baseline(ctx, klarnaURL, s.bodies); err != nil {
		return nil, err
	}
	s.proxy = s.proxyProcess.ready["baseline"]
	return s, nil
}

// prepare lets shopd do everything once and takes down what it sends to Klarna
// and answers, so that the baseline can do the same.
func (s *stage) prepare(ctx context.Context) error {
	first, err := s.shoppers(ctx, 1, true)
	if err != nil {
		return err
	}
	for range 2 {
		if _, err := s.client.do(ctx, first[0].update()); err != nil {
			return err
		}
	}
	if s.bodies, err = s.fake.bodies(ctx); err != nil {
		return err
	}
	page, err := s.client.do(ctx, first[0].catalogue())
	if err != nil {
		return err
	}
	validation, err := s.validation(ctx, first[0].orderID)
	if err != nil {
		return err
	}
	session := (&basket{&shopper{shop: s.shop, mugs: 1}, s.o.workers * perWorker}).put() // whose number no other has
	session.status = http.StatusCreated
	put, err := s.client.do(ctx, session)
	if err != nil {
		return err
	}
	s.bodies[sessionBody] = string(put.body)
	s.bodies[pageBody], s.bodies[emptyBody], s.bodies[validationBody] = string(page.body), "", validation.body
	return s.fake.reset(ctx)
}

// shoppers are new ones with a cart, and with an order if the checkout is to be open.
func (s *stage) shoppers(ctx context.Context, n int, open bool) ([]*shopper, error) {
	list := make([]*shopper, n)
	err := all(ctx, n, s.o.workers, func(ctx context.Context, i int) (err error) {
		if list[i], err = newShopper(ctx, s.client, s.shop); err != nil || !open {
			return err
		}
		page, err := s.client.do(ctx, list[i].open())
		if err != nil {
			return err
		}
		return list[i].opened(page)
	})
	return list, err
}

// agree checks that Klarna has one order for each shopper, which says what the
// shopper asked for last.
func (s *stage) agree(ctx context.Context, shoppers []*shopper) error {
	orders, err := s.fake.orders(ctx)
	if err != nil {
		return err
	}
	mugs := map[string]int{}
	for _, o := range orders {
		mugs[o.OrderID] = o.mugs()
	}
	for _, shopper := range shoppers {
		if shopper.orderID != "" && mugs[shopper.orderID] != shopper.mugs {
			return fmt.Errorf("order %s has %d mugs, the shopper asked for %d", shopper.orderID, mugs[shopper.orderID], shopper.mugs)
		}
		delete(mugs, shopper.orderID)
	}
	if len(mugs) > 0 {
		return fmt.Errorf("klarna has %d orders that no shopper knows of", len(mugs))
	}
	return nil
}

// sample is what one side did in one or more rounds.
type sample struct {
	times   *hdrhistogram.Histogram
	seconds float64
	used    counters
}

// burstLimit is how long a burst may take, which ends by itself.
const burstLimit = time.Minute

// measure puts the load of a benchmark on one side. Every call of Klarna's
// takes latency longer.
func (s *stage) measure(ctx context.Context, b benchmark, server *process, make func(context.Context, *stage) (*driver, error), latency time.Duration) (sample, error) {
	total := sample{times: newHistogram()}
	d, err := make(ctx, s)
	if err != nil {
		return total, err
	}
	limit := s.o.warm // of the first burst, which is not counted
	profiled := func() error { return nil }
	var spent time.Duration
	for warm := true; warm || spent < s.o.duration && (d.arm != nil || spent == 0); warm = false {
		if d.arm != nil {
			if err := d.arm(ctx); err != nil {
				return total, err
			}
		}
		if err := s.fake.slow(ctx, latency); err != nil {
			return total, err
		}
		if !warm && spent == 0 {
			profiled = s.profile(ctx, b, server, latency)
		}
		before, err := s.count(ctx, server)
		if err != nil {
			return total, err
		}
		if d.arm != nil {
			limit = burstLimit
		}
		times := newHistogram()
		took, err := press(ctx, s.client, s.o.workers, limit, d.source, times)
		if err != nil {
			return total, errors.Join(err, server.failed("its log"))
		}
		after, err := s.count(ctx, server)
		if err != nil {
			return total, err
		}
		if err := s.fake.slow(ctx, 0); err != nil {
			return total, err
		}
		if !warm {
			total.times.Merge(times)
			total.used = total.used.plus(before, after)
			spent += took
		}
		limit = s.o.duration
	}
	total.seconds = spent.Seconds()
	if got, want := total.used.Calls, b.calls*float64(total.times.TotalCount()); got != want {
		return total, fmt.Errorf("%s made %.0f calls to Klarna, want %.0f", server.name, got, want)
	}
	if err := profiled(); err != nil || d.check == nil {
		return total, err
	}
	return total, d.check(ctx)
}

// count reads the counters of all processes.
func (s *stage) count(ctx context.Context, server *process) (counters, error) {
	url, calls := s.proxy, baselineCalls
	if server == s.shopdProcess {
		url, calls = server.ready["ops"], shopdCalls
	}
	// Before the metrics are read, which is work too.
	c := counters{Sent: s.client.sent.Load(), Received: s.client.received.Load()}
	var errs [5]error
	c.Own, errs[0] = server.cpu()
	c.Redis, errs[1] = s.redisProcess.cpu()
	c.Postgres, errs[2] = s.rig.postgres.cpuOfAll()
	c.Fake, errs[3] = s.fakeProcess.cpu()
	values, err := metrics(ctx, s.fake.c, url, mallocs, calls)
	errs[4] = err
	c.Allocations, c.Calls = values[mallocs], values[calls]
	return c, errors.Join(errs[:]...)
}
