package templates

import (
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/i18n"
)

// Shop is who the shop is. Every page says it.
type Shop struct {
	Name    string
	Logo    string // address of its picture; "" = the name alone
	Icon    string // address of the picture beside the page's title
	Icons   []Icon // in PNG, smallest first
	Look    string // address of the style sheet with its colours; "" = the built-in ones
	Sheet   string // address of its own style sheet; "" = none
	Contact Contact
	// Terms, Privacy and Returns are the addresses of its pages; "" = there is none.
	Terms, Privacy, Returns string
	Texts                   i18n.Overrides
	Countries               []Country // where it sells
	Categories              []Category

	parts *parts // of its pages, remembered; nil: they are not
}

// Country is a country of the market panel.
type Country struct {
	Code     string   // alpha-2
	Currency string   // ISO 4217
	Locales  []string // of the market, its default first
}

// Category is a shelf of the catalogue.
type Category struct {
	ID   string // in addresses
	Name Text
}

// Icon is a square picture in PNG.
type Icon struct {
	URL  string
	Side int // pixels
}

// touch is the icon for home screens that take no SVG: of at least 180 pixels, else the largest. "" = none.
func (s Shop) touch() (url string) {
	for _, icon := range s.Icons {
		if url = icon.URL; icon.Side >= 180 {
			break
		}
	}
	return url
}

// Contact is who is behind the shop. What is "" is not shown.
type Contact struct{ Company, Registration, Email, Phone, Address string }

// shopPage is a page of the shop's own, with the key of what it is called.
type shopPage struct{ key, url string }

// pages are the pages that the shop has.
func (s Shop) pages() []shopPage {
	return slices.DeleteFunc([]shopPage{{"pages.terms", s.Terms}, {"pages.privacy", s.Privacy}, {"pages.returns", s.Returns}}, func(p shopPage) bool { return p.url == "" })
}

// sender is whom a parcel comes from, in one line.
func (s Shop) sender() string {
	parts := []string{s.Contact.Company, s.Contact.Address, s.Contact.Phone, s.Contact.Email}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// dialled is a phone number as a link to it has it.
func dialled(phone string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, phone)
}

// languages are those of all markets, in our order. Each market has some of them: the script
// shows those of the chosen one.
func (s Shop) languages() (all []i18n.Lang) {
	for _, l := range i18n.Langs() {
		if slices.ContainsFunc(s.Countries, func(c Country) bool {
			return slices.ContainsFunc(c.Locales, func(locale string) bool { return i18n.LangOf(locale) == l })
		}) {
			all = append(all, l)
		}
	}
	return all
}
