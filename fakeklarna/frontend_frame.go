package fakeklarna

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/money"
)

// tokenScheme precedes the order's token in the snippet's AUTH_HEADER.
const tokenScheme = "KlarnaCheckout "

// receiptLife is how long the confirmation snippet shows its receipt.
// Source: docs.klarna.com, Render the confirmation snippet.
const receiptLife = 2 * time.Hour

// frameOrder is what the iframe needs to show an order.
type frameOrder struct {
	Status           string            `json:"status"`
	Locale           string            `json:"locale"`
	Country          string            `json:"country"` // alpha-2, upper case
	CountryAlpha3    string            `json:"country_alpha3"`
	CustomerType     string            `json:"customer_type"`
	Fields           []field           `json:"fields"`
	Values           map[string]string `json:"values"`    // address member → what stands in its field
	Prefilled        []string          `json:"prefilled"` // members of Values that the merchant sent
	ShippingOptions  []pricedOption    `json:"shipping_options"`
	SelectedOption   string            `json:"selected_shipping_option"`
	Methods          []string          `json:"methods"`
	Total            int64             `json:"total"` // to pay, minor units
	TotalText        string            `json:"total_text"`
	Currency         string            `json:"currency"`
	TermsURL         string            `json:"terms_url"`
	ClientValidation bool              `json:"client_validation"`
	ConfirmationURL  string            `json:"confirmation_url,omitempty"`
	Receipt          bool              `json:"receipt"` // whether the confirmation still shows it
}

type pricedOption struct {
	ShippingOption
	PriceText string `json:"price_text"`
}

// frameAuthorised lets a request through that carries the token of the path's
// order. An order that is unknown or has expired is a 404 with an empty body.
func (s *Server) frameAuthorised(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		id := r.PathValue("id")
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), tokenScheme)
		switch _, err := s.view(id); {
		case err != nil:
			w.WriteHeader(http.StatusNotFound)
		case !ok || !s.tokenFits(id, token):
			w.WriteHeader(http.StatusUnauthorized)
		default:
			next(w, r)
		}
	}
}

// serveFrameOrder answers the order as the iframe shows it.
func (s *Server) serveFrameOrder(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	v, err := s.view(id)
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	shown, err := s.applyShopper(id, Action{})
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	writeFrameJSON(w, http.StatusOK, s.frameOrder(&v, shown))
}

func (s *Server) frameOrder(v *Order, shown Outcome) frameOrder {
	f := frameOrder{
		Status:           shown.Status,
		Locale:           shown.Locale,
		Country:          shown.Country,
		CountryAlpha3:    alpha3(shown.Country),
		CustomerType:     "person",
		Fields:           fieldsOf(shown.Country, offeredCountries(v), v.Options.PhoneMandatory != nil && !*v.Options.PhoneMandatory),
		Values:           map[string]string{},
		Prefilled:        []string{},
		ShippingOptions:  []pricedOption{},
		SelectedOption:   shown.ShippingOption,
		Methods:          methodsFor(shown.Country, shown.Currency),
		Total:            shown.Total,
		TotalText:        money.Format(money.Amount(shown.Total), money.Currency(shown.Currency), shown.Locale),
		Currency:         shown.Currency,
		TermsURL:         fillOrderID(v.MerchantURLs.Terms, v.OrderID),
		ClientValidation: v.Options.RequireClientValidation != nil && *v.Options.RequireClientValidation,
		ConfirmationURL:  shown.ConfirmationURL,
	}
	if v.Customer.Type != "" {
		f.CustomerType = v.Customer.Type
	}
	for _, field := range f.Fields {
		value := v.BillingAddress.member(field.Name)
		if value == nil || *value == "" || field.Name == "country" {
			continue
		}
		f.Values[field.Name] = *value
		if shown.Typed[field.Name] == "" {
			f.Prefilled = append(f.Prefilled, field.Name)
		}
	}
	for _, o := range shown.ShippingOptions {
		text := money.Format(money.Amount(o.Price), money.Currency(shown.Currency), shown.Locale)
		f.ShippingOptions = append(f.ShippingOptions, pricedOption{o, text})
	}
	if completed, err := time.Parse(time.RFC3339, v.CompletedAt); err == nil {
		s.mu.Lock()
		f.Receipt = s.now().Before(completed.Add(receiptLife))
		s.mu.Unlock()
	}
	return f
}

// serveFrameAction does what the shopper did in the iframe, as
// POST /fake/orders/{id}/shopper does.
func (s *Server) serveFrameAction(w http.ResponseWriter, r *http.Request) {
	var action Action
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&action); err != nil {
		http.Error(w, "not an action: "+err.Error(), http.StatusBadRequest)
		return
	}
	out, err := s.applyShopper(r.PathValue("id"), action)
	if bad, ok := errors.AsType[*badAction](err); ok {
		http.Error(w, bad.Error(), http.StatusBadRequest)
		return
	}
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	writeFrameJSON(w, http.StatusOK, out)
}

func writeFrameJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the browser has gone: nobody to tell
}

// coreCurrency has the currency of each of Klarna's core markets.
// Source: docs.kustom.co, Selling to multiple countries.
var coreCurrency = map[string]string{
	"SE": "SEK", "NO": "NOK", "FI": "EUR", "DK": "DKK", "GB": "GBP", "DE": "EUR", "NL": "EUR",
	"AT": "EUR", "CH": "CHF", "US": "USD", "ES": "EUR", "FR": "EUR", "BE": "EUR", "PL": "PLN",
}

// methodsFor returns the ways to pay in a country: card only outside the core
// markets, and in one of these with another currency.
// Source: docs.kustom.co, Selling to multiple countries.
func methodsFor(country, currency string) []string {
	if coreCurrency[country] == currency {
		return PaymentMethods
	}
	return []string{"card"}
}
