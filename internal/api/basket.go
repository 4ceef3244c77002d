package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// reading checks a session and makes its basket.
type reading struct {
	faults []Fault
	// taxless is a market that the basket may be sold in whose prices are without tax; "": none.
	taxless string
}

func (r *reading) fault(member, message string) {
	r.faults = append(r.faults, Fault{"body." + member, message})
}

// basket makes the basket of what was sent. The error is a *Problem that names all that is
// wrong.
func (r *reading) basket(in *SessionRequest, sold market.List) (*cart.Basket, error) {
	m, served := sold.Lookup(in.Country)
	if !served {
		r.fault("country", "is none of the shop's markets")
		return nil, invalid(r.faults...)
	}
	b := &cart.Basket{Country: m.Country, Currency: m.Currency, Locale: in.Locale, ShippingCountries: in.ShippingCountries, BillingCountries: in.BillingCountries}
	if in.Currency != "" && in.Currency != string(m.Currency) {
		r.fault("currency", "is not that of the country's market, "+string(m.Currency))
	}
	switch {
	case in.Locale == "":
		b.Locale = m.Locales[0]
	case !m.HasLocale(in.Locale):
		r.fault("locale", fmt.Sprintf("is none of the country's market: %v", m.Locales))
	}
	r.countries("shipping_countries", &b.ShippingCountries, m, sold)
	r.countries("billing_countries", &b.BillingCountries, m, sold)
	for _, country := range append([]string{m.Country}, b.BillingCountries...) { // to which an address may lead it
		if other, _ := sold.Lookup(country); other.Scheme == market.SalesTax && r.taxless == "" {
			r.taxless = country
		}
	}
	r.lines(in, b, m)
	r.options(in, b)
	if len(r.faults) > 0 {
		return nil, invalid(r.faults...)
	}
	return b, nil
}

// countries checks the countries of an order: the purchase country's when none are named.
func (r *reading) countries(member string, list *[]string, m market.Market, sold market.List) {
	if len(*list) == 0 {
		*list = []string{m.Country}
		return
	}
	for i, country := range *list {
		other, served := sold.Lookup(country)
		if !served || other.Currency != m.Currency || other.Country != country {
			r.fault(fmt.Sprintf("%s[%d]", member, i), "is no market with the currency "+string(m.Currency))
		}
	}
	if member == "billing_countries" && !slices.Contains(*list, m.Country) {
		r.fault(member, "has not the country of the session")
	}
}

func (r *reading) lines(in *SessionRequest, b *cart.Basket, m market.Market) {
	ids := map[string]bool{}
	for i, line := range in.OrderLines {
		at := fmt.Sprintf("order_lines[%d]", i)
		if ids[line.ID] {
			r.fault(at+".id", "is there twice")
		}
		if line.ID != "" {
			ids[line.ID] = true
		}
		b.Lines = append(b.Lines, r.line(at, line, m))
	}
	next := 1
	for i := range b.Lines {
		if b.Lines[i].ID != "" {
			continue
		}
		for ; ids[strconv.Itoa(next)]; next++ {
		}
		b.Lines[i].ID = strconv.Itoa(next)
		next++
	}
	if len(in.DeliveryOptions) > 0 && slices.ContainsFunc(b.Lines, func(l cart.BasketLine) bool { return l.Type == klarna.ShippingFee }) {
		r.fault("delivery_options", "are not for a basket with a line of type shipping_fee")
	}
}

func (r *reading) line(at string, in LineRequest, m market.Market) cart.BasketLine {
	line := cart.BasketLine{
		ID: in.ID, Type: klarna.LineType(in.Type), Reference: in.Reference, Name: in.Name, Quantity: in.Quantity,
		UnitPrice: amount(in.UnitPrice), Discount: money.Amount(in.TotalDiscountAmount), Image: in.ImageURL, Page: in.ProductURL,
	}
	line.MerchantData, line.ShippingAttributes.Weight = in.MerchantData, in.Weight
	if in.ProductIdentifiers != nil {
		line.ProductIdentifiers = klarna.Identifiers(*in.ProductIdentifiers)
	}
	if in.TaxRate != nil {
		line.TaxRate = new(klarna.Rate(*in.TaxRate)) //nolint:gosec // 0 to 10000
	}
	r.url(at+".image_url", in.ImageURL, false)
	r.url(at+".product_url", in.ProductURL, false)
	if !line.Own() {
		switch {
		case in.Reference == "":
			r.fault(at, "has neither unit_price nor reference")
		case line.Type != klarna.Physical:
			r.fault(at+".unit_price", "is missing: a line of this type is the merchant's own")
		case in.TaxRate != nil || in.TotalDiscountAmount != 0:
			r.fault(at, "has no unit_price: then its tax_rate is the catalogue's, and it has no total_discount_amount")
		case in.Quantity > cart.MaxQuantity:
			r.fault(at+".quantity", fmt.Sprintf("is more than %d, the most of a SKU", cart.MaxQuantity))
		}
		line.Name, line.Image, line.Page = "", "", ""
		return line
	}
	if in.Name == "" {
		r.fault(at+".name", "is missing")
	}
	price, credit := *in.UnitPrice, isCredit(line.Type)
	switch {
	case (line.Type == klarna.Discount || credit) && price >= 0:
		r.fault(at+".unit_price", "must be negative in a line of this type")
	case line.Type != klarna.Discount && !credit && price < 0:
		r.fault(at+".unit_price", "must not be negative in a line of this type")
	}
	switch {
	case line.Type == klarna.Discount && in.TaxRate == nil: // split over the rates of the goods
	case credit || line.Type == klarna.SalesTax:
		if in.TaxRate != nil && *in.TaxRate != 0 {
			r.fault(at+".tax_rate", "must be 0 in a line of this type")
		}
		line.TaxRate = new(klarna.Rate(0))
	case in.TaxRate == nil:
		r.fault(at+".tax_rate", "is missing: a line with unit_price has its own")
	default:
		r.untaxed(at+".tax_rate", *in.TaxRate)
	}
	if line.Type == klarna.SalesTax && m.Scheme != market.SalesTax {
		r.fault(at+".type", "is for markets whose prices are without tax")
	}
	if line.Discount != 0 && line.Type != klarna.Physical && line.Type != klarna.Digital {
		r.fault(at+".total_discount_amount", "is for goods")
	}
	if gross, err := line.UnitPrice.Mul(line.Quantity); err != nil || gross > klarna.MaxLineAmount || gross < -klarna.MaxLineAmount {
		r.fault(at, fmt.Sprintf("comes to more than %d", klarna.MaxLineAmount))
	} else if line.Discount > max(gross, 0) {
		r.fault(at+".total_discount_amount", "is more than the line")
	}
	return line
}

// untaxed checks a rate that the merchant has said: where prices are without tax, all that is sold is.
func (r *reading) untaxed(member string, rate int64) {
	if r.taxless != "" && rate != 0 {
		r.fault(member, "must be 0: prices in "+r.taxless+" are without tax")
	}
}

func (r *reading) options(in *SessionRequest, b *cart.Basket) {
	preselected := false
	for i, o := range in.DeliveryOptions {
		at := fmt.Sprintf("delivery_options[%d]", i)
		if slices.ContainsFunc(b.Options, func(other cart.BasketOption) bool { return other.ID == o.ID }) {
			r.fault(at+".id", "is there twice")
		}
		if o.Preselected && preselected {
			r.fault(at+".preselected", "is true twice")
		}
		preselected = preselected || o.Preselected
		r.untaxed(at+".tax_rate", o.TaxRate)
		b.Options = append(b.Options, cart.BasketOption{
			ID: o.ID, Name: o.Name, Description: o.Description, Price: money.Amount(o.Price), TaxRate: klarna.Rate(o.TaxRate), Preselected: o.Preselected, //nolint:gosec // 0 to 10000
			Location: o.PickupPoint.location(),
		})
	}
}

// purpose makes what a session says beside its lines.
func (r *reading) purpose(in *SessionRequest) checkoutsession.Purpose {
	p := checkoutsession.Purpose{Mode: in.Mode, SuccessURL: in.SuccessURL, CancelURL: in.CancelURL, CheckoutURL: in.CheckoutURL, Metadata: in.Metadata}
	r.url("success_url", in.SuccessURL, true)
	r.url("cancel_url", in.CancelURL, false)
	r.url("checkout_url", in.CheckoutURL, in.Mode == embedded)
	if len(in.Metadata) > 20 {
		r.fault("metadata", "has more than 20 members")
	}
	for name, text := range in.Metadata {
		switch {
		case name == "" || utf8.RuneCountInString(name) > 40:
			r.fault("metadata", "has a member whose name has not 1 to 40 characters")
		case utf8.RuneCountInString(text) > 500:
			r.fault("metadata."+name, "has more than 500 characters")
		}
	}
	if len(p.Metadata) == 0 {
		p.Metadata = nil
	}
	if k := in.Customer; k != nil {
		p.Customer = checkoutsession.Customer{
			Type: k.Type, Email: k.Email, Billing: k.BillingAddress.address(), Shipping: k.ShippingAddress.address(), PrefillConsent: k.PrefillConsent,
		}
	}
	return p
}

// url checks the address of a page.
func (r *reading) url(member, text string, required bool) {
	if text == "" {
		if required {
			r.fault(member, "is missing")
		}
		return
	}
	if !isAddress(text) {
		r.fault(member, "is no address such as https://www.example.com/page")
	}
}

// isAddress reports whether a text is the address of a page.
func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

// totals checks a basket by what it comes to, and takes the tax of its lines as it was sent.
// The error is a *Problem.
func totals(in *SessionRequest, b *cart.Basket, q cart.Quote, err error) error {
	if len(q.Unavailable) > 0 {
		for i, line := range b.Lines {
			if !line.Own() && slices.Contains(q.Unavailable, line.Reference) {
				return problem(http.StatusUnprocessableEntity, CodeUnknownSKU, "A line is of no product that has a price in this currency.",
					Fault{fmt.Sprintf("body.order_lines[%d].reference", i), "is no SKU of the catalogue with a price in " + string(q.Currency)})
			}
		}
	}
	if err := possible(q, err); err != nil {
		return err
	}
	differs := func(i int, member string, sent, got int64) error {
		return problem(http.StatusUnprocessableEntity, CodeTotalDiffers, "A total that was sent is not what the line comes to.",
			Fault{fmt.Sprintf("body.order_lines[%d].%s", i, member), fmt.Sprintf("line %s: %d was sent, it comes to %d", b.Lines[i].ID, sent, got)})
	}
	for i, line := range in.OrderLines {
		got := q.Basket[i]
		total := int64(got.TotalAmount)
		if isCredit(b.Lines[i].Type) {
			total = int64(*b.Lines[i].UnitPrice) * b.Lines[i].Quantity
		}
		if line.TotalAmount != nil && *line.TotalAmount != total {
			return differs(i, "total_amount", *line.TotalAmount, total)
		}
		if line.TotalTaxAmount == nil {
			continue
		}
		untaxed := isCredit(b.Lines[i].Type) || b.Lines[i].Type == klarna.SalesTax
		switch shift := *line.TotalTaxAmount - int64(got.TotalTax); {
		case shift == 0:
		case !untaxed && (shift == -1 && got.Less || shift == 1 && got.More):
			b.Lines[i].TaxShift, b.Lines[i].ShiftRate = money.Amount(shift), got.ShiftRate
		default:
			return differs(i, "total_tax_amount", *line.TotalTaxAmount, int64(got.TotalTax))
		}
	}
	return nil
}

// possible says why there can be no order with a quote. The error is a *Problem, or a fault of ours.
func possible(q cart.Quote, err error) error {
	sum := money.Amount(0)
	for _, line := range q.OrderLines {
		sum += line.TotalAmount // each is bounded, and so is their number
	}
	rule, isRule := errors.AsType[*klarna.RuleError](err)
	switch {
	case sum < 0:
		return problem(http.StatusUnprocessableEntity, CodeNegativeTotal, "The basket comes to less than 0.")
	case sum > ordermanagement.MaxAmount: // Klarna would sell it, and not capture it at once
		return invalid(Fault{"body.order_lines", fmt.Sprintf("come to more than %d with delivery", ordermanagement.MaxAmount)})
	case isRule:
		return invalid(Fault{"body.order_lines", rule.Error()})
	case errors.Is(err, money.ErrOverflow), errors.Is(err, money.ErrRate):
		return invalid(Fault{"body.order_lines", "the amounts are too large"})
	}
	return err
}

// payable is possible where something must be paid, too.
func payable(q cart.Quote, err error) error {
	if err := possible(q, err); err != nil {
		return err
	}
	if q.OrderAmount == 0 && !q.NoDelivery {
		return problem(http.StatusUnprocessableEntity, CodeNothingToPay, "The basket comes to 0: it needs no Klarna.")
	}
	return nil
}
