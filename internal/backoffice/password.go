package backoffice

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/crypto/bcrypt"
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

// check compares the password of a name. It takes as long for every name, known or not, and
// whatever its hash costs: as long as the team's most expensive hash.
func (t Team) check(name, password string) (Member, bool) {
	member, known := t[name]
	most := t.cost()
	if !known {
		return member, matches(nobody(most), password)
	}
	right := matches(member.hash, password)
	// One more is twice the time: with all costs in between, the sum is that of the most expensive hash.
	for cost := member.cost(); cost < most; cost++ {
		matches(nobody(cost), password)
	}
	return member, right
}

func matches(hash []byte, password string) bool {
	return bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil
}

// cost is that of the team's most expensive hash.
func (t Team) cost() int {
	most := bcrypt.MinCost
	for _, m := range t {
		most = max(most, m.cost())
	}
	return most
}

// cost is that of the member's hash, which was checked when it was read.
func (m Member) cost() int {
	cost, _ := bcrypt.Cost(m.hash)
	return cost
}

// nobody is a hash without a known password.
func nobody(cost int) []byte {
	return fmt.Appendf(nil, "$2a$%02d$epmndmtWt47ApsQ3FLP8CeuY1PxXUCMRMiwQJ/93SI/BUL6rnbR9C", cost)
}
