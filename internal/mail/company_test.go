package mail_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/settings"
)

// The mail says which company has bought, in both of its forms; one to a person says no such thing.
func TestMailCompany(t *testing.T) {
	p := newPost(t, nil)
	o := p.Placed("email", "anna@kund.example", "street_address", "Storgatan 1")
	company := func() (html, text bool) {
		t.Helper()
		m, err := p.Mailer.Compose(t.Context(), o, settings.MailPlaced, "1", 0)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(m.HTML, "Företag</h2>") && strings.Contains(m.HTML, "Ek &amp; Söner AB") && strings.Contains(m.HTML, "Org.nr 556016-0680"),
			strings.Contains(m.Text, "\nFöretag\nEk & Söner AB\nOrg.nr 556016-0680\n\nLeveransadress\n")
	}
	if html, text := company(); html || text {
		t.Error("a person is a company")
	}
	o = p.edit(o, func(o *order.Order) {
		o.BillingAddress.OrganizationName, o.ShippingAddress.OrganizationName = "Ek & Söner AB", "Ek & Söner AB"
		o.Customer = klarna.Customer{Type: market.Organization, OrganizationRegistrationID: "556016-0680"}
	})
	if html, text := company(); !html || !text {
		t.Errorf("in the HTML %t, in the text %t", html, text)
	}
}
