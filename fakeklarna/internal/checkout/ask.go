package checkout

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Callbacks that decide about an order, and the merchant's answers.

// The time that the merchant has for validation.
// Source: docs.kustom.co, Validate order.
const (
	validationLimit         = 3 * time.Second
	requiredValidationLimit = 10 * time.Second
)

// addressTrigger returns the callback for a change of address or country, "" for none.
// address_update comes before country_change, also when the iframe opens the first time.
// Source: docs.kustom.co, Server side callbacks.
func addressTrigger(o *Stored, a *Action, opened bool, before, after *Order) string {
	changed := before.BillingAddress != after.BillingAddress || before.ShippingAddress != after.ShippingAddress
	switch urls := &after.MerchantURLs; {
	case urls.AddressUpdate != "" && (opened || changed):
		return "address_update"
	case urls.CountryChange != "" && !strings.EqualFold(before.BillingAddress.Country, after.BillingAddress.Country):
		return "country_change"
	case a.Load, len(a.Type) > 0:
		return o.Owed
	}
	return ""
}

// askMerchant sends an address callback and follows the answer. There is no purchase until
// the callback succeeds. The error is ErrNoOrder.
func (s *Service) askMerchant(o *Stored, kind string) (*shopper.Refusal, error) {
	if kind == "" {
		return nil, nil
	}
	if merchantURL(o, kind) == "" { // an update has taken it away
		o.Owed = ""
		return nil, nil
	}
	o.Owed = kind
	v := s.render(o)
	reply, err := s.ask(o, callback.Call{Kind: kind, Body: serviceRequest(&v)})
	if err != nil {
		return nil, err
	}
	switch {
	case reply.Redirects():
		return &shopper.Refusal{Code: shopper.RefusedAddressRedirect, RedirectURL: reply.Location}, nil
	case reply.Status == http.StatusBadRequest:
		return s.refusedBy(reply, shopper.RefusedAddress, shopper.RefusedAddressFailed, v.Locale), nil
	case o.Status != StatusIncomplete:
		return shopper.Refuse(shopper.RefusedReadOnly, v.Locale), nil
	}
	if err := s.takeAnswer(o, reply); err != nil {
		s.calls.NotTaken(reply, err)
		return shopper.Refuse(shopper.RefusedAddressFailed, v.Locale), nil
	}
	o.Owed = ""
	return nil, nil
}

// serviceRequest is the body of the address callbacks.
// Source: docs.kustom.co, Checkout callback API reference.
func serviceRequest(v *Order) any {
	return struct {
		OrderAmount            int64                `json:"order_amount"`
		OrderTaxAmount         int64                `json:"order_tax_amount"`
		OrderLines             []wire.OrderLine     `json:"order_lines"`
		PurchaseCurrency       string               `json:"purchase_currency"`
		Locale                 string               `json:"locale"`
		BillingAddress         wire.Address         `json:"billing_address"`
		ShippingAddress        wire.Address         `json:"shipping_address"`
		Customer               wire.Customer        `json:"customer"`
		SelectedShippingOption *wire.ShippingOption `json:"selected_shipping_option,omitempty"`
		MerchantData           string               `json:"merchant_data,omitempty"`
		MerchantReference1     string               `json:"merchant_reference1,omitempty"`
		MerchantReference2     string               `json:"merchant_reference2,omitempty"`
		Tags                   []string             `json:"tags,omitempty"`
	}{
		v.OrderAmount, v.OrderTaxAmount, v.OrderLines, v.PurchaseCurrency, v.Locale, v.BillingAddress, v.ShippingAddress, v.Customer,
		v.SelectedShippingOption, v.MerchantData, v.MerchantReference1, v.MerchantReference2, v.Tags,
	}
}

// What a 200 to an address callback may change. Other members are ignored.
// Source: docs.kustom.co, Checkout callback API reference.
var (
	answerRequired = []string{"order_amount", "order_tax_amount", "order_lines", "purchase_currency"}
	answerOptional = []string{"shipping_options", "merchant_data", "locale", "attachment", "external_payment_methods", "tags"}
)

// answeredDataLimit is the length of merchant_data in an answer, in characters.
const answeredDataLimit = 1024

// takeAnswer puts the body of a 200 into an order, if it follows the rules of an update. The
// error says what is wrong with the answer.
func (s *Service) takeAnswer(o *Stored, reply callback.Answer) error {
	if reply.Status != http.StatusOK {
		return reply.NotOK()
	}
	sent, bad := wire.ParseBody(reply.Body)
	if bad != nil {
		return errors.New(bad.Message)
	}
	taken := map[string]any{}
	for _, name := range answerRequired {
		if sent[name] == nil {
			return errors.New(name + " is missing")
		}
		taken[name] = sent[name]
	}
	for _, name := range answerOptional {
		taken[name] = sent[name]
	}
	if data, ok := sent["merchant_data"].(string); ok && utf8.RuneCountInString(data) > answeredDataLimit {
		return fmt.Errorf("merchant_data is longer than %d characters", answeredDataLimit)
	}
	content, bad := s.merge(o.Content, taken)
	if bad != nil {
		return errors.New(bad.Message)
	}
	s.replace(o, content)
	return nil
}

// validate asks the merchant whether an order may be bought.
// Source: docs.kustom.co, Validate order.
func (s *Service) validate(o *Stored) (*shopper.Refusal, error) {
	v := s.render(o)
	if v.MerchantURLs.Validation == "" {
		return nil, nil
	}
	v.MerchantRequested = requestedBy(o, &v.Options)
	required, limit := v.Options.RequireValidateCallbackSuccess, validationLimit
	if required {
		limit = requiredValidationLimit
	}
	reply, err := s.ask(o, callback.Call{Kind: "validation", Body: &v, Limit: limit})
	switch {
	case err != nil:
		return nil, err
	case reply.Redirects():
		return &shopper.Refusal{Code: shopper.RefusedValidationRedirect, RedirectURL: reply.Location}, nil
	case reply.Status == http.StatusBadRequest:
		return s.refusedBy(reply, shopper.RefusedValidation, shopper.RefusedValidation, v.Locale), nil
	case reply.Status != http.StatusOK:
		if required {
			s.calls.NotTaken(reply, reply.NotOK())
			return shopper.Refuse(shopper.RefusedValidationFailed, v.Locale), nil
		}
		s.calls.NotTaken(reply, fmt.Errorf("%w; no success is required, so the purchase is approved", reply.NotOK()))
	}
	if o.Status != StatusIncomplete {
		return shopper.Refuse(shopper.RefusedReadOnly, v.Locale), nil
	}
	return nil, nil
}

const unsupportedAddress = "unsupported_shipping_address"

// refusals are the values of error_type.
var refusals = []string{unsupportedAddress, "address_error", "approval_failed"}

// refusedBy returns the refusal in a 400. The text is the merchant's. For an unsupported
// address it may be missing. A wrong body gives the code broken.
// Source: docs.kustom.co, Checkout callback API reference.
func (s *Service) refusedBy(r callback.Answer, code, broken, locale string) *shopper.Refusal {
	var said struct {
		Type string `json:"error_type"`
		Text string `json:"error_text"`
	}
	err := json.Unmarshal(r.Body, &said)
	switch {
	case err != nil:
		err = errors.New("the body is not a JSON object with the texts error_type and error_text")
	case said.Type == unsupportedAddress && said.Text == "":
		return &shopper.Refusal{Code: code, Message: shopper.Refuse(shopper.RefusedAddress, locale).Message}
	case !slices.Contains(refusals, said.Type):
		err = errors.New("error_type is none of " + strings.Join(refusals, ", "))
	case said.Text == "":
		err = errors.New("error_text is missing")
	default:
		return &shopper.Refusal{Code: code, Message: said.Text}
	}
	s.calls.NotTaken(r, err)
	return shopper.Refuse(broken, locale)
}

// ask sends a callback about an order to the URL of its kind. The caller holds s.Mu; ask
// releases it until the answer comes. The error is ErrNoOrder: the order is gone, or the
// fake was closed or reset.
func (s *Service) ask(o *Stored, call callback.Call) (callback.Answer, error) {
	call.URL, call.OrderID, call.Forgot = merchantURL(o, call.Kind), o.ID, s.Forgot
	reply := func() callback.Answer {
		s.Mu.Unlock()
		defer s.Mu.Lock()
		return s.calls.Send(call)
	}()
	if s.IsClosed() || s.Book.ByID[o.ID] != o || s.Expired(o) {
		return reply, ErrNoOrder
	}
	return reply, nil
}
