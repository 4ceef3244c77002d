package checkout

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// The shopper's actions. Those of one order run one after another. While one waits for the
// merchant, updates by the API wait too. An abort does not wait, so each action checks the
// order again after an answer.

// Shopper does an action. The error is ErrNoOrder or a *shopper.BadAction, with which nothing
// changed.
func (s *Service) Shopper(id string, a Action) (Outcome, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if !a.Load && !a.ShippingAssistant && !a.enters() && a.Upsell == nil {
		o, err := s.Live(id)
		if err != nil {
			return Outcome{}, err
		}
		return s.Outcome(o), nil
	}
	o, err := s.reserve(id)
	if err != nil {
		return Outcome{}, err
	}
	defer o.release()
	v := s.render(o)
	if err := a.check(o, &v); err != nil {
		return Outcome{}, err
	}
	refused := shopper.Refuse(shopper.RefusedReadOnly, v.Locale)
	switch {
	case o.Status == StatusIncomplete:
		refused, err = s.act(o, &a)
	case a.Upsell != nil && !a.enters():
		refused = nil
	}
	if a.Upsell != nil && refused == nil && err == nil {
		refused, err = s.upsell(o, a.Upsell)
	}
	if err != nil {
		return Outcome{}, err
	}
	out := s.Outcome(o)
	out.Refused = refused
	if refused == nil {
		out.RedirectURL = externalURL(&v, a.ExternalMethod)
	} else {
		s.tellAs("shopper", o, "was refused: "+refused.Code, refused)
	}
	return out, nil
}

// act does what a shopper does in an open order. The error is ErrNoOrder.
func (s *Service) act(o *Stored, a *Action) (*shopper.Refusal, error) {
	before := s.render(o)
	opened := a.Load && !o.Loaded
	s.enter(o, a)
	trigger := addressTrigger(o, a, opened, &before, new(s.render(o)))
	if a.Draft {
		o.Owed, trigger = cmp.Or(trigger, o.Owed), ""
	}
	if refused, err := s.askMerchant(o, trigger); refused != nil || err != nil {
		return refused, err
	}
	v := s.render(o)
	chosen := a.ShippingOption
	if options := offered(o, &v); a.Buy != nil && v.SelectedShippingOption == nil && len(options) > 0 {
		chosen = cmp.Or(chosen, options[0].ID)
	}
	if refused, err := s.choose(o, &v, chosen); refused != nil || err != nil {
		return refused, err
	}
	if a.ExternalMethod != "" {
		s.tellAs("shopper", o, "left to pay by "+a.ExternalMethod, nil)
		return nil, nil
	}
	if a.Buy == nil {
		return nil, nil
	}
	s.tellAs("shopper", o, "pressed Buy", a.Buy)
	return s.buy(o, a.Buy)
}

// enters reports whether an action changes anything that the shopper can.
func (a *Action) enters() bool {
	return a.Country != "" || a.Customer != "" || len(a.Type) > 0 || a.ShipToBilling || len(a.Checkboxes) > 0 ||
		a.ShippingOption != "" || a.ExternalMethod != "" || a.Buy != nil
}

// enter stores what the shopper chose and typed. Before a purchase it fills in the test
// person's data.
func (s *Service) enter(o *Stored, a *Action) {
	if a.Load && !o.Loaded {
		o.Loaded = true
		s.tellAs("shopper", o, "opened the checkout", nil)
	}
	if a.ShippingAssistant && o.Shipment == "" {
		o.Shipment = s.NewID()
		s.touch(o)
		s.tellAs("shopper", o, "is offered delivery by a shipping assistant", nil)
	}
	if !a.enters() {
		return
	}
	if !o.Entered && !sentSeparate(new(decodeContent(o.Content))) {
		o.shipToBilling() // what the shopper clears in the one address must not be left in the other
	}
	o.Entered = true
	s.touch(o)
	if a.Country != "" {
		o.setCountry(strings.ToUpper(a.Country))
		s.tellAs("shopper", o, "chose the country "+strings.ToUpper(a.Country), nil)
	}
	if a.Customer != "" {
		o.Buyer = a.Customer
		s.tellAs("shopper", o, "buys as "+a.Customer, nil)
	}
	for member, text := range a.Type {
		o.Typed[member] = strings.TrimSpace(text)
		if o.Typed[member] == "" {
			o.clear(member)
		}
	}
	if len(a.Type) > 0 {
		s.tellAs("shopper", o, "typed", a.Type)
	}
	if a.ShipToBilling {
		o.shipToBilling()
		s.tellAs("shopper", o, "ships to the billing address", nil)
	}
	if len(a.Checkboxes) > 0 {
		if o.Ticked == nil {
			o.Ticked = map[string]bool{}
		}
		maps.Copy(o.Ticked, a.Checkboxes)
		s.tellAs("shopper", o, "ticked", a.Checkboxes)
	}
	if a.Buy != nil {
		s.fillIn(o)
	}
}

// fillIn types the test person's data into what is missing.
func (s *Service) fillIn(o *Stored) {
	v := s.render(o)
	for _, field := range missingFields(&v, o.Typed) {
		member, separate := strings.CutPrefix(field, shippingPrefix)
		country := v.BillingAddress.Country
		if separate {
			country = v.ShippingAddress.Country
		}
		if text := shopper.TestPerson(country)[member]; text != "" {
			o.Typed[field] = text
		}
	}
}

// choose picks a shipping option. If the merchant has shipping_option_update, it is called.
// Source: docs.kustom.co, Shipping.
func (s *Service) choose(o *Stored, v *Order, option string) (*shopper.Refusal, error) {
	if option == "" {
		return nil, nil
	}
	same := v.SelectedShippingOption != nil && v.SelectedShippingOption.ID == option
	o.Option = option
	if same {
		return nil, nil
	}
	s.tellAs("shopper", o, "chose the shipping option "+option, nil)
	kind := ""
	if v.MerchantURLs.ShippingOptionUpdate != "" {
		kind = "shipping_option_update"
	}
	return s.askMerchant(o, kind)
}

// buy ends an order as bought, if merchant, shopper and Klarna agree.
// Source: docs.kustom.co, Validate order.
func (s *Service) buy(o *Stored, b *Buy) (*shopper.Refusal, error) {
	if refused, err := s.askMerchant(o, o.Owed); refused != nil || err != nil {
		return refused, err
	}
	if now := s.Outcome(o); shopper.OtherSum(b.Total, b.Currency, now.Total, now.Currency) {
		return shopper.Refuse(shopper.RefusedTotalChanged, now.Locale), nil
	}
	if refused, err := s.validate(o); refused != nil || err != nil {
		return refused, err
	}
	v := s.render(o)
	p := shopper.PersonaOf(v.BillingAddress.Email)
	switch {
	case p.TechnicalError:
		return shopper.Refuse(shopper.RefusedTechnicalError, v.Locale), nil
	case p.Denied || b.Decision == "decline" || b.Method != "" && !slices.Contains(MethodsOf(&v), b.Method):
		return shopper.Refuse(shopper.RefusedDeclined, v.Locale), nil
	}
	s.complete(o, b.Method, p)
	return nil, nil
}

// complete ends an order as bought. Without shipping_option_update, the chosen shipping
// option becomes a line.
// Source: docs.kustom.co, Shipping; docs.klarna.com, Tax handling.
func (s *Service) complete(o *Stored, method string, p shopper.Persona) {
	v := s.render(o)
	content := maps.Clone(o.Content)
	if chosen := v.SelectedShippingOption; chosen != nil && v.MerchantURLs.ShippingOptionUpdate == "" {
		v.OrderLines = append(v.OrderLines, wire.OrderLine{
			Type: "shipping_fee", Reference: chosen.ID, Name: chosen.Name, Quantity: 1,
			UnitPrice: chosen.Price, TaxRate: chosen.TaxRate, TotalAmount: chosen.Price, TotalTaxAmount: chosen.TaxAmount,
		})
		content["order_lines"] = wire.MustJSON(v.OrderLines)
		content["order_amount"] = wire.MustJSON(v.OrderAmount + chosen.Price)
		content["order_tax_amount"] = wire.MustJSON(v.OrderTaxAmount + chosen.TaxAmount)
	}
	v.Customer.Type = CustomerType(&v)
	content["customer"] = wire.MustJSON(v.Customer)
	if requested := requestedBy(o, &v.Options); requested != nil {
		content["merchant_requested"] = requested
	}
	token := ""
	if IsTrue(v.Recurring) {
		token = s.NewID()
		content["recurring_token"] = wire.MustJSON(token)
	}
	country, currency := strings.ToUpper(v.PurchaseCountry), strings.ToUpper(v.PurchaseCurrency)
	o.Content, o.Method = content, cmp.Or(method, MethodsOf(&v)[0])
	s.end(o, StatusComplete)
	o.Completed = o.Modified
	v = s.render(o)
	s.om.Authorize(management.Purchase{
		OrderID: o.ID, Amount: v.OrderAmount, Currency: currency, Country: country, Locale: v.Locale, Lines: v.OrderLines,
		Billing: v.BillingAddress, Shipping: v.ShippingAddress, Customer: v.Customer,
		MerchantReference1: v.MerchantReference1, MerchantReference2: v.MerchantReference2, MerchantData: v.MerchantData,
		Option: v.SelectedShippingOption, Method: o.Method, Persona: p,
		NotificationURL: merchantURL(o, "notification"), AutoCapture: IsTrue(v.Options.AutoCapture),
		RecurringToken: token,
	})
	s.beginUpsell(o, &v)
	s.om.SchedulePush("push", o.ID, "")
}

// end gives an order its last status.
func (s *Service) end(o *Stored, status string) {
	s.tellAs("state", o, "status "+o.Status+" → "+status, nil)
	o.Status = status
	s.touch(o)
}

// requestedBy returns the answers to the merchant's additional checkboxes, nil for none.
// Required ones are always ticked.
// Source: docs.kustom.co, Create order (merchant_requested).
func requestedBy(o *Stored, options *OrderOptions) json.RawMessage {
	type answer struct {
		ID      string `json:"id"`
		Checked bool   `json:"checked"`
	}
	var requested struct {
		One  *bool    `json:"additional_checkbox,omitempty"`
		Many []answer `json:"additional_checkboxes,omitempty"`
	}
	now := ticked(o, options)
	if c := options.AdditionalCheckbox; c != nil {
		requested.One = new(now["additional_checkbox"] || c.Required)
	}
	for _, c := range options.AdditionalCheckboxes {
		requested.Many = append(requested.Many, answer{c.ID, now[c.ID] || c.Required})
	}
	if len(now) == 0 {
		return nil
	}
	return wire.MustJSON(requested)
}

// tellAs notes what happened to an order. The caller holds s.Mu.
func (s *Service) tellAs(lane string, o *Stored, text string, details any) {
	e := engine.Event{Lane: lane, OrderID: o.ID, Text: text}
	if details != nil {
		e.Details = wire.MustJSON(details)
	}
	s.Tell(e)
}

// reserve waits until no action runs for an order, and blocks others until release. The
// caller holds s.Mu. The error is ErrNoOrder.
func (s *Service) reserve(id string) (*Stored, error) {
	for {
		o, err := s.Live(id)
		if err != nil {
			return nil, err
		}
		if o.busy == nil {
			o.busy = make(chan struct{})
			return o, nil
		}
		if s.Await(o.busy, nil) != nil {
			return nil, ErrNoOrder
		}
	}
}

func (o *Stored) release() {
	close(o.busy)
	o.busy = nil
}
