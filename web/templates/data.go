package templates

import (
	"sync"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/i18n"
)

// pageData is the data for the page's scripts, as JSON.
type pageData struct {
	CartRevision int64           `json:"cart_revision"`
	CartIDHash   string          `json:"cart_id_hash"`
	PageURL      string          `json:"page_url,omitempty"`   // of a page that can be the answer to a form
	OrderID      string          `json:"order_id,omitempty"`   // checkout only
	UpdateURL    string          `json:"update_url,omitempty"` // checkout only
	CartURL      string          `json:"cart_url,omitempty"`   // checkout only: the cart, or the merchant's own page
	Country      string          `json:"country,omitempty"`    // checkout only: of the prices shown
	Basket       *basketData     `json:"basket,omitempty"`     // checkout session only
	Payments     *paymentsData   `json:"payments,omitempty"`   // checkout with Klarna Payments only
	Texts        json.RawMessage `json:"texts"`
}

// basketData is what the page of a checkout session needs to follow its basket.
type basketData struct {
	Revision int64  `json:"revision"`
	StateURL string `json:"state_url"`
	SeenURL  string `json:"seen_url"`
}

// paymentsData is what the form with Klarna's widget needs.
type paymentsData struct {
	Page        PaymentsPage    `json:"page"`
	Form        string          `json:"form"`
	Library     string          `json:"library"`
	ClientToken string          `json:"client_token"`
	Session     any             `json:"session"`
	Methods     []PaymentMethod `json:"methods"`
	Regional    bool            `json:"regional,omitempty"`
	Region      string          `json:"region"`
	Untaxed     []string        `json:"untaxed,omitempty"`
	NoVAT       bool            `json:"no_vat,omitempty"`
	AsksPlace   bool            `json:"asks_place,omitempty"`
	PostalCode  string          `json:"postal_code,omitempty"`
	PlaceURL    string          `json:"place_url"`
	DetailsURL  string          `json:"details_url"`
	ReviewURL   string          `json:"review_url"`
}

// pageTexts are the texts for the scripts of all pages, by the scripts' names.
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
	"few_left":       "note.few_left",
	"unchanged":      "note.unchanged",
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

// checkoutTexts are the further texts for the checkout.
var checkoutTexts = map[string]string{
	"elsewhere_title":   "note.elsewhere.title",
	"elsewhere_body":    "note.elsewhere.body",
	"elsewhere_here":    "note.elsewhere.here",
	"renewed_title":     "note.renewed.title",
	"renewed_body":      "note.renewed.body",
	"other_tab_title":   "note.other_tab.title",
	"other_tab_body":    "note.other_tab.body",
	"bad_code":          "discount.unknown",
	"unknown_sku":       "note.unknown",
	"no_method_title":   "note.no_method.title",
	"no_method_body":    "note.no_method.body",
	"running_title":     "unavailable.running.title",
	"running_body":      "unavailable.running.saved",
	"too_many_title":    "note.too_many.title",
	"too_many_body":     "note.too_many.body",
	"unavailable_title": "checkout_error.title",
	"back_to_cart":      "back_to_cart",
	"back_to_shop":      "nav.back",
}

// formTexts are the further texts for a form of our own that asks for an address.
var formTexts = map[string]string{
	"placing":     "payments.placing",
	"numbers":     "payments.numbers",
	"check_one":   "payments.check_one",
	"check_many":  "payments.check_many",
	"error_title": "title.error",
	"unreachable": "address.unreachable",
	"wait_title":  "note.wait.title",
	"wait_body":   "note.wait.body",
}

// paymentsTexts are the further texts for the form with Klarna's widget.
var paymentsTexts = map[string]string{
	"loading":              "checkout.loading",
	"buy":                  "payments.buy",
	"waiting":              "payments.waiting",
	"declined_title":       "note.declined.title",
	"declined_body":        "note.declined.body",
	"closed_title":         "note.closed.title",
	"closed_body":          "note.closed.body",
	"changed_title":        "note.changed.title",
	"approve_new":          "note.changed.body",
	"expired_title":        "note.approval_old.title",
	"approve_again":        "note.approval_old.body",
	"invalid_title":        "note.invalid.title",
	"invalid_body":         "note.invalid.body",
	"library_title":        "note.library.title",
	"library_body":         "note.library.body",
	"unknown_title":        "note.unknown_order.title",
	"unknown_body":         "note.unknown_order.body",
	"too_many_order_title": "note.too_many.title",
	"too_many_order_body":  "note.too_many_order.body",
	"another_title":        "note.running.title",
	"another_body":         "note.running.body",
	"other_method":         "payments.other_method",
}

func (s Shell) data() pageData {
	return pageData{CartRevision: s.CartRevision, CartIDHash: s.CartIDHash, Texts: s.scriptTexts(forPage)}
}

func (v CartView) data() pageData {
	d := v.Shell.data()
	d.PageURL = v.To("/cart")
	return d
}

func (v CheckoutView) data() pageData {
	d := v.checkoutData(v.base()+"/update", forCheckout)
	d.OrderID = v.OrderID
	return d
}

func (v PaymentsView) data() pageData {
	d := v.checkoutData(v.payments()+"/update", forPayments)
	d.Payments = &paymentsData{
		Page: v.Page, Form: v.Form, Library: v.Library, ClientToken: v.ClientToken, Session: v.Session, Methods: v.Methods, Regional: v.Regional, Region: v.Region, Untaxed: v.Untaxed, NoVAT: v.NoVAT, AsksPlace: v.AsksPlace, PostalCode: v.PostalCode,
		PlaceURL: v.payments() + "/place", DetailsURL: v.payments(), ReviewURL: v.payments() + "/review",
	}
	return d
}

func (v FreeView) data() pageData {
	d := v.checkoutData(v.base()+"/update", forForm)
	d.OrderID, d.PageURL = v.OrderID, v.base()
	return d
}

// checkoutData is the data for a page with an open order.
func (s Shell) checkoutData(updateURL string, texts textsFor) pageData {
	d := pageData{CartRevision: s.CartRevision, CartIDHash: s.CartIDHash, UpdateURL: updateURL, CartURL: s.cartURL(), Country: s.Country, Texts: s.scriptTexts(texts)}
	if s.Base != "" {
		d.Basket = &basketData{Revision: s.BasketRevision, StateURL: s.Base + "/state", SeenURL: s.Base + "/seen"}
	}
	return d
}

// textsFor are the scripts that texts are for; each has those of the one before.
type textsFor int

const (
	forPage     textsFor = iota // any page
	forCheckout                 // a page with an open order
	forForm                     // with a form of our own
	forPayments                 // with Klarna's widget
)

// scriptTexts are the texts for the scripts of a page, as an object by the scripts' names.
// Most pages have the built-in ones, which are made once for a language.
func (s Shell) scriptTexts(scripts textsFor) json.RawMessage {
	for key := range s.Shop.Texts {
		if scriptKeys[key] {
			return textsOf(s.voice(), scripts)
		}
	}
	type builtIn struct {
		i18n.Lang
		textsFor
	}
	of := builtIn{s.lang(), scripts}
	texts, known := builtInTexts.Load(of)
	if !known {
		texts, _ = builtInTexts.LoadOrStore(of, textsOf(i18n.Voice{Lang: of.Lang}, scripts))
	}
	return texts.(json.RawMessage)
}

var builtInTexts sync.Map

// scriptKeys are the keys of all these texts.
var scriptKeys = func() map[string]bool {
	keys := map[string]bool{unavailableBody: true, unavailableRef: true}
	for _, texts := range allTexts {
		for _, key := range texts {
			keys[key] = true
		}
	}
	return keys
}()

const unavailableBody, unavailableRef = "checkout_error.body", "checkout_error.ref"

// allTexts are those of textsFor.
var allTexts = [...]map[string]string{pageTexts, checkoutTexts, formTexts, paymentsTexts}

func textsOf(v i18n.Voice, scripts textsFor) json.RawMessage {
	texts := map[string]string{}
	for _, more := range allTexts[:scripts+1] {
		for name, key := range more {
			texts[name] = v.T(key)
		}
	}
	if scripts >= forCheckout {
		texts["unavailable_body"] = v.T(unavailableBody) + " " + v.T(unavailableRef)
	}
	encoded, _ := json.Marshal(texts) // of texts it cannot fail
	return encoded
}
