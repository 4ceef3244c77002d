// Package team knows who may use the back office: names, roles and passwords.
package team

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/crypto/bcrypt"

	"github.com/shopd/shopd/internal/permission"
)

// Staff is a signed-in member of staff.
type Staff struct {
	Name string
	Role permission.Holder // View or Manage
}

// May reports whether staff have a right.
func (s Staff) May(right permission.Right) bool { return s.Role.Has(right) }

// Member is a person with a password for the back office.
type Member struct {
	Staff
	hash []byte // of the password, by bcrypt
}

// Proof identifies the current password without revealing it. A session with another one
// is over.
func (m Member) Proof() string {
	sum := sha256.Sum256(m.hash)
	return hex.EncodeToString(sum[:])
}

// Team has the members by name.
type Team map[string]Member

const (
	maxName = 64 // bytes
	// maxCost limits the time of one try to sign in: 2^14 rounds take about a second.
	maxCost = 14
)

// Parse reads lines name:role:bcrypt-hash and skips empty ones. It reports every bad
// line by its number, never with its hash.
func Parse(text string) (Team, error) {
	team := Team{}
	var problems []error
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		m, err := parseMember(line)
		if _, known := team[m.Name]; err == nil && known {
			err = errors.New("the name is on a line before")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w", i+1, err))
			continue
		}
		team[m.Name] = m
	}
	return team, errors.Join(problems...)
}

func parseMember(line string) (Member, error) {
	parts := strings.SplitN(line, ":", 3)
	if len(parts) < 3 {
		return Member{}, errors.New("is not name:role:bcrypt-hash")
	}
	m := Member{Staff: Staff{Name: parts[0], Role: permission.Holder(parts[1])}, hash: []byte(parts[2])}
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	if m.Name == "" || len(m.Name) > maxName || strings.TrimSpace(m.Name) != m.Name || strings.ContainsFunc(m.Name, unprintable) {
		return Member{}, fmt.Errorf("a name has 1 to %d printable characters and no space around it", maxName)
	}
	if m.Role != permission.View && m.Role != permission.Manage {
		return Member{}, errors.New("the role is neither view nor manage")
	}
	if cost, err := bcrypt.Cost(m.hash); err != nil || len(m.hash) != 60 {
		return Member{}, errors.New("what follows the role is not a bcrypt hash")
	} else if cost > maxCost {
		return Member{}, fmt.Errorf("the hash has cost %d, at most %d", cost, maxCost)
	}
	return m, nil
}
