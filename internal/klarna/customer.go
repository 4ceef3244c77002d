package klarna

import "log/slog"

// Customer is what Klarna knows of who buys beside the addresses, as far as the shop needs
// it: dates of birth and personal numbers are not read. It may be personal data, for one
// person can be a company, and is never logged.
// Source: docs.kustom.co, Create order; docs.klarna.com, Klarna Payments API reference.
type Customer struct {
	Type                       string `json:"type,omitempty"` // market.Person or market.Organization; "" is a person
	OrganizationRegistrationID string `json:"organization_registration_id,omitempty"`
	VATID                      string `json:"vat_id,omitempty"`
}

// LogValue keeps the customer out of logs.
func (Customer) LogValue() slog.Value { return slog.StringValue("[customer]") }
