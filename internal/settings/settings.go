// Package settings has the shop file: who the shop is, where it sells, how it delivers and
// what it asks Klarna for.
package settings

import (
	"net/mail"
	"time"

	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
)

// Shop is what a shop file says. It never changes and is shared.
type Shop struct {
	Name        string // 1 to 60 characters
	OrderPrefix string // of order numbers, 1 to 4 capital letters
	Contact     Contact
	Zone        *time.Location // of the back office, exports and e-mails
	Storefront  bool           // false: there are no shop pages
	Look        Look
	Pages       Pages
	Texts       i18n.Overrides // texts of the shop's own, by their key
	Markets     market.List    // at least one
	Checkout    Checkout
	Campaigns   campaign.List // of the shop's own pages
	Hooks       Hooks
	Mail        Mail
	Webhooks    []Webhook
	Measure     Measure
	Embed       []string  // the origins of pages that may hold the checkout of a session
	Withdrawal  int       // days in which shoppers in EU markets may withdraw; 0: no function for it
	Retention   Retention // for how long orders keep their personal data; zero: for ever
}

// Contact is who is behind the shop. Email is required.
type Contact struct{ Company, Registration, Email, Phone, Address string }

// Look is how the shop looks.
type Look struct {
	Logo        *File  // nil: the name alone
	Icons       []Icon // pictures of the shop on home screens, smallest first
	AccentLight string // of links and buttons on a light ground, "#0b5d3b"; "": the built-in one
	AccentDark  string // on a dark ground
	Radius      *int   // of corners, px; nil: the built-in one
	Stylesheet  *File  // served after ours; nil: none
}

// Icon is a square picture in PNG.
type Icon struct {
	*File
	Side int // pixels
}

// File is a file that pages link to.
type File struct {
	Name string // with its ending
	Data []byte
}

// Pages are the shop's own texts. Terms has every language of the markets or falls back as
// a [i18n.Text] does.
type Pages struct{ Terms, Privacy, Returns Page }

// Page is a page by language: HTML made from Markdown, or an https address. An empty Page
// is none.
type Page map[i18n.Lang]PageText

// PageText is a page in one language; one of the two is set.
type PageText struct{ HTML, URL string }

// Measure is a script of somebody else's that counts what shoppers do on the shop's pages.
type Measure struct {
	Script  string   // its https address; "": none
	Origins []string // that it calls and takes pictures from
}

// Retention is a time of whole years, months and days; zero is for ever.
type Retention struct{ Years, Months, Days int }

// Before is the time before which orders were bought whose time is over at now; zero is none.
func (r Retention) Before(now time.Time) time.Time {
	if r == (Retention{}) {
		return time.Time{}
	}
	return now.AddDate(-r.Years, -r.Months, -r.Days)
}

// Mail is what the shop writes to those who buy.
type Mail struct {
	From     mail.Address // Address "": nothing is sent
	Send     []MailKind
	Sessions bool // also for orders of checkout sessions
}

// MailKind is why a mail is written.
type MailKind string

// The kinds of mail.
const (
	MailPlaced    MailKind = "order_placed"
	MailShipped   MailKind = "order_shipped"
	MailRefunded  MailKind = "order_refunded"
	MailCancelled MailKind = "order_cancelled"
	// MailWithdrawal acknowledges a statement of withdrawal. The law wants it, so the shop file
	// cannot leave it out.
	MailWithdrawal MailKind = "order_withdrawal"
)

// MailKinds are those that a shop file chooses from.
func MailKinds() []MailKind { return []MailKind{MailPlaced, MailShipped, MailRefunded, MailCancelled} }
