package wire

import "encoding/json"

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
