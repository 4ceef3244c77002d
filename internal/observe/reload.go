package observe

import "context"

// Reload reports that secrets, staff and keys were read again. err says why the former stay.
func (o *Observer) Reload(ctx context.Context, err error) {
	if o == nil {
		return
	}
	if err != nil {
		o.metrics.reloads.WithLabelValues(string(ResultFailed)).Inc()
		o.metrics.reloadFailed.Set(1)
		o.o.Logger.ErrorContext(ctx, "the settings were not read again, the former stay", "error", err)
		return
	}
	o.metrics.reloads.WithLabelValues(string(ResultDone)).Inc()
	o.metrics.reloadFailed.Set(0)
	o.o.Logger.InfoContext(ctx, "secrets, staff and keys were read again")
}
