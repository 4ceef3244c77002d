package event

import (
	"context"
	"math/rand/v2"
	"time"
)

// settleWait is how long answers wait for others, so that they are stored together.
const settleWait = 10 * time.Millisecond

// steady delivers to one receiver, AtOnce at once: a try that takes its time, or an event
// that fails again and again, keeps no other event from its turn. What is new comes first;
// what failed has half of the places at most.
func (d *Delivery) steady(ctx context.Context, r *Receiver) {
	type ended struct {
		outcome
		again bool // it was no first try
	}
	results := make(chan ended, r.AtOnce)
	busy, again := 0, 0
	start := func(list []underway, isAgain bool) {
		for _, u := range list {
			busy++
			if isAgain {
				again++
			}
			go func() { results <- ended{d.try(ctx, r, u), isAgain} }()
		}
	}
	// collect waits for a result, or until a time, and stores all that are there: a few more are worth a short wait, for
	// they cost one transaction together.
	collect := func(until <-chan time.Time, done <-chan struct{}) error {
		var list []outcome
		take := func(e ended) {
			busy--
			if e.again {
				again--
			}
			list = append(list, e.outcome)
		}
		select {
		case e := <-results:
			take(e)
			for late := time.After(settleWait); late != nil && busy > 0 && len(list) < r.AtOnce/2; {
				select {
				case e := <-results:
					take(e)
				case <-late:
					late = nil
				}
			}
		case <-until:
		case <-done:
		}
		for len(results) > 0 && len(list) < MaxLimit {
			take(<-results)
		}
		return d.settle(ctx, r, list)
	}
	for ctx.Err() == nil {
		taken, err := 0, error(nil)
		if free := min(r.AtOnce-busy, MaxLimit); free > 0 {
			var fresh []underway
			fresh, err = d.takeNew(ctx, r, free)
			start(fresh, false)
			taken = len(fresh)
		}
		if places := min(r.AtOnce-busy, r.AtOnce/2-again); err == nil && places > 0 {
			var due []underway
			due, err = d.takeDue(ctx, r, places)
			start(due, true)
			taken += len(due)
		}
		pause := deliverEvery
		switch {
		case err != nil && ctx.Err() == nil:
			d.Logger.ErrorContext(ctx, "events are not delivered now", "receiver", r.Name, "error", err)
			pause = deliverPause
		case taken > 0 && busy < r.AtOnce:
			pause = 0
		}
		if err := collect(time.After(pause/2+rand.N(pause/2+1)), ctx.Done()); err != nil { //nolint:gosec // jitter
			d.Logger.ErrorContext(ctx, "what was delivered is not stored", "receiver", r.Name, "error", err) // it comes again
		}
	}
	for busy > 0 {
		if err := collect(nil, nil); err != nil {
			d.Logger.ErrorContext(ctx, "what was delivered is not stored", "receiver", r.Name, "error", err)
		}
	}
}
