package wire

import (
	"encoding/json"
	"math/big"
	"strings"
)

// OrderLine is one line of an order. Source: docs.kustom.co, Create order.
type OrderLine struct {
	Type                string          `json:"type"`
	Reference           string          `json:"reference,omitempty"`
	Name                string          `json:"name"`
	Quantity            int64           `json:"quantity"`
	QuantityUnit        string          `json:"quantity_unit,omitempty"`
	UnitPrice           int64           `json:"unit_price"` // minor units, before discount
	TaxRate             int64           `json:"tax_rate"`   // hundredths of a percent
	TotalAmount         int64           `json:"total_amount"`
	TotalDiscountAmount int64           `json:"total_discount_amount"`
	TotalTaxAmount      int64           `json:"total_tax_amount"`
	MerchantData        string          `json:"merchant_data,omitempty"`
	ProductURL          string          `json:"product_url,omitempty"`
	ImageURL            string          `json:"image_url,omitempty"`
	ProductIdentifiers  json.RawMessage `json:"product_identifiers,omitempty"`
	ShippingAttributes  json.RawMessage `json:"shipping_attributes,omitempty"`
	Subscription        json.RawMessage `json:"subscription,omitempty"`
}

// Address is a billing or shipping address. Source: docs.kustom.co, Create order.
type Address struct {
	OrganizationName string `json:"organization_name,omitempty"`
	Reference        string `json:"reference,omitempty"` // of a company, as attention: older clients send both
	Attention        string `json:"attention,omitempty"`
	GivenName        string `json:"given_name,omitempty"`
	FamilyName       string `json:"family_name,omitempty"`
	Email            string `json:"email,omitempty"`
	Title            string `json:"title,omitempty"`
	StreetAddress    string `json:"street_address,omitempty"`
	StreetAddress2   string `json:"street_address2,omitempty"`
	StreetName       string `json:"street_name,omitempty"`
	StreetNumber     string `json:"street_number,omitempty"`
	HouseExtension   string `json:"house_extension,omitempty"`
	CareOf           string `json:"care_of,omitempty"`
	PostalCode       string `json:"postal_code,omitempty"`
	City             string `json:"city,omitempty"`
	Region           string `json:"region,omitempty"`
	Phone            string `json:"phone,omitempty"`
	Country          string `json:"country,omitempty"` // alpha-2, case as Order.PurchaseCountry
}

// Member returns the address of a member by its name on the wire, nil if there
// is none of that name.
func (a *Address) Member(name string) *string {
	return map[string]*string{
		"organization_name": &a.OrganizationName, "given_name": &a.GivenName, "family_name": &a.FamilyName,
		"email": &a.Email, "title": &a.Title, "street_address": &a.StreetAddress, "street_address2": &a.StreetAddress2,
		"street_name": &a.StreetName, "street_number": &a.StreetNumber, "house_extension": &a.HouseExtension, "care_of": &a.CareOf,
		"postal_code": &a.PostalCode, "city": &a.City, "region": &a.Region, "phone": &a.Phone, "country": &a.Country,
	}[name]
}

// Customer is the order's customer. Source: docs.kustom.co, Create order.
type Customer struct {
	Type                       string `json:"type,omitempty"`
	Gender                     string `json:"gender,omitempty"`
	DateOfBirth                string `json:"date_of_birth,omitempty"`
	OrganizationRegistrationID string `json:"organization_registration_id,omitempty"`
	VATID                      string `json:"vat_id,omitempty"`
}

// Member returns the address of a text that a shopper types, by its name on the wire, nil if
// there is none of that name.
func (c *Customer) Member(name string) *string {
	return map[string]*string{
		"date_of_birth": &c.DateOfBirth, "organization_registration_id": &c.OrganizationRegistrationID, "vat_id": &c.VATID,
	}[name]
}

// ShippingOption is a way of delivery that the iframe offers. Amounts are
// minor units, tax included. Source: docs.kustom.co, Shipping.
type ShippingOption struct {
	ID              string          `json:"id"`
	Name            string          `json:"name"`
	Description     string          `json:"description,omitempty"`
	Promo           string          `json:"promo,omitempty"`
	Price           int64           `json:"price"`
	TaxAmount       int64           `json:"tax_amount"`
	TaxRate         int64           `json:"tax_rate"` // hundredths of a percent
	Preselected     bool            `json:"preselected,omitempty"`
	ShippingMethod  string          `json:"shipping_method,omitempty"`
	DeliveryDetails json.RawMessage `json:"delivery_details,omitempty"`
	TMSReference    string          `json:"tms_reference,omitempty"`
	SelectedAddons  json.RawMessage `json:"selected_addons,omitempty"`
}

// countries are the two letters of all ISO 3166-1 countries. Klarna is available in 229 of
// them and does not publish which.
// Source: docs.kustom.co, Selling to multiple countries.
const countries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ " +
	"NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"

// IsCountry reports whether code is a country's two letters, in either case.
func IsCountry(code string) bool {
	return len(code) == 2 && !strings.Contains(code, " ") && strings.Contains(" "+countries+" ", " "+strings.ToUpper(code)+" ")
}

// Klarna's checks of lines and sums. They are independent of the shop's own arithmetic and
// use integers of any size: sent values may be as large as an int64.
// Source: docs.kustom.co, Checkout API reference (order_line); docs.klarna.com, Tax handling.

// TotalFits: total_amount = quantity × unit_price − total_discount_amount.
func (l *OrderLine) TotalFits() bool {
	want := product(l.Quantity, l.UnitPrice)
	want.Sub(want, big.NewInt(l.TotalDiscountAmount))
	return want.Cmp(big.NewInt(l.TotalAmount)) == 0
}

// TaxFits: total_tax_amount is at most 1 away from the tax that total_amount
// includes, total_amount × rate / (100 % + rate).
func (l *OrderLine) TaxFits() bool {
	off := product(l.TotalTaxAmount, WholeRate+l.TaxRate)
	off.Sub(off, product(l.TotalAmount, l.TaxRate))
	return off.CmpAbs(big.NewInt(WholeRate+l.TaxRate)) <= 0
}

// Tax returns the tax that total_amount includes, rounded.
func (l *OrderLine) Tax() *big.Int {
	whole := big.NewInt(2 * (WholeRate + l.TaxRate))
	twice := product(l.TotalAmount, 2*l.TaxRate)
	if twice.Sign() < 0 { // away from zero, as for what is sold
		twice.Sub(twice, big.NewInt(WholeRate+l.TaxRate))
	} else {
		twice.Add(twice, big.NewInt(WholeRate+l.TaxRate))
	}
	return twice.Quo(twice, whole)
}

// Sums returns what order_amount and order_tax_amount must be. In the US the
// tax is the sales_tax line, if there is one.
func Sums(country string, lines []OrderLine) (amount, tax *big.Int) {
	amount, tax = new(big.Int), new(big.Int)
	salesTax := new(big.Int)
	found := false
	for i := range lines {
		amount.Add(amount, big.NewInt(lines[i].TotalAmount))
		tax.Add(tax, big.NewInt(lines[i].TotalTaxAmount))
		if lines[i].Type == "sales_tax" && strings.EqualFold(country, "US") {
			found = true
			salesTax.Add(salesTax, big.NewInt(lines[i].TotalAmount))
		}
	}
	if found {
		tax = salesTax
	}
	return amount, tax
}

func product(a, b int64) *big.Int { return new(big.Int).Mul(big.NewInt(a), big.NewInt(b)) }
