package aftersale

import (
	"context"
	"time"
)

// WorkBulks works on all bulk jobs.
func (d *Desk) WorkBulks(ctx context.Context) error { return d.workBulks(ctx, time.Now(), time.Time{}) }
