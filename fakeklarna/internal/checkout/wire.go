package checkout

import (
	"encoding/json"

	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// The values of Order.Status. Source: docs.kustom.co, Checkout API reference;
// StatusAborted is this fake's own, Klarna's name for it is not documented.
const (
	StatusIncomplete = "checkout_incomplete"
	StatusComplete   = "checkout_complete"
	StatusAborted    = "checkout_aborted"
)

// Order is an order as the checkout API answers it, its members in the order
// of Klarna's recorded answers. Amounts are minor units.
// Source: docs.kustom.co, Checkout API reference, Create order.
type Order struct {
	OrderID                string                `json:"order_id"`
	Status                 string                `json:"status"`
	PurchaseCountry        string                `json:"purchase_country"` // alpha-2, lower case unless Options.EchoCountryAsSent
	PurchaseCurrency       string                `json:"purchase_currency"`
	Locale                 string                `json:"locale"`
	BillingAddress         wire.Address          `json:"billing_address"`
	Customer               wire.Customer         `json:"customer"`
	ShippingAddress        wire.Address          `json:"shipping_address"`
	OrderAmount            int64                 `json:"order_amount"`
	OrderTaxAmount         int64                 `json:"order_tax_amount"`
	OrderLines             []wire.OrderLine      `json:"order_lines"`
	MerchantURLs           MerchantURLs          `json:"merchant_urls"`
	HTMLSnippet            string                `json:"html_snippet"`
	StartedAt              string                `json:"started_at"`
	CompletedAt            string                `json:"completed_at,omitempty"`
	LastModifiedAt         string                `json:"last_modified_at"`
	Options                OrderOptions          `json:"options"`
	ExternalPaymentMethods []json.RawMessage     `json:"external_payment_methods"`
	ExternalCheckouts      []json.RawMessage     `json:"external_checkouts"`
	ShippingCountries      []string              `json:"shipping_countries,omitempty"`
	BillingCountries       []string              `json:"billing_countries,omitempty"`
	ShippingOptions        []wire.ShippingOption `json:"shipping_options,omitempty"`
	SelectedShippingOption *wire.ShippingOption  `json:"selected_shipping_option,omitempty"`
	MerchantReference1     string                `json:"merchant_reference1,omitempty"`
	MerchantReference2     string                `json:"merchant_reference2,omitempty"`
	MerchantData           string                `json:"merchant_data,omitempty"`
	MerchantRequested      json.RawMessage       `json:"merchant_requested,omitempty"`
	GUI                    json.RawMessage       `json:"gui,omitempty"`
	Attachment             json.RawMessage       `json:"attachment,omitempty"`
	DiscountLines          json.RawMessage       `json:"discount_lines,omitempty"`
	Recurring              *bool                 `json:"recurring,omitempty"`
	RecurringDescription   string                `json:"recurring_description,omitempty"`
	RecurringToken         string                `json:"recurring_token,omitempty"`
	Tags                   []string              `json:"tags,omitempty"`

	// Fake is what only the fake knows; it is not in the answers of the API.
	Fake *FakeState `json:"fake,omitempty"`
}

// FakeState is what the fake knows of an order and Klarna's API does not tell.
type FakeState struct {
	Aborted       bool              `json:"aborted"`
	Expired       bool              `json:"expired"`    // the API answers 404
	ExpiresAt     string            `json:"expires_at"` // by the fake's clock; "" once complete
	Typed         map[string]string `json:"typed"`      // address member → what the shopper typed
	PaymentMethod string            `json:"payment_method,omitempty"`

	Acknowledged    bool              `json:"acknowledged"`
	OrderManagement *management.Order `json:"order_management,omitempty"` // once bought
}

// MerchantURLs are the merchant's pages and callbacks.
// Source: docs.kustom.co, Create order.
type MerchantURLs struct {
	Terms                string `json:"terms"`
	Checkout             string `json:"checkout"`
	Confirmation         string `json:"confirmation"`
	Push                 string `json:"push"`
	Validation           string `json:"validation,omitempty"`
	AddressUpdate        string `json:"address_update,omitempty"`
	ShippingOptionUpdate string `json:"shipping_option_update,omitempty"`
	CountryChange        string `json:"country_change,omitempty"`
	Notification         string `json:"notification,omitempty"`
	CancellationTerms    string `json:"cancellation_terms,omitempty"`
	Upsell               string `json:"upsell,omitempty"`
	UpsellValidation     string `json:"upsell_validation,omitempty"`
}

// OrderOptions are the order's options; the first three are always answered.
// Source: docs.kustom.co, Create order.
type OrderOptions struct {
	AllowSeparateShippingAddress          bool       `json:"allow_separate_shipping_address"`
	DateOfBirthMandatory                  bool       `json:"date_of_birth_mandatory"`
	RequireValidateCallbackSuccess        bool       `json:"require_validate_callback_success"`
	AcquiringChannel                      string     `json:"acquiring_channel,omitempty"`
	TitleMandatory                        *bool      `json:"title_mandatory,omitempty"`
	PhoneMandatory                        *bool      `json:"phone_mandatory,omitempty"`
	NationalIdentificationNumberMandatory *bool      `json:"national_identification_number_mandatory,omitempty"`
	VerifyNationalIdentificationNumber    *bool      `json:"verify_national_identification_number,omitempty"`
	RequireClientValidation               *bool      `json:"require_client_validation,omitempty"`
	AllowedCustomerTypes                  []string   `json:"allowed_customer_types,omitempty"`
	AdditionalCheckbox                    *Checkbox  `json:"additional_checkbox,omitempty"`
	AdditionalCheckboxes                  []Checkbox `json:"additional_checkboxes,omitempty"`
	AdditionalMerchantTerms               string     `json:"additional_merchant_terms,omitempty"`
	ShippingDetails                       string     `json:"shipping_details,omitempty"`
	ColorButton                           string     `json:"color_button,omitempty"`
	ColorButtonText                       string     `json:"color_button_text,omitempty"`
	ColorCheckbox                         string     `json:"color_checkbox,omitempty"`
	ColorCheckboxCheckmark                string     `json:"color_checkbox_checkmark,omitempty"`
	ColorHeader                           string     `json:"color_header,omitempty"`
	ColorLink                             string     `json:"color_link,omitempty"`
	RadiusBorder                          string     `json:"radius_border,omitempty"`
	ShowSubtotalDetail                    *bool      `json:"show_subtotal_detail,omitempty"`
	VATRemoved                            *bool      `json:"vat_removed,omitempty"`
	AutoCapture                           *bool      `json:"auto_capture,omitempty"`
	EnableDiscountModule                  *bool      `json:"enable_discount_module,omitempty"`
	ShowVATRegistrationNumberField        *bool      `json:"show_vat_registration_number_field,omitempty"`

	// What plugins send and the reference does not list, as it was sent.
	RequireClientValidationCallbackResponse json.RawMessage `json:"require_client_validation_callback_response,omitempty"`
	PackstationEnabled                      json.RawMessage `json:"packstation_enabled,omitempty"`
	ShippingInIframe                        json.RawMessage `json:"shipping_in_iframe,omitempty"`
	AllowGlobalBillingCountries             json.RawMessage `json:"allow_global_billing_countries,omitempty"`
	VATExcluded                             json.RawMessage `json:"vat_excluded,omitempty"`
	ConfirmationPageUpsell                  json.RawMessage `json:"confirmation_page_upsell,omitempty"`
	TMSConfigurationOverride                *TMSOverride    `json:"tms_configuration_override,omitempty"`
}

// TMSOverride switches the shipping assistant off for an order.
// Source: Kustom-Checkout/m2-module-kco.
type TMSOverride struct {
	Disabled bool `json:"disabled"`
}

// Checkbox is an additional checkbox of the merchant.
type Checkbox struct {
	ID       string `json:"id,omitempty"`
	Text     string `json:"text"`
	Checked  bool   `json:"checked"`
	Required bool   `json:"required"`
}
