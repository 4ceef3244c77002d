package ordermanagement

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Platform is the company that serves the API.
type Platform string

// The platforms. Paths, headers, errors and states are the same on both.
const (
	Klarna Platform = "klarna"
	Kustom Platform = "kustom"
)

// ErrNotOffered: the platform does not have the operation. It was not asked.
var ErrNotOffered = errors.New("the platform does not offer it")

// ParsePlatform reads the name of a platform.
func ParsePlatform(name string) (Platform, error) {
	switch p := Platform(name); p {
	case Klarna, Kustom:
		return p, nil
	}
	return "", fmt.Errorf("%q is neither %s nor %s", name, Klarna, Kustom)
}

// PlatformOf returns the platform of an API's host: Kustom's hosts end in
// .kustom.co, all others are Klarna's.
func PlatformOf(host string) Platform {
	host = strings.ToLower(host)
	if host == "kustom.co" || strings.HasSuffix(host, ".kustom.co") {
		return Kustom
	}
	return Klarna
}

// Rules are the differences between the platforms.
type Rules struct {
	DueDates bool // the due date of a capture can be put off
	SendOut  bool // the message about a capture can be sent again

	// ExtendDays: the time for captures can be extended to this many days after the purchase
	// at most.
	ExtendDays int
	// ExtendSince: an order from before cannot be extended. Zero: its age does not matter.
	ExtendSince time.Time
	// ExtendNotIn are the purchase countries whose orders cannot be extended.
	ExtendNotIn []string
	// ExtendNotBy are the types of PaymentMethod whose orders cannot be extended, because the
	// money is not with Klarna.
	ExtendNotBy []string

	RefundExpired bool // what was captured of an order before it expired can be refunded
	RefundClosed  bool // a closed order that is not fully refunded can be refunded
}

// Rules returns the platform's rules. Source: docs.klarna.com, Extended authorization
// expiration, Refund orders and manage authorizations; docs.kustom.co, Order management.
// Not documented: the payment types that Klarna itself does not pay, and Klarna's refunds
// of expired and closed orders.
func (p Platform) Rules() Rules {
	if p == Kustom {
		return Rules{
			ExtendDays:  90,
			ExtendSince: time.Date(2025, time.September, 25, 0, 0, 0, 0, time.UTC),
			ExtendNotIn: []string{"ES", "FR", "IT", "PT"},
			ExtendNotBy: []string{"ALTERNATIVE_PAYMENT_METHOD", "MOBILEPAY", "OTHER", "SWISH"},

			RefundClosed: true,
		}
	}
	return Rules{DueDates: true, SendOut: true, ExtendDays: 180, RefundExpired: true}
}
