package team

import (
	"fmt"

	"golang.org/x/crypto/bcrypt"
)

// Check compares the password of a name. It takes as long for every name, known or not, and
// whatever its hash costs: as long as the team's most expensive hash.
func (t Team) Check(name, password string) (Member, bool) {
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
