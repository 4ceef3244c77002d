package templates

import "github.com/shopd/shopd/internal/i18n"

// pageData is what scripts are told about the page, as JSON.
type pageData struct {
	CartRevision int64             `json:"cart_revision"`
	CartIDHash   string            `json:"cart_id_hash"`
	OrderID      string            `json:"order_id,omitempty"`   // checkout only
	UpdateURL    string            `json:"update_url,omitempty"` // checkout only
	Country      string            `json:"country,omitempty"`    // checkout only: of the prices shown
	Texts        map[string]string `json:"texts"`
}

// pageTexts are the texts that scripts of every page show, by the names they use.
var pageTexts = map[string]string{
	"updating":       "status.updating",
	"still_updating": "status.still",
	"updated":        "status.updated",
	"total_read":     "status.total",
	"unconfirmed":    "totals.unconfirmed",
	"try_again":      "try_again",
	"close":          "close",
	"saved_title":    "note.unconfirmed.title",
	"saved_body":     "note.unconfirmed.body",
	"offline_title":  "note.offline.title",
	"offline_body":   "note.offline.body",
	"left":           "note.left",
	"limit":          "note.limit",
	"number":         "note.number",
	"sold_out_title": "note.sold_out.title",
	"sold_out_body":  "note.sold_out.body",
	"remove":         "line.remove",
	"removed":        "note.removed",
	"undo":           "note.undo",
	"added":          "note.added",
	"in_cart":        "note.in_cart",
	"view_cart":      "note.view_cart",
}

// checkoutTexts are those that only the checkout needs.
var checkoutTexts = map[string]string{
	"renewed_title":     "note.renewed.title",
	"renewed_body":      "note.renewed.body",
	"other_tab_title":   "note.other_tab.title",
	"other_tab_body":    "note.other_tab.body",
	"bad_code":          "discount.unknown",
	"no_method_title":   "note.no_method.title",
	"no_method_body":    "note.no_method.body",
	"running_title":     "unavailable.running.title",
	"running_body":      "unavailable.running.saved",
	"unavailable_title": "checkout_error.title",
	"back_to_cart":      "back_to_cart",
}

func (s Shell) data() pageData {
	d := pageData{CartRevision: s.CartRevision, CartIDHash: s.CartIDHash, Texts: map[string]string{}}
	d.add(s.lang(), pageTexts)
	return d
}

func (v CheckoutView) data() pageData {
	d := v.Shell.data()
	d.OrderID, d.UpdateURL, d.Country = v.OrderID, "/checkout/update", v.Country
	d.add(v.lang(), checkoutTexts)
	d.Texts["unavailable_body"] = v.t("checkout_error.body") + " " + v.t("checkout_error.ref")
	return d
}

func (d pageData) add(l i18n.Lang, keys map[string]string) {
	for name, key := range keys {
		d.Texts[name] = i18n.T(l, key)
	}
}
