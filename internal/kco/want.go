package kco

import (
	"cmp"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/settings"
)

// Wants makes the order that a cart needs.
type Wants struct {
	Pricer    *cart.Pricer
	Signer    *Signer
	PublicURL string // of the shop as browsers know it; no trailing slash
	// CallbackURL is the shop as Klarna's servers know it; no trailing slash.
	CallbackURL string
}

// placeholder is filled in by Klarna. Source: docs.kustom.co, Create order.
const placeholder = "{checkout.order.id}"

// Want returns the whole order that the cart needs now, and the quote that it comes from,
// which is an offer: only in the form can another place be typed. The error is that of
// cart.Pricer.Offer.
func (w *Wants) Want(c cart.Cart) (Content, cart.Quote, error) {
	quote, err := w.Pricer.Offer(c.Contents)
	return w.content(c, quote, err)
}

// content is the order of a cart with a quote, or with the quote's error.
func (w *Wants) content(c cart.Cart, quote cart.Quote, err error) (Content, cart.Quote, error) {
	delivery, deliveryErr := shippingOptions(quote)
	m, _ := c.Market(quote.Version)
	content := Content{
		Sale:              quote.Sale(c.Contents),
		MerchantURLs:      w.urls(quote.Version.Shop.Pages, i18n.LangOf(c.Locale), &c.Contents),
		MerchantData:      w.Signer.Sign(c.ID),
		ShippingOptions:   delivery,
		ShippingCountries: m.Destinations(),
		BillingCountries:  quote.Version.Markets.Countries(),
		Options:           options(quote.Version.Shop.Checkout.Forms[m.Country], i18n.LangOf(c.Locale)),
	}
	if b := c.Basket; b != nil {
		content.ShippingCountries, content.BillingCountries = b.ShippingCountries, b.BillingCountries
		content.MerchantReference1, content.MerchantReference2 = b.OrderNumber, b.Reference
	}
	return content, quote, cmp.Or(err, deliveryErr)
}

// CallbackPath is the path of callbacks below the callback URL. The token and the name
// of the callback follow it.
const CallbackPath = "/klarna/"

func (w *Wants) urls(pages settings.Pages, l i18n.Lang, c *cart.Contents) MerchantURLs {
	page := func(p settings.Page, path string) string { return p.Address(l, w.PublicURL+path) }
	callback := func(name string) string {
		return w.CallbackURL + CallbackPath + w.Signer.CallbackToken() + "/" + name + "?order_id=" + placeholder
	}
	return MerchantURLs{
		Terms:                page(pages.Terms, settings.TermsPath),
		CancellationTerms:    page(pages.Returns, settings.ReturnsPath),
		Checkout:             w.PublicURL + c.RefusedPath(),
		Confirmation:         w.PublicURL + c.ConfirmationPath() + "?order_id=" + placeholder,
		Push:                 callback("push"),
		Validation:           callback("validation"),
		AddressUpdate:        callback("address_update"),
		ShippingOptionUpdate: callback("shipping_option_update"),
		CountryChange:        callback("country_change"),
		Notification:         callback("notification"),
	}
}

// shippingOptions returns the ways of delivery. Where delivery has
// several tax rates, an option has the sum of the tax and the rate of the largest part. The
// list is empty and not nil when nothing is shipped: that removes earlier ones.
func shippingOptions(q cart.Quote) ([]ShippingOption, error) {
	options := []ShippingOption{}
	for _, o := range q.Options {
		rate, err := klarna.RateOf(o.Rate)
		if err != nil {
			return nil, err
		}
		options = append(options, ShippingOption{
			ID: o.ID, Name: o.Name, Description: description(o),
			Price: o.Price, TaxAmount: o.Tax, TaxRate: rate, Preselected: o.ID == q.Shipping.ID,
			ShippingMethod: o.Method, DeliveryDetails: klarna.DeliveryDetails{PickupLocation: o.Location},
		})
	}
	return options, nil
}

// description is where a way of delivery leads and how long it takes. The form may not show
// what is in the details.
func description(o cart.Option) string {
	line := o.Location.Address.Line()
	if line == "" || o.Time == "" {
		return line + o.Time
	}
	return line + " · " + o.Time
}

// options are those of a market's form.
func options(f settings.Form, l i18n.Lang) Options {
	o := Options{
		RequireValidateCallbackSuccess: true, AllowSeparateShippingAddress: f.SeparateAddress, PhoneMandatory: !f.PhoneOptional,
		DateOfBirthMandatory: f.BirthMandatory, NationalIdentificationNumberMandatory: f.IdentityMandatory, AllowedCustomerTypes: f.CustomerTypes,
		ColorButton: f.Colors.Button, ColorButtonText: f.Colors.ButtonText, ColorCheckbox: f.Colors.Checkbox,
		ColorCheckboxCheckmark: f.Colors.CheckboxCheckmark, ColorHeader: f.Colors.Header, ColorLink: f.Colors.Link,
		RadiusBorder: f.Radius, AutoCapture: f.AutoCapture,
	}
	for _, box := range f.Checkboxes {
		text, _ := box.Text.In(l)
		o.AdditionalCheckboxes = append(o.AdditionalCheckboxes, Checkbox{ID: box.ID, Text: text, Required: box.Required})
	}
	return o
}
