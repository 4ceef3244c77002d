package payments

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// newClientToken returns a session's client_token, a JWT with the recorded members. Its
// signature is random: it only makes the token secret.
// Source: recorded answers of the Klarna Payments API. The caller holds s.Mu.
func (s *Service) newClientToken(sessionID string, v *Session) string {
	header := wire.MustJSON(struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
	}{"RS256", s.NewID()})
	language, _, _ := strings.Cut(v.Locale, "-")
	base := s.BaseURL() + "/kp"
	payload := wire.MustJSON(struct {
		SessionID          string            `json:"session_id"`
		BaseURL            string            `json:"base_url"`
		Design             string            `json:"design"`
		Language           string            `json:"language"`
		PurchaseCountry    string            `json:"purchase_country"`
		Environment        string            `json:"environment"`
		MerchantName       string            `json:"merchant_name"`
		SessionType        string            `json:"session_type"`
		ClientEventBaseURL string            `json:"client_event_base_url"`
		Scheme             bool              `json:"scheme"`
		Experiments        []json.RawMessage `json:"experiments"`
		Region             string            `json:"region"`
		OnePaymentMethod   bool              `json:"ua_enabled_and_one_pm"`
	}{
		SessionID: sessionID, BaseURL: base, Design: cmp.Or(v.Design, "klarna"), Language: strings.ToLower(language),
		PurchaseCountry: strings.ToUpper(v.PurchaseCountry), Environment: "playground", MerchantName: s.MerchantName,
		SessionType: "PAYMENTS", ClientEventBaseURL: base, Scheme: true, Experiments: []json.RawMessage{},
		Region: regionOf(v.Market()), OnePaymentMethod: len(categoriesFor(v)) == 1,
	})
	signature := make([]byte, 256) // as long as that of an RSA key of 2048 bits
	s.Random(signature)
	encode := base64.RawURLEncoding.EncodeToString
	return encode(header) + "." + encode(payload) + "." + encode(signature)
}

// regionOf returns which of Klarna's API hosts a country belongs to.
// Source: docs.klarna.com, API URLs.
func regionOf(country string) string {
	switch country {
	case "US", "CA", "MX":
		return "na"
	case "AU", "NZ":
		return "oc"
	}
	return "eu"
}

// customerType returns person or organization.
func (v *Session) customerType() string {
	var customer wire.Customer
	_ = json.Unmarshal(v.Customer, &customer) // was checked
	return cmp.Or(customer.Type, "person")
}
