package mail_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/klarna"
	shopmail "github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// bought is an order in the language of a locale, as it is when a mail of a kind is written.
func bought(kind settings.MailKind, country, locale, currency string) order.Order {
	lines := []klarna.OrderLine{
		{Type: klarna.Physical, Reference: "MUG-1", Name: "Emaljmugg med ett långt namn som knappt får plats, 35 cl", Quantity: 12, UnitPrice: 14900, TaxRate: 2500, TotalAmount: 178800, TotalTaxAmount: 35760},
		{Type: klarna.Physical, Reference: "JAM-1", Name: "Donaudampfschifffahrtsgesellschaftskapitänsmützenhalter", Quantity: 1, UnitPrice: 12900, TaxRate: 1200, TotalAmount: 12900, TotalTaxAmount: 1382},
		{Type: klarna.Discount, Reference: "SOMMAR15", Name: "Rabatt", Quantity: 1, UnitPrice: -10000, TotalAmount: -10000, TotalTaxAmount: -2000, TaxRate: 2500},
		{Type: klarna.ShippingFee, Reference: "mailboat", Name: "Postbåten", Quantity: 1, UnitPrice: 4900, TaxRate: 2500, TotalAmount: 4900, TotalTaxAmount: 980},
	}
	o := shoptest.InState(ordermanagement.Authorized, func(o *order.Order) {
		o.ID, o.Number, o.Key, o.Locale = "ord_1", "FB-7K3D-29QX", "KEYKEYKEYKEYKEYKEYKEYKEYKE", locale
		o.PurchaseCountry, o.PurchaseCurrency = country, money.Currency(currency)
		o.OrderLines, o.OrderAmount, o.OriginalOrderAmount, o.OrderTaxAmount = lines, 186600, 186600, 36122
		o.BillingAddress = klarna.Address{
			GivenName: "Anna-Karin", FamilyName: "Öberg-Lindström", Email: "anna@kund.example", StreetAddress: "Stora Långgatan 123 B, lgh 1402", PostalCode: "111 57", City: "Stockholm", Country: country,
		}
		o.ShippingAddress = o.BillingAddress
		o.ShippingAddress.StreetAddress, o.ShippingAddress.CareOf = "Fabriksvägen 5", "Ombudet"
		o.PaymentMethod.Description = "Pay later"
	})
	switch kind {
	case settings.MailPlaced:
	case settings.MailWithdrawal:
		o.Withdrawals = []order.Withdrawal{{ID: "W", At: shoptest.Noon, Name: "Anna-Karin Öberg-Lindström", Email: "anna@kund.example", Lines: []order.WithdrawnLine{
			{ID: "physical:MUG-1", Name: lines[0].Name, Quantity: 2, Of: 12, Level: 2},
		}}}
	case settings.MailCancelled:
		o.Status = ordermanagement.Cancelled
	case settings.MailShipped, settings.MailRefunded:
		o.Status, o.CapturedAmount, o.RemainingAuthorizedAmount = ordermanagement.PartCaptured, 178800, 7800
		o.Captures = []ordermanagement.Capture{{CaptureID: "c1", CapturedAmount: 178800, CapturedAt: ordermanagement.Time{Time: shoptest.Noon}, OrderLines: lines[:1]}}
		o.Ship([]order.Shipment{{Carrier: "PostNord", TrackingNumber: "00373500489530470000", TrackingURI: "https://tracking.example/shipment?number=00373500489530470000&language=long"}}, "c1", shoptest.Noon)
	}
	if kind == settings.MailRefunded {
		o.RefundedAmount = 14900
		back := lines[0]
		back.Quantity, back.TotalAmount = 1, 14900
		o.Refunds = []ordermanagement.Refund{{RefundID: "r1", RefundedAmount: 14900, RefundedAt: ordermanagement.Time{Time: shoptest.Noon.AddDate(0, 0, 2)}, OrderLines: []klarna.OrderLine{back}, Description: "En mugg kom trasig"}}
	}
	return o
}

// locales are one for each language.
var locales = []struct{ country, locale, currency string }{
	{"SE", "sv-SE", "SEK"}, {"NO", "nb-NO", "NOK"}, {"DK", "da-DK", "DKK"}, {"FI", "fi-FI", "EUR"}, {"DE", "de-DE", "EUR"}, {"NL", "nl-NL", "EUR"}, {"US", "en-US", "USD"},
}

// logo is a picture.
func logo(t *testing.T) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 34, 34))
	for i := range 34 * 34 {
		picture.Set(i%34, i/34, color.RGBA{R: 11, G: 93, B: 59, A: 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every mail in every language fits on a phone and in the column of a mail program, by day
// and by night, and loads nothing. Its words are those of its language.
func TestMailLooks(t *testing.T) {
	t.Parallel()
	var page string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" {
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(server.Close)
	mailer := &shopmail.Mailer{PublicURL: "https://www.fjallboden.example", Published: shopThat(func(s *settings.Shop) {
		s.Name, s.Look.AccentLight, s.Look.AccentDark = "Fjällboden", "#0b5d3b", "#6fd3a4"
		s.Look.Logo = &settings.File{Name: "logo.png", Data: logo(t)}
	})}
	p := browsertest.Open(t, browsertest.Options{})
	for _, kind := range append(settings.MailKinds(), settings.MailWithdrawal) {
		for _, l := range locales {
			m, err := mailer.Compose(t.Context(), bought(kind, l.country, l.locale, l.currency), kind, "evt_1", 0)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(m.Subject+m.Text, "Anna-Karin") && kind == settings.MailCancelled || !strings.Contains(m.Subject, "(FB-7K3D-29QX)") || m.Language != l.locale[:2] {
				t.Errorf("%s, %s: %q in %s", kind, l.locale, m.Subject, m.Language)
			}
			if !slices.ContainsFunc([]string{"149,00", "149.00", "149 kr", "149\u00a0kr", "1 866", "1\u00a0866", "1.866", "1,866"}, func(amount string) bool { return strings.Contains(m.Text, amount) }) && kind != settings.MailShipped && kind != settings.MailWithdrawal {
				t.Errorf("%s, %s has no amount:\n%s", kind, l.locale, m.Text)
			}
			page = m.Preview()
			p.Go(server.URL + "/" + string(kind) + "/" + l.locale)
			for _, o := range []browsertest.Options{{Width: 360, Height: 900}, {Width: 600, Height: 900, Dark: true}, {Width: 600, Height: 900}} {
				p.As(o)
				p.Picture(string(kind) + " " + l.locale + " " + strings.ReplaceAll(o.String(), ",", ""))
				if beyond := p.MustEval(`() => document.documentElement.scrollWidth - document.documentElement.clientWidth`).Int(); beyond > 0 {
					t.Errorf("%s, %s scrolls sideways by %d px at %s", kind, l.locale, beyond, o)
				}
			}
		}
	}
	if problem := p.TooWide(); problem != "" {
		t.Error(problem)
	}
}

// A picture that mail programs do not show, or a large one, is left out: the name is there.
func TestMailLogo(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
		want bool
	}{{"logo.png", logo(t), true}, {"LOGO.PNG", logo(t), true}, {"logo.svg", []byte("<svg/>"), false}, {"logo.png", make([]byte, 65<<10), false}} {
		mailer := &shopmail.Mailer{Published: shopThat(func(s *settings.Shop) { s.Look.Logo = &settings.File{Name: tt.name, Data: tt.data} })}
		m, err := mailer.Compose(t.Context(), bought(settings.MailPlaced, "SE", "sv-SE", "SEK"), settings.MailPlaced, "evt_1", 0)
		if err != nil {
			t.Fatal(err)
		}
		server := startServer(t, serverOptions{})
		if err := server.sender("smtp", "", "").Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		got := parse(t, server.received()[0].data)
		if has := strings.Contains(got.html, `src="cid:logo"`) && slices.Equal(got.pictures, []string{"<logo>"}); has != tt.want || strings.Contains(got.html, "cid:") != tt.want || strings.Contains(got.html, "http://") {
			t.Errorf("%s: pictures %v", tt.name, got.pictures)
		}
		if !strings.Contains(m.Preview(), "data:image/png;base64,") == tt.want {
			t.Errorf("%s: the preview is otherwise", tt.name)
		}
	}
}

// The shop's name leads to the shop where it has pages of its own, else nowhere.
func TestMailLeadsToTheShop(t *testing.T) {
	for _, has := range []bool{true, false} {
		mailer := &shopmail.Mailer{PublicURL: shoptest.PublicURL, Published: shopThat(func(s *settings.Shop) { s.Storefront = has })}
		m, err := mailer.Compose(t.Context(), bought(settings.MailPlaced, "SE", "sv-SE", "SEK"), settings.MailPlaced, "evt_1", 0)
		if err != nil {
			t.Fatal(err)
		}
		if leads := strings.Contains(m.HTML, `href="`+shoptest.PublicURL+`/"`); leads != has {
			t.Errorf("pages %t, a link %t", has, leads)
		}
	}
}

// What Klarna is still checking, or has refused, is not said to be got ready.
func TestMailOfPendingOrder(t *testing.T) {
	mailer := &shopmail.Mailer{Published: shopThat(nil)}
	o := bought(settings.MailPlaced, "SE", "sv-SE", "SEK")
	o.FraudStatus = ordermanagement.FraudPending
	m, err := mailer.Compose(t.Context(), o, settings.MailPlaced, "evt_1", 0)
	if err != nil || !strings.Contains(m.Subject, "vi har tagit emot din beställning") || strings.Contains(m.Text, "Vi gör din beställning i ordning") {
		t.Errorf("%v: %s\n%s", err, m.Subject, m.Text)
	}
	o.PlacedAt = time.Date(2026, 6, 30, 23, 30, 0, 0, time.UTC)
	mailer.Published = shopThat(func(s *settings.Shop) { s.Zone = time.FixedZone("", 2*3600) })
	if m, err = mailer.Compose(t.Context(), o, settings.MailPlaced, "evt_1", 0); err != nil || !strings.Contains(m.Text, "2026-07-01") {
		t.Errorf("the day is not that of the shop: %v\n%s", err, m.Text)
	}
}
