package cartsync

import (
	"errors"

	"github.com/shopd/shopd/internal/observe"
)

// Told is what an observer is told of a Sync that has ended with err; its product
// and IDs are the caller's to add.
func (e Ending) Told(mode Mode, err error) observe.Sync {
	return observe.Sync{Mode: mode.String(), Result: e.result(err), Replaced: string(e.Replaced)}
}

func (e Ending) result(err error) observe.SyncResult {
	switch {
	case errors.Is(err, ErrPurchaseRunning):
		return observe.SyncPurchaseRunning
	case errors.Is(err, ErrNothingToRepair):
		return observe.SyncNothingToRepair
	case errors.Is(err, ErrRefused):
		return observe.SyncRefused
	case err != nil:
		return observe.SyncUnavailable
	case e.Outcome == Empty:
		return observe.SyncEmpty
	case e.Outcome == Complete:
		return observe.SyncComplete
	case e.Outcome == Bought:
		return observe.SyncBought
	case e.Created && e.Replaced != "":
		return observe.SyncReplaced
	case e.Created:
		return observe.SyncCreated
	case e.Updated:
		return observe.SyncUpdated
	}
	return observe.SyncNothing
}
