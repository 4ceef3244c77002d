package frontend

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/money"

	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/web"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// receiptLife is how long the confirmation snippet shows its receipt.
// Source: docs.klarna.com, Render the confirmation snippet.
const receiptLife = 2 * time.Hour

// frameOrder is what the iframe needs to show an order.
type frameOrder struct {
	Status           string             `json:"status"`
	Locale           string             `json:"locale"`
	Country          string             `json:"country"`        // alpha-2, upper case
	CustomerType     string             `json:"customer_type"`  // person or organization
	CustomerTypes    []string           `json:"customer_types"` // more than one: the shopper chooses
	Fields           []shopper.Field    `json:"fields"`
	Values           map[string]string  `json:"values"`    // name of a field → what stands in it
	Prefilled        []string           `json:"prefilled"` // names of Values that the merchant sent
	Separate         checkout.Separate  `json:"separate_shipping"`
	Alpha3           map[string]string  `json:"alpha3"` // country → its three letters
	ShippingOptions  []pricedOption     `json:"shipping_options"`
	SelectedOption   string             `json:"selected_shipping_option"`
	Methods          []frameMethod      `json:"methods"`
	Checkouts        []frameMethod      `json:"checkouts"` // external ones
	Checkboxes       []frameCheckbox    `json:"checkboxes"`
	Summary          frameSummary       `json:"summary"`
	Total            int64              `json:"total"` // to pay, minor units
	TotalText        string             `json:"total_text"`
	Currency         string             `json:"currency"`
	TermsURL         string             `json:"terms_url"`
	MerchantTerms    []piece            `json:"merchant_terms"`
	ClientValidation bool               `json:"client_validation"`
	EarlyAddress     bool               `json:"early_address_event"` // shipping_address_change comes without a separate address too
	ConfirmationURL  string             `json:"confirmation_url,omitempty"`
	Receipt          *receipt           `json:"receipt,omitempty"` // of a complete order, as long as the confirmation shows it
	Palettes         map[string]palette `json:"palettes"`          // merchant's colours, for light and dark
	Radius           int                `json:"radius"`            // pixels, -1: the iframe's own
}

type pricedOption struct {
	wire.ShippingOption
	PriceText string `json:"price_text"`
}

// frameMethod is a way to pay.
type frameMethod struct {
	ID       string `json:"id"`       // one of PaymentMethods, else the name of an external one
	Approval bool   `json:"approval"` // the shopper approves in a dialog, as with 3-D Secure
	External bool   `json:"external"` // the browser leaves for another provider
	Label    string `json:"label"`    // of the button of an external one: continue or complete
	ImageURL string `json:"image_url,omitempty"`
	Note     string `json:"note,omitempty"` // the merchant's
	FeeText  string `json:"fee_text,omitempty"`
}

// frameCheckbox is one of the merchant's checkboxes.
type frameCheckbox struct {
	ID       string  `json:"id"`
	Text     []piece `json:"text"`
	Checked  bool    `json:"checked"`
	Required bool    `json:"required"`
}

// frameSummary is the list of what is bought.
type frameSummary struct {
	Lines   []frameLine `json:"lines"`
	TaxText string      `json:"tax_text,omitempty"` // of the lines; "" when the merchant wants no VAT shown
	Open    bool        `json:"open"`               // the merchant wants the list open
}

type frameLine struct {
	Name     string `json:"name"`
	Quantity int64  `json:"quantity,omitempty"` // of goods; a fee, a discount and a gift card have none
	Text     string `json:"text"`               // its total
}

// receipt is what the confirmation shows of the purchase.
type receipt struct {
	Number  string `json:"number"` // the shop's, else Klarna's
	Method  string `json:"method"` // one of PaymentMethods
	Details string `json:"details,omitempty"`
	Minimal bool   `json:"minimal"` // the merchant wants no details
	Pending bool   `json:"pending"` // the payment is not approved yet
}

// frameAuthorised requires the token of the order in the path. An unknown or expired order
// is a 404 with an empty body.
func (s *Server) frameAuthorised(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		id := r.PathValue("id")
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), checkout.TokenScheme)
		switch _, err := s.kco.View(id); {
		case err != nil:
			w.WriteHeader(http.StatusNotFound)
		case !ok || !s.kco.TokenFits(id, token):
			w.WriteHeader(http.StatusUnauthorized)
		default:
			next(w, r)
		}
	}
}

// serveFrameOrder answers the order as the iframe shows it.
func (s *Server) serveFrameOrder(w http.ResponseWriter, r *http.Request) {
	shown, err := s.frameOrder(r.PathValue("id"))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	web.WriteJSON(w, http.StatusOK, shown)
}

// frameOrder returns an order as it is shown, or ErrNoOrder.
func (s *Server) frameOrder(id string) (frameOrder, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	o, err := s.kco.Live(id)
	if err != nil {
		return frameOrder{}, err
	}
	v, shown := s.kco.Inspect(o), s.kco.Outcome(o)
	text := func(amount int64) string {
		return money.Format(money.Amount(amount), money.Currency(shown.Currency), shown.Locale)
	}
	f := frameOrder{
		Status:           shown.Status,
		Locale:           shown.Locale,
		Country:          shown.Country,
		CustomerType:     checkout.CustomerType(&v),
		CustomerTypes:    checkout.CustomerTypes(&v),
		Fields:           checkout.FormOf(&v),
		Values:           map[string]string{},
		Prefilled:        []string{},
		Separate:         checkout.SeparateOf(&v, o.Typed),
		Alpha3:           map[string]string{},
		ShippingOptions:  []pricedOption{},
		SelectedOption:   shown.ShippingOption,
		Methods:          methodsOf(&v, text),
		Checkouts:        externalsOf(checkout.ExternalCheckouts(&v), text),
		Checkboxes:       checkboxesOf(&v, shown.Checkboxes),
		Total:            shown.Total,
		TotalText:        text(shown.Total),
		Currency:         shown.Currency,
		TermsURL:         checkout.FillOrderID(v.MerchantURLs.Terms, v.OrderID),
		MerchantTerms:    piecesOf(v.Options.AdditionalMerchantTerms),
		ClientValidation: checkout.IsTrue(v.Options.RequireClientValidation),
		EarlyAddress:     s.kco.EarlyAddressEvent,
		ConfirmationURL:  shown.ConfirmationURL,
		Palettes:         palettesOf(&v.Options),
		Radius:           radiusOf(&v.Options),
	}
	for _, field := range f.Fields {
		value := checkout.FormValue(&v, o.Typed, field.Name)
		if value == "" || field.Name == "country" || field.Group == "shipping" && !f.Separate.On {
			continue
		}
		f.Values[field.Name] = value
		if shown.Typed[field.Name] == "" {
			f.Prefilled = append(f.Prefilled, field.Name)
		}
	}
	for _, country := range slices.Concat(checkout.OfferedCountries(&v), checkout.ShippingCountries(&v), []string{shown.Country}) {
		f.Alpha3[country] = checkout.Alpha3(country)
	}
	for _, o := range shown.ShippingOptions {
		f.ShippingOptions = append(f.ShippingOptions, pricedOption{o, text(o.Price)})
	}
	f.Summary = summaryOf(&v, shown.Total, text)
	if o.Status == checkout.StatusComplete && s.Time().Before(o.Completed.Add(receiptLife)) {
		f.Receipt = &receipt{
			Number: v.MerchantReference1, Method: o.Method, Details: v.Options.ShippingDetails,
			Minimal: slices.Contains(checkout.GUIOptions(&v), "minimal_confirmation"),
		}
		if m := s.om.Orders[o.ID]; m != nil {
			f.Receipt.Pending = m.View.FraudStatus == management.FraudPending
		}
	}
	return f, nil
}

// goods are the types of lines that are counted.
var goods = []string{"physical", "digital"}

// summaryOf returns the list of what is bought. The chosen way of delivery stands in it where
// total, which is to be paid, has its price and the lines have not.
func summaryOf(v *checkout.Order, total int64, text func(int64) string) frameSummary {
	summary := frameSummary{Lines: []frameLine{}, Open: checkout.IsTrue(v.Options.ShowSubtotalDetail)}
	for _, line := range v.OrderLines {
		shown := frameLine{Name: line.Name, Text: text(line.TotalAmount)}
		if slices.Contains(goods, line.Type) {
			shown.Quantity = line.Quantity
		}
		summary.Lines = append(summary.Lines, shown)
	}
	tax := v.OrderTaxAmount
	if chosen := v.SelectedShippingOption; chosen != nil && total != v.OrderAmount {
		summary.Lines = append(summary.Lines, frameLine{Name: chosen.Name, Text: text(chosen.Price)})
		tax += chosen.TaxAmount
	}
	if !checkout.IsTrue(v.Options.VATRemoved) {
		summary.TaxText = text(tax)
	}
	return summary
}

func checkboxesOf(v *checkout.Order, now map[string]bool) []frameCheckbox {
	boxes := []frameCheckbox{}
	for _, c := range checkout.MerchantCheckboxes(&v.Options) {
		boxes = append(boxes, frameCheckbox{c.ID, piecesOf(c.Text), now[c.ID], c.Required})
	}
	return boxes
}

// serveFrameAction does an action of the shopper, like POST /fake/orders/{id}/shopper.
func (s *Server) serveFrameAction(w http.ResponseWriter, r *http.Request) {
	frameAction(w, r, 64<<10, s.kco.Shopper)
}

// frameAction does the action in the body, of at most limit bytes.
func frameAction[Action, Answer any](w http.ResponseWriter, r *http.Request, limit int64, do func(id string, a Action) (Answer, error)) {
	var action Action
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit)).Decode(&action); err != nil {
		http.Error(w, "not an action: "+err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := do(r.PathValue("id"), action)
	if bad, ok := errors.AsType[*shopper.BadAction](err); ok {
		http.Error(w, bad.Error(), http.StatusBadRequest)
		return
	}
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	web.WriteJSON(w, http.StatusOK, answer)
}

// methodsOf returns the ways to pay an order: the fake's own, then the external ones.
func methodsOf(v *checkout.Order, text func(int64) string) []frameMethod {
	var methods []frameMethod
	for _, id := range checkout.MethodsOf(v) {
		methods = append(methods, frameMethod{ID: id, Approval: slices.Contains(needsApproval, id)})
	}
	return append(methods, externalsOf(checkout.ExternalMethods(v), text)...)
}

// externalsOf returns other providers as they are shown.
func externalsOf(providers []checkout.Provider, text func(int64) string) []frameMethod {
	externals := []frameMethod{}
	for _, p := range providers {
		m := frameMethod{ID: p.Name, External: true, Label: cmp.Or(p.Label, "continue"), Note: p.Description, ImageURL: p.ImageURL}
		if p.Fee > 0 {
			m.FeeText = text(p.Fee)
		}
		externals = append(externals, m)
	}
	return externals
}

// needsApproval are the methods for which the shopper must approve the purchase
// in a dialog.
var needsApproval = []string{"card", "bank_account"}

// piece is a part of a merchant's text, perhaps a link.
type piece struct {
	Text string `json:"text"`
	URL  string `json:"url,omitempty"` // http or https
}

var markdownLink = regexp.MustCompile(`\[([^\[\]]+)\]\(\s*([^\s()]+)\s*\)`)

// piecesOf splits a merchant's text at its Markdown links. Other Markdown and HTML stay
// plain text. A link that is not http(s) becomes plain text.
// Source: docs.kustom.co, Create order (options.additional_checkbox).
func piecesOf(text string) []piece {
	pieces := []piece{}
	add := func(p piece) {
		if p.Text != "" {
			pieces = append(pieces, p)
		}
	}
	end := 0
	for _, at := range markdownLink.FindAllStringSubmatchIndex(text, -1) {
		add(piece{Text: text[end:at[0]]})
		link := piece{Text: text[at[2]:at[3]]}
		if u, err := url.Parse(text[at[4]:at[5]]); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
			link.URL = u.String()
		}
		add(link)
		end = at[1]
	}
	add(piece{Text: text[end:]})
	return pieces
}
