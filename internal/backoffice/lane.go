package backoffice

import (
	"context"
	"time"
)

const (
	// maxPassword is the longest password, in bytes: bcrypt reads no more of one.
	maxPassword = 72
	// laneWait is how long a sign-in waits for those before it.
	laneWait = 5 * time.Second
)

// lane is where passwords are checked, one at a time: that takes a processor for up to a
// second, and shoppers need them too.
type lane chan struct{}

func newLane() lane { return make(lane, 1) }

// enter waits for its turn, at most laneWait. Who has entered must leave.
func (l lane) enter(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, laneWait)
	defer cancel()
	select {
	case l <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l lane) leave() { <-l }
