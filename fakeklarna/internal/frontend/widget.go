package frontend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/money"

	"github.com/shopd/shopd/fakeklarna/internal/payments"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/web"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// For browsers, of Klarna Payments: the library, the widget and the approval dialog, with
// their calls.
// Source: docs.klarna.com, Klarna Payments SDK reference.

// widgetScheme precedes the client_token, which gives widget and dialog access to their
// session.
const widgetScheme = "KlarnaPayments "

func (s *Server) widgetRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /kp/lib/v1/api.js", serveLibrary)
	mux.HandleFunc("GET /kp/widget", framePage("widget.html"))
	mux.HandleFunc("GET /kp/dialog", framePage("widget-dialog.html"))
	mux.HandleFunc("GET /kp/sessions/{id}", s.widgetAuthorised(s.serveWidgetSession))
	mux.HandleFunc("POST /kp/sessions/{id}", s.widgetAuthorised(s.serveWidgetAction))
}

// serveLibrary serves the library at Klarna's path. The address has no version, so browsers
// check each time whether it has changed.
func serveLibrary(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", `"`+web.Version+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*") // for <script crossorigin>
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(library))
}

var library = web.Must(fs.ReadFile(web.Assets, "widget-library.js"))

// widgetAuthorised requires the client_token of the session in the path. An unknown or
// expired session has none.
func (s *Server) widgetAuthorised(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), widgetScheme)
		if !ok || !s.kp.TokenFits(r.PathValue("id"), token) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

// widgetAnswer is what the fake answers widget and dialog.
type widgetAnswer struct {
	Outcome payments.Outcome `json:"outcome"`
	Session widgetSession    `json:"session"`
}

// serveWidgetSession answers the session as widget and dialog show it.
func (s *Server) serveWidgetSession(w http.ResponseWriter, r *http.Request) {
	shown, err := s.widgetSession(r.PathValue("id"))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	web.WriteJSON(w, http.StatusOK, widgetAnswer{payments.Outcome{ShowForm: true}, shown})
}

// serveWidgetAction does an action of the shopper, like POST /fake/sessions/{id}/shopper.
func (s *Server) serveWidgetAction(w http.ResponseWriter, r *http.Request) {
	frameAction(w, r, payments.MaxBody, func(id string, a payments.Action) (widgetAnswer, error) {
		out, err := s.kp.Pay(id, a)
		if err != nil {
			return widgetAnswer{}, err
		}
		shown, err := s.widgetSession(id)
		return widgetAnswer{out, shown}, err
	})
}

// widgetSession is what widget and dialog need to show a session.
type widgetSession struct {
	Status     string            `json:"status"`
	Locale     string            `json:"locale"`
	Merchant   string            `json:"merchant"`
	Total      int64             `json:"total"` // minor units
	TotalText  string            `json:"total_text"`
	Currency   string            `json:"currency"`
	Methods    []widgetMethod    `json:"methods"`     // that the shopper may use
	Missing    []shopper.Field   `json:"missing"`     // what the shopper has to type before the purchase
	TestPerson map[string]string `json:"test_person"` // somebody who may be typed, by field
}

// widgetMethod is a category with what the shopper pays and when.
type widgetMethod struct {
	ID    string       `json:"id"`
	Name  string       `json:"name"`
	Parts []widgetPart `json:"parts"`
}

type widgetPart struct {
	Due        string `json:"due"` // such as 2026-12-20, "" for today
	AmountText string `json:"amount_text"`
}

// widgetSession returns a session as it is shown, or ErrNoSession.
func (s *Server) widgetSession(id string) (widgetSession, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	p, err := s.kp.Live(id)
	if err != nil {
		return widgetSession{}, err
	}
	v := s.kp.Inspect(p)
	shown := widgetSession{
		Status:     v.Status,
		Locale:     v.Locale,
		Merchant:   s.kp.MerchantName,
		Total:      v.OrderAmount,
		TotalText:  amountIn(&v, v.OrderAmount),
		Currency:   v.PurchaseCurrency,
		Methods:    []widgetMethod{},
		Missing:    missingOf(&v, p.Typed),
		TestPerson: shopper.TestPerson(v.Market()),
	}
	for _, c := range v.PaymentMethodCategories {
		if payments.RefusedCategory(p.Email(&v), c.Identifier) {
			continue
		}
		shown.Methods = append(shown.Methods, widgetMethod{c.Identifier, c.Name, partsOf(&v, c.Identifier, s.Time())})
	}
	return shown, nil
}

// dueDays are the days from the purchase to each payment. Other categories are paid at
// once.
var dueDays = map[string][]int{"pay_later": {30}, "pay_over_time": {0, 30, 60}}

// partsOf returns the payments of a category. They are equal, and the first has the
// remainder.
func partsOf(v *payments.Session, category string, now time.Time) []widgetPart {
	days, later := dueDays[category]
	if !later {
		days = []int{0}
	}
	n := int64(len(days))
	parts := make([]widgetPart, n)
	for i, after := range days {
		amount := v.OrderAmount / n
		if i == 0 {
			amount += v.OrderAmount % n
		}
		parts[i].AmountText = amountIn(v, amount)
		if after > 0 {
			parts[i].Due = now.AddDate(0, 0, after).Format(time.DateOnly)
		}
	}
	return parts
}

func amountIn(v *payments.Session, amount int64) string {
	return money.Format(money.Amount(amount), money.Currency(strings.ToUpper(v.PurchaseCurrency)), v.Locale)
}

// bornIn are the markets where Klarna asks for the date of birth.
var bornIn = []string{"AT", "CH", "DE", "NL"}

// missingOf returns the fields that neither shop nor shopper has filled. Source: docs.klarna.com, Customer data requirements.
func missingOf(v *payments.Session, typed map[string]string) []shopper.Field {
	var address wire.Address
	if v.BillingAddress != nil {
		address = *v.BillingAddress
	}
	var customer wire.Customer
	_ = json.Unmarshal(v.Customer, &customer) // was checked
	missing := []shopper.Field{}
	for _, f := range paymentFields(v.Market(), customer.Type) {
		known := typed[f.Name]
		for _, told := range []*string{address.Member(f.Name), customer.Member(f.Name)} {
			if told != nil && *told != "" {
				known = *told
			}
		}
		if known == "" {
			missing = append(missing, f)
		}
	}
	return missing
}

// paymentFields returns the fields that a purchase of a person or a company in a country
// needs, in their order.
func paymentFields(country, customerType string) []shopper.Field {
	fields := []shopper.Field{
		{Name: "email", Type: "email", Autocomplete: "email", Pattern: shopper.EmailPattern},
		{Name: "given_name", Autocomplete: "given-name", Pattern: payments.PersonName[1:]},
		{Name: "family_name", Autocomplete: "family-name", Pattern: payments.PersonName[1:]},
		{Name: "street_address", Autocomplete: "address-line1"},
		shopper.PostalField(country),
		{Name: "city", Autocomplete: "address-level2"},
	}
	if country == "US" {
		fields = append(fields, shopper.Field{Name: "region", Autocomplete: "address-level1", Options: shopper.States})
	}
	fields = append(fields, shopper.Field{Name: "phone", Type: "tel", Autocomplete: "tel", Pattern: shopper.PhonePattern})
	if customerType == "organization" {
		fields = slices.Insert(fields, 1, shopper.Field{Name: "organization_name", Autocomplete: "organization"})
		if rule, ok := shopper.RegistrationNumbers[country]; ok {
			fields = slices.Insert(fields, 2, shopper.Field{Name: "organization_registration_id", Autocomplete: "off", Pattern: rule[0], Example: rule[1]})
		}
	} else if slices.Contains(bornIn, country) {
		fields = append(fields, shopper.Field{Name: "date_of_birth", Type: "date", Autocomplete: "bday", Pattern: `\d{4}-\d{2}-\d{2}`})
	}
	return fields
}

// paymentsRoutes adds the routes for browsers: the redirect after the purchase and the
// categories' pictures.
func (s *Server) paymentsRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /kp/v1/sessions/{id}/redirect", s.serveRedirect)
	mux.HandleFunc("GET /kp/assets/{language}/{name}", serveCategory)
}

// serveRedirect sends a browser on to the merchant's confirmation page.
// Source: docs.klarna.com, Create an order (redirect_url).
func (s *Server) serveRedirect(w http.ResponseWriter, r *http.Request) {
	s.Mu.Lock()
	to := ""
	if p := s.kp.Kept.Sessions[r.PathValue("id")]; p != nil {
		to = p.ConfirmationURL
	}
	s.Mu.Unlock()
	if to == "" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where there is TLS
		Name: "klarna_client_id", Value: r.PathValue("id"), Path: s.BasePath() + "/",
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// glyphs are the drawings of the categories: a sheet, a card, three parts.
var glyphs = map[string]string{
	"pay_later":     `<path d="M12 5h16v15H12zM15 9h10M15 12h10M15 15h6"/>`,
	"pay_now":       `<path d="M8 6h24v13H8zM8 10h24M11 15h6"/>`,
	"pay_over_time": `<path d="M8 6h6v13H8zM17 6h6v13h-6zM26 6h6v13h-6z"/>`,
}

// serveCategory serves a neutral picture of 40 × 25. The descriptive one has the name
// beside it.
func serveCategory(w http.ResponseWriter, r *http.Request) {
	identifier, form, _ := strings.Cut(strings.TrimSuffix(r.PathValue("name"), ".svg"), "-")
	glyph, width, label := glyphs[identifier], 40, ""
	if form == "descriptive" {
		label, width = payments.CategoryName(identifier, web.LangOf(r.PathValue("language"))), 260
	}
	if glyph == "" || form != "descriptive" && form != "standard" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="25" viewBox="0 0 %d 25">`+
		`<rect x=".5" y=".5" width="39" height="24" fill="#fff" stroke="#85858f"/><g fill="none" stroke="#33333d" stroke-width="1.5">%s</g>`+
		`<text x="50" y="17" font-family="sans-serif" font-size="14" fill="#85858f">%s</text></svg>`, width, width, glyph, html.EscapeString(label))
}
