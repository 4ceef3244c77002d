package cartsync

import (
	"context"
	"errors"

	"github.com/shopd/shopd/internal/observe"
)

// Tell reports a Sync that ended with err to an observer. told has its product, revision
// and IDs; Changed may be set also when the copy did not change.
func (e Ending) Tell(ctx context.Context, o *observe.Observer, mode Mode, err error, told observe.Sync) {
	told.Mode, told.Result, told.Replaced = mode.String(), e.result(err), string(e.Replaced)
	if !e.Created && !e.Updated {
		told.Changed = ""
	}
	o.Sync(ctx, told)
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
	case e.Outcome == Free, e.Outcome == ToPay:
		return observe.SyncFree
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
