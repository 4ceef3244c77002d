package checkout

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// life is how long an order lives after the last update by the merchant or action of the
// shopper. Source: docs.kustom.co, Errors in checkout.
const life = 48 * time.Hour

// ErrNoOrder: the order is unknown or has expired.
var ErrNoOrder = errors.New("no such order, or it has expired")

// Stored is one order of the checkout API. The state's lock guards it; a snapshot has
// its exported fields.
type Stored struct {
	ID      string
	Token   string // of AUTH_HEADER in the snippet: with it the iframe reads and writes this order
	Status  string
	Content map[string]json.RawMessage // what the merchant sent, checked, by member
	Typed   map[string]string          // what the shopper typed, by the names of Action.Type
	Ticked  map[string]bool            // the merchant's checkboxes that the shopper has ticked or unticked
	Entered bool                       // the shopper has changed something: addresses sent by the merchant are ignored
	Option  string                     // ID of the shipping option that the shopper chose
	// Shipment is what the shipping assistant calls the delivery, "" without an assistant.
	Shipment string     `json:",omitempty"`
	Buyer    string     // "person" or "organization" when the shopper chose it
	Loaded   bool       // the iframe was opened
	Owed     string     // the address callback without whose success there is no purchase, "" if none
	Method   string     // by which the order was paid
	Upsell   *upselling `json:",omitempty"` // nil without

	Started, Modified, Completed time.Time

	busy chan struct{} // closed when the shopper's action that runs has ended, nil when none runs
}

// touch notes a change of an order, which restarts its life. The caller holds s.Mu.
func (s *Service) touch(o *Stored) { o.Modified = s.Time() }

// Expired reports whether an order has outlived its time. The caller holds s.Mu.
func (s *Service) Expired(o *Stored) bool {
	return o.Status != StatusComplete && s.Time().After(o.Modified.Add(life))
}

// Live returns an order that has not expired, or ErrNoOrder. The caller holds s.Mu.
func (s *Service) Live(id string) (*Stored, error) {
	o := s.Book.ByID[id]
	if o == nil || s.Expired(o) {
		return nil, ErrNoOrder
	}
	return o, nil
}

// View returns an order as it is now, with what only the fake knows, or
// ErrNoOrder.
func (s *Service) View(id string) (Order, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	o, err := s.Live(id)
	if err != nil {
		return Order{}, err
	}
	return s.Inspect(o), nil
}

// TokenFits reports whether token is that of a living order's snippet.
func (s *Service) TokenFits(id, token string) bool {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	o, err := s.Live(id)
	return err == nil && o.Token == token
}

// Inspect is render with FakeState. The caller holds s.Mu.
func (s *Service) Inspect(o *Stored) Order {
	v := s.render(o)
	v.Fake = &FakeState{
		Aborted:       o.Status == StatusAborted,
		Expired:       s.Expired(o),
		Typed:         maps.Clone(o.Typed),
		PaymentMethod: o.Method,
	}
	if o.Status != StatusComplete {
		v.Fake.ExpiresAt = wire.Stamp(o.Modified.Add(life))
	}
	if m := s.om.Find(o.ID); m != nil {
		v.Fake.Acknowledged, v.Fake.OrderManagement = m.Acknowledged, new(m.Copied())
	}
	return v
}

// render returns an order as the API answers it. The caller holds s.Mu.
func (s *Service) render(o *Stored) Order {
	v := decodeContent(o.Content)
	v.OrderID, v.Status = o.ID, o.Status
	s.renderAddresses(o, &v)
	renderCustomer(o, &v.Customer)
	v.SelectedShippingOption = selectedOption(o, offered(o, &v))
	v.StartedAt, v.LastModifiedAt = wire.Stamp(o.Started), wire.Stamp(o.Modified)
	if o.Status == StatusComplete {
		v.CompletedAt = wire.Stamp(o.Completed)
	}
	if s.EchoFilledURLs {
		for _, u := range v.MerchantURLs.all() {
			*u = FillOrderID(*u, o.ID)
		}
	}
	if !s.EchoCountryAsSent {
		for _, c := range []*string{&v.PurchaseCountry, &v.BillingAddress.Country, &v.ShippingAddress.Country} {
			*c = strings.ToLower(*c)
		}
	}
	v.HTMLSnippet = renderSnippet(&v, s.BaseURL(), o.Token, s.MerchantName)
	return v
}

// renderAddresses fills in both addresses. The shopper's texts replace the merchant's. The
// default country is the purchase country. The shipping address equals the billing address
// unless a separate one is needed, or allowed and given.
// Source: docs.kustom.co, Update ongoing order.
func (s *Service) renderAddresses(o *Stored, v *Order) {
	billing, shipping := &v.BillingAddress, &v.ShippingAddress
	sent := sentSeparate(v)
	for member, text := range o.Typed {
		if m := billing.Member(member); m != nil {
			*m = text
		}
	}
	wire.SetDefault(&billing.Country, v.PurchaseCountry)
	needed := needsSeparate(v)
	if sent = sent && allowsSeparate(v); !sent {
		*shipping = wire.Address{}
	}
	if !sent && !needed && !typesShipping(o.Typed) {
		*shipping = *billing
		return
	}
	for member, text := range o.Typed {
		if m, ok := strings.CutPrefix(member, shippingPrefix); ok {
			*shipping.Member(m) = text
		}
	}
	if needed {
		wire.SetDefault(&shipping.Country, slices.Concat(v.ShippingCountries, []string{v.PurchaseCountry})[0])
	}
	wire.SetDefault(&shipping.Country, billing.Country)
}

// renderCustomer fills in the customer's data from the shopper.
func renderCustomer(o *Stored, c *wire.Customer) {
	c.Type = cmp.Or(o.Buyer, c.Type)
	for member, text := range o.Typed {
		if m := c.Member(member); m != nil {
			*m = text
		}
	}
}

// shippingPrefix is before the members of a separate shipping address in order.Typed.
const shippingPrefix = "shipping."

// typesShipping reports whether the shopper has typed something of a separate shipping address.
func typesShipping(typed map[string]string) bool {
	for member := range typed {
		if strings.HasPrefix(member, shippingPrefix) {
			return true
		}
	}
	return false
}

// sentSeparate reports whether the merchant sent a shipping address of its own: one that is
// equal to the billing address, or has only its country, is none. v has what was sent.
// Source: docs.kustom.co, Update ongoing order (shipping mirrors billing).
func sentSeparate(v *Order) bool {
	billing, shipping := v.BillingAddress, v.ShippingAddress
	wire.SetDefault(&billing.Country, v.PurchaseCountry)
	wire.SetDefault(&shipping.Country, billing.Country)
	for _, country := range []*string{&billing.Country, &shipping.Country} {
		*country = strings.ToLower(*country)
	}
	return shipping != billing && shipping != wire.Address{Country: billing.Country}
}

// clear takes away what the shopper typed in a field, and what the merchant sent for it.
func (o *Stored) clear(field string) {
	delete(o.Typed, field)
	in := "billing_address"
	member, separate := strings.CutPrefix(field, shippingPrefix)
	switch {
	case separate:
		in = "shipping_address"
	case slices.Contains(customerMembers, field):
		in = "customer"
	}
	if o.Content[in] != nil {
		o.Content = maps.Clone(o.Content)
		o.Content[in] = without(member, o.Content[in])
	}
}

// without returns an object of the content without a member.
func without(member string, raw json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return raw // cannot be: it was checked
	}
	delete(members, member)
	return wire.MustJSON(members)
}

// shipToBilling removes the separate shipping address, also one that the merchant sent.
func (o *Stored) shipToBilling() {
	maps.DeleteFunc(o.Typed, func(member, _ string) bool { return strings.HasPrefix(member, shippingPrefix) })
	o.Content = maps.Clone(o.Content)
	delete(o.Content, "shipping_address")
}

// selectedOption returns the shopper's option, else the preselected one, else nil.
func selectedOption(o *Stored, options []wire.ShippingOption) *wire.ShippingOption {
	i := slices.IndexFunc(options, func(s wire.ShippingOption) bool { return s.ID == o.Option })
	if i < 0 {
		i = slices.IndexFunc(options, func(s wire.ShippingOption) bool { return s.Preselected })
	}
	if i < 0 {
		return nil
	}
	return &options[i]
}

// decodeContent returns checked content with the defaults that Klarna adds.
// Source: recorded answers to Create order.
func decodeContent(content map[string]json.RawMessage) Order {
	var v Order
	if err := json.Unmarshal(wire.MustJSON(content), &v); err != nil {
		panic(fmt.Sprintf("fakeklarna: content was checked and does not decode: %v", err))
	}
	if strings.EqualFold(v.PurchaseCountry, "DE") && !sentOption(content, "allow_separate_shipping_address") {
		v.Options.AllowSeparateShippingAddress = true
	}
	v.OrderLines = append([]wire.OrderLine{}, v.OrderLines...) // a list, also without lines
	for i := range v.OrderLines {
		wire.SetDefault(&v.OrderLines[i].Type, "physical")
	}
	v.ExternalPaymentMethods = append([]json.RawMessage{}, v.ExternalPaymentMethods...)
	v.ExternalCheckouts = append([]json.RawMessage{}, v.ExternalCheckouts...)
	return v
}

func sentOption(content map[string]json.RawMessage, name string) bool {
	var options map[string]json.RawMessage
	_ = json.Unmarshal(content["options"], &options) // was checked
	return options[name] != nil
}

// all returns the addresses of all URLs.
func (u *MerchantURLs) all() []*string {
	return []*string{&u.Terms, &u.Checkout, &u.Confirmation, &u.Push, &u.Validation, &u.AddressUpdate,
		&u.ShippingOptionUpdate, &u.CountryChange, &u.Notification, &u.CancellationTerms, &u.Upsell, &u.UpsellValidation}
}

// merchantURL returns one of an order's merchant URLs with the order's ID filled
// in, "" if it has none of that name.
func merchantURL(o *Stored, member string) string {
	var urls map[string]string
	_ = json.Unmarshal(o.Content["merchant_urls"], &urls) // was checked
	return FillOrderID(urls[member], o.ID)
}

// FillOrderID replaces Klarna's placeholder, plain or percent-encoded, by the order's ID.
// Source: docs.kustom.co, Create order (merchant_urls).
func FillOrderID(u, id string) string {
	return strings.NewReplacer("{checkout.order.id}", id, "%7Bcheckout.order.id%7D", id, "%7bcheckout.order.id%7d", id).Replace(u)
}
