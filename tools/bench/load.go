package main

import (
	"context"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sync/errgroup"
)

// job is a request, and what looks at its answer; nil: nothing does.
type job struct {
	request
	look func(answer) error
}

// source returns the next job of a worker, false when there is none left.
type source func(worker int) (job, bool)

// maxLatency is the longest time of a request that can be told from longer ones, in µs.
const maxLatency = int64(time.Minute / time.Microsecond)

// newHistogram returns one of times in µs, right to three digits.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, maxLatency, 3) }

// press lets each worker send one request after the other until the time is up
// or nothing is left, but one at least, and returns how long that took. Each
// worker keeps a connection. The times of the requests are added to times; an answer that is
// not the wanted one ends all with an error.
func press(ctx context.Context, c *client, workers int, limit time.Duration, next source, times *hdrhistogram.Histogram) (time.Duration, error) {
	var mu sync.Mutex
	start := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for worker := range workers {
		g.Go(func() error {
			own := newHistogram()
			defer func() {
				mu.Lock()
				times.Merge(own)
				mu.Unlock()
			}()
			for first := true; first || time.Since(start) < limit; first = false {
				job, ok := next(worker)
				if !ok {
					return nil
				}
				begin := time.Now()
				got, err := c.do(ctx, job.request)
				took := time.Since(begin).Microseconds()
				if err != nil {
					return err
				}
				if job.look != nil {
					if err := job.look(got); err != nil {
						return err
					}
				}
				if err := own.RecordValue(min(took, maxLatency)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	return time.Since(start), err
}

// all does something with each of n things, workers at a time.
func all(ctx context.Context, n, workers int, do func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i := range n {
		g.Go(func() error { return do(ctx, i) })
	}
	return g.Wait()
}
