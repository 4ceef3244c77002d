package fakeklarna

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// persona is how a shopper's purchase ends. The e-mail address decides, as on Klarna's
// playground. The zero value is approved.
// Source: docs.klarna.com, Sample customer data.
type persona struct {
	Denied         bool
	TechnicalError bool
	Pending        bool          // approved, and checked for fraud
	Accepted       bool          // how the check ends
	After          time.Duration // from the purchase to the end of the check
}

var pendingEmail = regexp.MustCompile(`\+pend-(accept|reject)-(\d\d)@`)

// personaOf returns the persona of an e-mail address: name+denied@…,
// name+pend-accept-05@…, name+pend-reject-05@… (minutes), name+error@….
func personaOf(email string) persona {
	if m := pendingEmail.FindStringSubmatch(email); m != nil {
		minutes, _ := strconv.Atoi(m[2]) // two digits
		return persona{Pending: true, Accepted: m[1] == "accept", After: time.Duration(minutes) * time.Minute}
	}
	return persona{
		Denied:         strings.Contains(email, "+denied@"),
		TechnicalError: strings.Contains(email, "+error@"),
	}
}
