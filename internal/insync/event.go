package insync

import "github.com/shopd/shopd/internal/cartsync"

// observe tells of the run, which has ended with err.
func (r *Run) observe(mode Mode, err error) {
	if r.Observe != nil {
		ending := cartsync.Ending{Outcome: r.Outcome, Created: r.created, Updated: r.Updated, Replaced: r.replaced}
		r.Observe(ending.Event(mode, err))
	}
}
