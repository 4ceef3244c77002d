package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// growthRequest is a request whose time must not depend on how many sessions there are.
type growthRequest struct {
	name string
	next func(s *site, i int) request // the i-th to a site
}

var growthRequests = []growthRequest{
	{"GET /cart", func(s *site, _ int) request {
		by := visitor{token: copyToken(rand.N(s.copies))} //nolint:gosec // no secret
		return s.request(by, http.MethodGet, "/cart", "", `action="/cart/lines/`)
	}},
	{"GET /checkout, unchanged order", func(s *site, i int) request { return s.open(s.real[i%len(s.real)]) }},
	{"POST /checkout/update", func(s *site, i int) request {
		by := s.real[i%len(s.real)]
		quantity := 1 + i/len(s.real)%2 // another one than the time before
		return s.request(by, http.MethodPost, "/checkout/update",
			fmt.Sprintf(`{"order_id":%q,"lines":[{"sku":%q,"quantity":%d}]}`, by.orderID, by.skus[0], quantity), showsOrder)
	}},
}

// timing is the time of a request at a site against the same at the smallest site.
type timing struct {
	Requests int     `json:"requests"`
	Median   float64 `json:"median_ratio"`
	P99      float64 `json:"p99_ratio"`
}

// growthTimes are the timings of a request by site, the second site being as small as
// the first: how far it is from 1 is how far chance goes.
type growthTimes struct {
	Request string   `json:"request"`
	Sites   []timing `json:"sites"`
}

// turn is how many requests of a kind go to a site before it is another one's turn.
const turn = 5

// timeRequests sends each request to each site, rounds turns long, by turns, so that
// whatever else happens on the machine hits all sites alike.
func timeRequests(ctx context.Context, sites []*site, rounds int) ([]growthTimes, error) {
	var all []growthTimes
	for _, request := range growthRequests {
		took := make([][]time.Duration, len(sites))
		for round := range rounds + 1 {
			for k := range sites {
				at := (k + round) % len(sites) // nobody is always the first
				for j := range turn {
					one, err := sites[at].timed(ctx, request, round*turn+j)
					if err != nil {
						return nil, sites[at].shop.failed(fmt.Sprintf("%d sessions: %v", sites[at].size, err))
					}
					if round > 0 { // the first is to warm up
						took[at] = append(took[at], one)
					}
				}
			}
		}
		timings, err := against(took)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", request.name, err)
		}
		all = append(all, growthTimes{request.name, timings})
	}
	return all, nil
}

// against compares times with the first ones.
func against(took [][]time.Duration) ([]timing, error) {
	timings := make([]timing, len(took))
	for i, list := range took {
		if len(list) == 0 {
			return nil, errors.New("nothing was timed")
		}
		slices.Sort(list)
		timings[i] = timing{len(list), timesOf(list, took[0], .5), timesOf(list, took[0], .99)}
	}
	return timings, nil
}

// quantile of a sorted list, q from 0 to below 1.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)))]
}

// timesOf is a quantile of one sorted list against that of another.
func timesOf(list, other []time.Duration, q float64) float64 {
	return ratio(float64(quantile(list, q)), float64(quantile(other, q)))
}

// timed sends the i-th request of a kind and returns how long it took until the last byte.
func (s *site) timed(ctx context.Context, of growthRequest, i int) (time.Duration, error) {
	r := of.next(s, i)
	start := time.Now()
	_, err := s.client.do(ctx, r)
	return time.Since(start), err
}
