package api

import (
	"cmp"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// SessionRequest is what a checkout session says: all of it, each time.
type SessionRequest struct {
	Country           string            `json:"country" pattern:"^[A-Z]{2}$" doc:"The purchase country, a market of the shop file."`
	Currency          string            `json:"currency,omitempty" pattern:"^[A-Z]{3}$" doc:"That of the country's market."`
	Locale            string            `json:"locale,omitempty" maxLength:"10" doc:"One of the country's market; else its first."`
	OrderLines        []LineRequest     `json:"order_lines" minItems:"1" maxItems:"900" nullable:"false"`
	DeliveryOptions   []DeliveryRequest `json:"delivery_options,omitempty" maxItems:"20" nullable:"false" doc:"Else those of the shop file."`
	ShippingCountries []string          `json:"shipping_countries,omitempty" maxItems:"100" nullable:"false" doc:"Else the country."`
	BillingCountries  []string          `json:"billing_countries,omitempty" maxItems:"100" nullable:"false" doc:"Else the country."`
	Customer          *CustomerBody     `json:"customer,omitempty"`
	Mode              string            `json:"mode,omitempty" enum:"hosted,embedded" default:"hosted"`
	SuccessURL        string            `json:"success_url" maxLength:"2000" doc:"Where the shopper goes after the purchase. {REFERENCE} and {ORDER_NUMBER} are filled in."`
	CancelURL         string            `json:"cancel_url,omitempty" maxLength:"2000"`
	CheckoutURL       string            `json:"checkout_url,omitempty" maxLength:"2000" doc:"The page that holds the checkout, with mode embedded."`
	OrderNumber       string            `json:"order_number,omitempty" pattern:"^[.]*[A-Za-z0-9_-][A-Za-z0-9._-]*$" maxLength:"64" doc:"Not of dots alone. Else one with the shop's prefix."`
	Metadata          map[string]string `json:"metadata,omitempty" doc:"Up to 20 members, names to 40, texts to 500 characters."`
}

// LineRequest is a line of the basket. With unit_price it is the merchant's own, without a
// SKU of the catalogue.
type LineRequest struct {
	ID                  string          `json:"id,omitempty" pattern:"^[A-Za-z0-9._-]{1,64}$" doc:"Unique in the basket; else shopd gives one."`
	Type                string          `json:"type,omitempty" enum:"physical,digital,discount,surcharge,gift_card,store_credit,shipping_fee,sales_tax" default:"physical"`
	Reference           string          `json:"reference,omitempty" maxLength:"255" doc:"The SKU."`
	Name                string          `json:"name,omitempty" maxLength:"255" doc:"Required with unit_price."`
	Quantity            int64           `json:"quantity" minimum:"1" maximum:"1000000"`
	UnitPrice           *int64          `json:"unit_price,omitempty" minimum:"-100000000" maximum:"100000000"`
	TaxRate             *int64          `json:"tax_rate,omitempty" minimum:"0" maximum:"10000" doc:"Required with unit_price, but for discounts."`
	TotalDiscountAmount int64           `json:"total_discount_amount,omitempty" minimum:"0" maximum:"100000000"`
	TotalAmount         *int64          `json:"total_amount,omitempty" doc:"Must be what the line comes to."`
	TotalTaxAmount      *int64          `json:"total_tax_amount,omitempty" doc:"Must be what the line's tax comes to, within 1; is then taken."`
	ImageURL            string          `json:"image_url,omitempty" maxLength:"1024"`
	ProductURL          string          `json:"product_url,omitempty" maxLength:"1024"`
	Weight              int             `json:"weight,omitempty" minimum:"0" maximum:"1000000" doc:"Of one, in grams."`
	ProductIdentifiers  *ProductNumbers `json:"product_identifiers,omitempty"`
	MerchantData        string          `json:"merchant_data,omitempty" maxLength:"255"`
}

// ProductNumbers are what a product is known by elsewhere.
type ProductNumbers struct {
	Brand                  string `json:"brand,omitempty" maxLength:"70"`
	CategoryPath           string `json:"category_path,omitempty" maxLength:"750"`
	GlobalTradeItemNumber  string `json:"global_trade_item_number,omitempty" maxLength:"50"`
	ManufacturerPartNumber string `json:"manufacturer_part_number,omitempty" maxLength:"70"`
}

// DeliveryRequest is a way of delivery.
type DeliveryRequest struct {
	ID          string `json:"id" pattern:"^[A-Za-z0-9._-]{1,64}$"`
	Name        string `json:"name" minLength:"1" maxLength:"255"`
	Description string `json:"description,omitempty" maxLength:"255"`
	Price       int64  `json:"price" minimum:"0" maximum:"100000000"`
	TaxRate     int64  `json:"tax_rate" minimum:"0" maximum:"10000"`
	Preselected bool   `json:"preselected,omitempty"`
	// PickupPoint is where the shopper fetches the goods.
	PickupPoint *PickupPoint `json:"pickup_point,omitempty"`
}

// PickupPoint is where the shopper fetches the goods.
type PickupPoint struct {
	ID      string       `json:"id" pattern:"^[A-Za-z0-9._-]{1,64}$"`
	Name    string       `json:"name" minLength:"1" maxLength:"100"`
	Address *AddressBody `json:"address,omitempty"`
}

// location is the pickup point as Klarna has it.
func (p *PickupPoint) location() klarna.PickupLocation {
	if p == nil {
		return klarna.PickupLocation{}
	}
	return klarna.PickupLocation{ID: p.ID, Name: p.Name, Address: p.Address.address()}
}

// pickupPoint is a pickup point as the API has it; nil: there is none.
func pickupPoint(l klarna.PickupLocation) *PickupPoint {
	if l == (klarna.PickupLocation{}) {
		return nil
	}
	return &PickupPoint{ID: l.ID, Name: l.Name, Address: addressBody(l.Address)}
}

// CustomerBody is what is known of the shopper. Klarna's form begins with the addresses where
// prefill_consent is true.
type CustomerBody struct {
	Type            string       `json:"type,omitempty" enum:"person,organization"`
	Email           string       `json:"email,omitempty" maxLength:"255"`
	BillingAddress  *AddressBody `json:"billing_address,omitempty"`
	ShippingAddress *AddressBody `json:"shipping_address,omitempty"`
	PrefillConsent  bool         `json:"prefill_consent,omitempty"`
}

// AddressBody is an address.
type AddressBody struct {
	Title            string `json:"title,omitempty" maxLength:"20"`
	GivenName        string `json:"given_name,omitempty" maxLength:"100"`
	FamilyName       string `json:"family_name,omitempty" maxLength:"100"`
	OrganizationName string `json:"organization_name,omitempty" maxLength:"100"`
	Attention        string `json:"attention,omitempty" maxLength:"100"`
	CareOf           string `json:"care_of,omitempty" maxLength:"100"`
	Email            string `json:"email,omitempty" maxLength:"255"`
	StreetAddress    string `json:"street_address,omitempty" maxLength:"100"`
	StreetAddress2   string `json:"street_address2,omitempty" maxLength:"100"`
	StreetName       string `json:"street_name,omitempty" maxLength:"100"`
	StreetNumber     string `json:"street_number,omitempty" maxLength:"20"`
	HouseExtension   string `json:"house_extension,omitempty" maxLength:"20"`
	PostalCode       string `json:"postal_code,omitempty" maxLength:"10"`
	City             string `json:"city,omitempty" maxLength:"100"`
	Region           string `json:"region,omitempty" maxLength:"100"`
	Phone            string `json:"phone,omitempty" maxLength:"30"`
	Country          string `json:"country,omitempty" pattern:"^[A-Z]{2}$"`
}

// address is the address as Klarna has it.
func (a *AddressBody) address() klarna.Address {
	if a == nil {
		return klarna.Address{}
	}
	return klarna.Address{
		Title: a.Title, GivenName: a.GivenName, FamilyName: a.FamilyName, OrganizationName: a.OrganizationName, Attention: a.Attention,
		CareOf: a.CareOf, Email: a.Email, StreetAddress: a.StreetAddress, StreetAddress2: a.StreetAddress2, StreetName: a.StreetName,
		StreetNumber: a.StreetNumber, HouseExtension: a.HouseExtension, PostalCode: a.PostalCode, City: a.City, Region: a.Region,
		Phone: a.Phone, Country: a.Country,
	}
}

// addressBody is an address as the API has it; nil: there is none.
func addressBody(a klarna.Address) *AddressBody {
	if a == (klarna.Address{}) {
		return nil
	}
	return &AddressBody{
		Title: a.Title, GivenName: a.GivenName, FamilyName: a.FamilyName, OrganizationName: a.OrganizationName, Attention: a.Attention,
		CareOf: a.CareOf, Email: a.Email, StreetAddress: a.StreetAddress, StreetAddress2: a.StreetAddress2, StreetName: a.StreetName,
		StreetNumber: a.StreetNumber, HouseExtension: a.HouseExtension, PostalCode: a.PostalCode, City: a.City, Region: a.Region,
		Phone: a.Phone, Country: a.Country,
	}
}

// Session is a checkout session.
type Session struct {
	Object            string            `json:"object" enum:"checkout_session"`
	Reference         string            `json:"reference"`
	Revision          int64             `json:"revision" doc:"Rises with lines, totals and options, not with the shopper's address or choice."`
	Status            string            `json:"status" enum:"open,placing,complete,expired"`
	URL               string            `json:"url" doc:"The hosted page. It holds a secret: give it to the shopper alone."`
	ClientSecret      *string           `json:"client_secret" doc:"For the page that holds the checkout; null with mode hosted."`
	Country           string            `json:"country"`
	Currency          string            `json:"currency"`
	Locale            string            `json:"locale"`
	OrderAmount       int64             `json:"order_amount"`
	OrderTaxAmount    int64             `json:"order_tax_amount"`
	OrderLines        []Line            `json:"order_lines" nullable:"false"`
	DeliveryOptions   []Delivery        `json:"delivery_options" nullable:"false" doc:"What is offered where the order goes."`
	DeliveryOption    *Delivery         `json:"delivery_option" doc:"The chosen one, or the preselected."`
	ShippingCountries []string          `json:"shipping_countries" nullable:"false"`
	BillingCountries  []string          `json:"billing_countries" nullable:"false"`
	Customer          *CustomerBody     `json:"customer,omitempty"`
	Mode              string            `json:"mode" enum:"hosted,embedded"`
	SuccessURL        string            `json:"success_url"`
	CancelURL         string            `json:"cancel_url,omitempty"`
	CheckoutURL       string            `json:"checkout_url,omitempty"`
	OrderNumber       string            `json:"order_number"`
	Metadata          map[string]string `json:"metadata"`
	CreatedAt         time.Time         `json:"created_at"`
	ExpiresAt         time.Time         `json:"expires_at"`
	LinesLost         bool              `json:"lines_lost,omitempty" doc:"The lines are lost; the next PUT brings them again."`
	Order             *OrderRef         `json:"order" doc:"null until the session is complete."`
	Refused           *Refused          `json:"refused,omitempty" doc:"Why the last purchase of this basket was not placed: the validate hook refused what Klarna Payments had authorized, and the authorization was given back."`
}

// Refused is what the merchant's server has said to a purchase that it refused.
type Refused struct {
	At      time.Time         `json:"at"`
	Message map[string]string `json:"message,omitempty" doc:"What the shopper reads, by language."`
}

// OrderRef names an order.
type OrderRef struct {
	ID     string `json:"id"`
	Number string `json:"number"`
}

// Line is a line of a session with what it comes to.
type Line struct {
	ID                  string          `json:"id"`
	Type                string          `json:"type"`
	Reference           string          `json:"reference,omitempty"`
	Name                string          `json:"name"`
	Quantity            int64           `json:"quantity"`
	UnitPrice           int64           `json:"unit_price"`
	TaxRate             *int64          `json:"tax_rate" doc:"null where the line is split over several rates."`
	TotalDiscountAmount int64           `json:"total_discount_amount"`
	TotalAmount         int64           `json:"total_amount"`
	TotalTaxAmount      int64           `json:"total_tax_amount"`
	UsedAmount          *int64          `json:"used_amount,omitempty" doc:"Of gift cards and store credit: what is taken."`
	ImageURL            string          `json:"image_url,omitempty"`
	ProductURL          string          `json:"product_url,omitempty"`
	Weight              int             `json:"weight,omitempty"`
	ProductIdentifiers  *ProductNumbers `json:"product_identifiers,omitempty"`
	MerchantData        string          `json:"merchant_data,omitempty"`
}

// Delivery is a way of delivery that is offered.
type Delivery struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Price       int64  `json:"price"`
	TaxRate     int64  `json:"tax_rate"`
	Preselected bool   `json:"preselected,omitempty"`
	// PickupPoint is where the shopper fetches the goods.
	PickupPoint *PickupPoint `json:"pickup_point,omitempty"`
}

// answer is a session as it is: its row, its cart, what the cart comes to, and when it was
// touched last.
func (a *API) answer(row checkoutsession.Session, c cart.Cart, q cart.Quote, touched time.Time, sold *OrderRef) Session {
	s := Session{
		Object: "checkout_session", Reference: row.Reference, Revision: newest(row, c), Status: string(row.Status),
		URL: a.PublicURL + checkoutsession.OpenPath + a.Links.Secret(row.CartID), Country: c.Country, Currency: string(q.Currency), Locale: c.Locale,
		OrderAmount: int64(q.OrderAmount), OrderTaxAmount: int64(q.OrderTaxAmount), OrderLines: []Line{}, DeliveryOptions: []Delivery{},
		ShippingCountries: []string{}, BillingCountries: []string{},
		Mode: row.Mode, SuccessURL: row.SuccessURL, CancelURL: row.CancelURL, CheckoutURL: row.CheckoutURL, OrderNumber: row.OrderNumber,
		Metadata: row.Metadata, CreatedAt: instant(row.CreatedAt), ExpiresAt: touched.Add(checkoutsession.Life).UTC().Truncate(time.Second), Order: sold,
	}
	if s.Metadata == nil {
		s.Metadata = map[string]string{}
	}
	if row.Mode == embedded {
		s.ClientSecret = new(secretPrefix + a.Secrets.Secret(row.CartID))
	}
	if k := row.Customer; k != (checkoutsession.Customer{}) {
		s.Customer = &CustomerBody{
			Type: k.Type, Email: k.Email, BillingAddress: addressBody(k.Billing), ShippingAddress: addressBody(k.Shipping), PrefillConsent: k.PrefillConsent,
		}
	}
	if c.Basket == nil {
		m := row.Market
		s.Country, s.Currency, s.Locale, s.ShippingCountries, s.BillingCountries = m.Country, string(m.Currency), m.Locale, m.ShippingCountries, m.BillingCountries
		s.LinesLost = sold == nil
		return s
	}
	if r := c.Refused; r != nil && row.Status == checkoutsession.Open {
		s.Refused = &Refused{At: instant(r.At)}
		for lang, text := range r.Message {
			if s.Refused.Message == nil {
				s.Refused.Message = map[string]string{}
			}
			s.Refused.Message[string(lang)] = text
		}
	}
	s.ShippingCountries, s.BillingCountries = c.Basket.ShippingCountries, c.Basket.BillingCountries
	for i, line := range c.Basket.Lines {
		if i < len(q.Basket) {
			s.OrderLines = append(s.OrderLines, lineOf(line, q.Basket[i]))
		}
	}
	for _, o := range q.Options {
		option := Delivery{o.ID, o.Name, o.Time, int64(o.Price), int64(o.Rate / 10), false, pickupPoint(o.Location)}
		if q.Shipping != nil && o.ID == q.Shipping.ID {
			s.DeliveryOption = new(option)
		}
		for _, own := range c.Basket.Options {
			option.Preselected = option.Preselected || own.ID == o.ID && own.Preselected
		}
		s.DeliveryOptions = append(s.DeliveryOptions, option)
	}
	return s
}

const embedded = "embedded"

func lineOf(line cart.BasketLine, priced cart.Priced) Line {
	l := Line{
		ID: line.ID, Type: string(cmp.Or(priced.Type, line.Type)), Reference: line.Reference, Name: cmp.Or(priced.Name, line.Name), Quantity: line.Quantity,
		UnitPrice: int64(priced.UnitPrice), TotalDiscountAmount: int64(line.Discount),
		TotalAmount: int64(priced.TotalAmount), TotalTaxAmount: int64(priced.TotalTax),
		ImageURL: line.Image, ProductURL: line.Page, Weight: line.ShippingAttributes.Weight, MerchantData: line.MerchantData,
	}
	if priced.TaxRate != nil {
		l.TaxRate = new(int64(*priced.TaxRate))
	}
	if isCredit(line.Type) {
		l.UsedAmount = new(int64(-priced.TotalAmount))
		l.TaxRate = new(int64(0))
	}
	if n := line.ProductIdentifiers; n != (klarna.Identifiers{}) {
		l.ProductIdentifiers = new(ProductNumbers(n))
	}
	return l
}

// isCredit reports whether a line of a type is paid with the merchant's own money.
func isCredit(of klarna.LineType) bool { return of == klarna.GiftCard || of == klarna.StoreCredit }

// amount is an optional amount.
func amount(n *int64) *money.Amount {
	if n == nil {
		return nil
	}
	return new(money.Amount(*n))
}
