package templates

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/i18n"
)

// Kind is the kind of a note: its colour and its icon.
type Kind string

// Kinds of notes.
const (
	Info Kind = "info"
	OK   Kind = "ok"
	Warn Kind = "warn"
	Bad  Kind = "bad" // the page's title then starts with "Error: "
)

// Note is a message on a page: what happened, and what to do. It needs no script and stays
// until the shopper leaves the page.
type Note struct {
	ID      string // data-note
	Kind    Kind
	Title   string // bold
	Body    string
	Actions []Action
	SKU     string // of the line that it is about, beside which it stands; "" = of none
}

// Says is what the note says, in one text.
func (n Note) Says() string { return strings.TrimSpace(n.Title + " " + n.Body) }

// notesOn are the notes that stand beside a line.
func notesOn(notes []Note, line Line) (of []Note) {
	for _, n := range notes {
		if n.SKU != "" && n.SKU == line.SKU {
			of = append(of, n)
		}
	}
	return of
}

// notesBeside are the notes that stand beside none of the lines.
func notesBeside(notes []Note, lines []Line) (of []Note) {
	for _, n := range notes {
		if !slices.ContainsFunc(lines, func(l Line) bool { return l.SKU == n.SKU }) {
			of = append(of, n)
		}
	}
	return of
}

// Action is a button of a note: a link to URL, or with Fields a form that posts to URL.
type Action struct {
	Label  string
	URL    string
	Fields []form.Hidden
	Key    string // data-key of the button, "" = none
}

// Added is the message after a product was put in the cart.
type Added struct {
	Name  string
	Count int // items in the cart now
}

// MarketChanged says which prices a page shows after a change of country or language.
// total is the cart's, "" when it is empty.
func MarketChanged(l i18n.Voice, country, currency, total string) Note {
	n := Note{ID: "market", Kind: Info,
		Title: l.T("note.market.title", i18n.CurrencyName(l.Lang, currency)),
		Body:  l.T("note.market.body", i18n.CountryName(l.Lang, country)),
	}
	if total != "" {
		n.Body += " " + l.T("note.market.total", total)
	}
	return n
}

// DeliveryChanged says which prices a page shows after the shopper chose another country
// in the payment form. total is as in MarketChanged.
func DeliveryChanged(l i18n.Voice, country, currency, total string) Note {
	return Note{ID: "market", Kind: Info,
		Title: l.T("note.delivery.title", i18n.CountryName(l.Lang, country)),
		Body:  l.T("note.delivery.body", i18n.CurrencyName(l.Lang, currency), total),
	}
}

// Stopped says that a payment was stopped because the cart had changed.
func Stopped(l i18n.Voice) Note {
	return Note{ID: "stopped", Kind: Warn, Title: l.T("note.stopped.title"), Body: l.T("note.stopped.body")}
}

// DeliveryGone says that a payment was stopped because the way of delivery is not offered any
// more.
func DeliveryGone(l i18n.Voice) Note {
	return Note{ID: "stopped", Kind: Warn, Title: l.T("note.delivery_gone.title"), Body: l.T("note.delivery_gone.body")}
}

// FreeChanged says that an order was not placed because the cart had changed.
func FreeChanged(l i18n.Voice) Note {
	return Note{ID: "stopped", Kind: Warn, Title: l.T("free.changed.title"), Body: l.T("free.changed.body")}
}

// AlreadyBought says that a payment was stopped because its order is bought already.
func AlreadyBought(l i18n.Voice) Note {
	return Note{ID: "stopped", Kind: Info, Title: l.T("note.bought.title"), Body: l.T("note.bought.body")}
}

// PurchaseRunning says that a payment was stopped because another payment of the cart may
// be running.
func PurchaseRunning(l i18n.Voice) Note {
	return Note{ID: "stopped", Kind: Warn, Title: l.T("note.running.title"), Body: l.T("note.running.body")}
}

// OldForm says that a payment was stopped because its form was not the cart's newest.
func OldForm(l i18n.Voice) Note {
	return Note{ID: "stopped", Kind: Warn, Title: l.T("note.old_form.title"), Body: l.T("note.old_form.body")}
}

// LastGone says that others bought the last items of a line during the payment, with a
// button that removes the line.
func LastGone(l i18n.Voice, sku, name, returnTo string) Note {
	n := SoldOut(l, sku, name, returnTo)
	n.Title, n.Body = l.T("note.last_gone.title", name), l.T("note.last_gone.body")
	return n
}

// LastFew says that others bought items of a line during the payment, so that there are fewer
// than wanted.
func LastFew(l i18n.Voice, sku, name string, left int) Note {
	n := FewLeft(l, sku, name, left)
	n.Body = l.T("note.few_left.body")
	return n
}

// AtMerchant is a note about a line that only the merchant's own shop can change: it has no
// button, and stands beside no line.
func (n Note) AtMerchant(l i18n.Voice) Note {
	n.SKU, n.Actions, n.Body = "", nil, l.T("note.at_merchant")
	return n
}

// SoldOut says that a line of the cart is sold out, with a button that removes it.
func SoldOut(l i18n.Voice, sku, name, returnTo string) Note {
	return Note{ID: "sold-out-" + sku, Kind: Bad, SKU: sku,
		Title:   l.T("note.sold_out.title", name),
		Body:    l.T("note.sold_out.body"),
		Actions: []Action{setLine(l.T("line.remove"), "", sku, 0, returnTo)},
	}
}

// Gone says that a line of the cart is not sold any more, with a button that removes it.
func Gone(l i18n.Voice, sku, name, returnTo string) Note {
	return Note{ID: "gone-" + sku, Kind: Warn, SKU: sku,
		Title:   l.T("note.gone.title", name),
		Body:    l.T("note.gone.body"),
		Actions: []Action{setLine(l.T("line.remove"), "", sku, 0, returnTo)},
	}
}

// PriceChanged says that a line of the cart costs something else since it was put there.
func PriceChanged(l i18n.Lang, sku, name, before, now string) Note {
	return Note{ID: "price-" + sku, Kind: Warn, SKU: sku, Title: i18n.T(l, "note.price.title", name), Body: i18n.T(l, "note.price.body", before, now)}
}

// CampaignBegun says that a campaign takes something off that did not when the cart changed
// last. total is the cart's now.
func CampaignBegun(l i18n.Voice, id, name, total string) Note {
	return campaignNote(l, "note.campaign.begun", id, name, total)
}

// CampaignOver says that a campaign takes nothing off any more.
func CampaignOver(l i18n.Voice, id, name, total string) Note {
	return campaignNote(l, "note.campaign.over", id, name, total)
}

func campaignNote(l i18n.Voice, title, id, name, total string) Note {
	n := Note{ID: "campaign-" + id, Kind: Warn, Title: l.T(title, name)}
	if total != "" {
		n.Body = l.T("note.campaign.total", total)
	}
	return n
}

// AddedSoldOut says that a product was not put in the cart because none is left.
func AddedSoldOut(l i18n.Voice, sku, name string) Note {
	return Note{ID: "sold-out", Kind: Bad, SKU: sku, Title: l.T("note.sold_out.title", name), Body: l.T("note.unchanged")}
}

// NoDelivery says that there is no way to deliver the goods of the cart.
func NoDelivery(l i18n.Voice) Note {
	return Note{ID: "no-delivery", Kind: Bad, Title: l.T("note.no_delivery")}
}

// Unreached says that nothing of the cart goes to a place that was typed: a postal code or a
// region; else a country.
func Unreached(l i18n.Voice, place, country string) Note {
	if place == "" {
		return Note{ID: "unreached", Kind: Bad, Title: l.T("note.not_served.title", i18n.CountryName(l.Lang, country)), Body: l.T("note.not_served.body")}
	}
	return Note{ID: "unreached", Kind: Bad, Title: l.T("note.unreached", place)}
}

// FewLeft says that there are fewer items than wanted, and that the cart has not changed.
func FewLeft(l i18n.Voice, sku, name string, left int) Note {
	return Note{ID: "few-left", Kind: Bad, SKU: sku, Title: l.T("note.few_left", left, name), Body: l.T("note.unchanged")}
}

// QuantityLimit says that the quantity of a product is above the limit or no number.
func QuantityLimit(l i18n.Voice, sku, name string) Note {
	return Note{ID: "limit", Kind: Bad, SKU: sku, Title: l.T("note.number", name, 0, most), Body: l.T("note.unchanged")}
}

// most is how many of a product one order can have.
const most = 99

// UnknownProduct says that a product does not exist (any more).
func UnknownProduct(l i18n.Voice) Note {
	return Note{ID: "unknown", Kind: Bad, Title: l.T("note.unknown"), Body: l.T("note.unchanged")}
}

// Removed says what was removed, with a button that brings the quantity back.
func Removed(l i18n.Voice, sku, name string, quantity int, returnTo string) Note {
	return Note{ID: "removed", Kind: Info,
		Title:   l.T("note.removed", name),
		Actions: []Action{setLine(l.T("note.undo"), "undo", sku, quantity, returnTo)},
	}
}

// NotFinished says that the payment is not finished, so there is no confirmation yet.
func NotFinished(l i18n.Voice) Note {
	return Note{ID: "not-finished", Kind: Warn, Title: l.T("note.not_finished"), Body: l.T("note.not_finished.body")}
}

func setLine(label, key, sku string, quantity int, returnTo string) Action {
	return Action{Label: label, Key: key, URL: lineURL(sku), Fields: []form.Hidden{
		{Name: "quantity", Value: strconv.Itoa(quantity)}, {Name: "return_to", Value: returnTo},
	}}
}
