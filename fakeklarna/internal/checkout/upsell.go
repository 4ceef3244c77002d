package checkout

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Upsell: what the shopper may add on the confirmation page. The authorization grows, and the
// push waits until the time for it is over.
// Source: docs.kustom.co, Upsell; the bodies as public shops read and write them.

// upsellTime is how long offers can be taken when the shop does not say.
const upsellTime = 10 * time.Minute

// mostOffered is how many of an offered line can be taken at most.
const mostOffered = 1000

// Upsell is a look at the offers of the confirmation page. The first one asks the merchant.
type Upsell struct {
	// Take says how many of an offered line the shopper adds, by its reference.
	Take map[string]int64 `json:"take,omitempty"`
}

// UpsellLine is a line that the merchant offers after the purchase. Amounts are minor units.
type UpsellLine struct {
	wire.OrderLine
	MaxAllowedQuantity int64  `json:"max_allowed_quantity,omitempty"` // 0: Quantity
	Description        string `json:"description,omitempty"`
}

// upselling is the upsell of an order that is bought; a snapshot has it.
type upselling struct {
	Until time.Time        // when the time for it is over
	Asked bool             // the merchant was
	Lines []UpsellLine     // what it offered
	Most  int64            // that may be added, minor units
	Taken map[string]int64 // how many of a line were added, by its reference
}

var upsellRule = wire.Object("", slices.Concat(lineRule.Members(), []wire.Rule{
	wire.Text("reference", 1, 255).Must(),
	wire.Integer("max_allowed_quantity", 1, math.MaxInt32),
	wire.Text("description", 0, 1024),
})...)

// offers reports whether an order offers more on its confirmation page.
func offers(v *Order) bool {
	return string(v.Options.ConfirmationPageUpsell) == "true" && v.MerchantURLs.Upsell != ""
}

// beginUpsell opens the time for offers of an order that was just bought, if it can have any:
// its authorization must be able to grow.
func (s *Service) beginUpsell(o *Stored, v *Order) {
	if m := s.om.Find(o.ID); offers(v) && m != nil && m.CanGrow() {
		o.Upsell = &upselling{Until: s.Time().Add(upsellTime), Most: v.OrderAmount}
		s.tellAs("state", o, "offers more until "+wire.Stamp(o.Upsell.Until), nil)
	}
}

// upsells reports whether the time for an order's offers is not over.
func (s *Service) upsells(o *Stored) bool { return o.Upsell != nil && s.Time().Before(o.Upsell.Until) }

// endUpsell ends the time for offers. The push need not wait any more.
func (s *Service) endUpsell(o *Stored) {
	o.Upsell.Until = s.Time()
	s.Hasten("push", o.ID, o.Completed.Add(s.om.PushDelay))
	s.tellAs("state", o, "offers no more", nil)
}

// upsell shows the offers and takes some. The error is ErrNoOrder or a *shopper.BadAction.
func (s *Service) upsell(o *Stored, u *Upsell) (*shopper.Refusal, error) {
	v := s.render(o)
	if !s.upsells(o) {
		return shopper.Refuse(shopper.RefusedUpsellOver, v.Locale), nil
	}
	if refused, err := s.askOffers(o, &v); refused != nil || err != nil {
		return refused, err
	}
	if len(u.Take) == 0 {
		return nil, nil
	}
	lines, err := o.Upsell.take(u.Take)
	if err != nil {
		return nil, err
	}
	s.tellAs("shopper", o, "takes offers", u.Take)
	if refused, err := s.validateUpsell(o, v.Locale, lines); refused != nil || err != nil {
		return refused, err
	}
	return s.grow(o, lines), nil
}

// askOffers asks the merchant for offers, once.
func (s *Service) askOffers(o *Stored, v *Order) (*shopper.Refusal, error) {
	if o.Upsell.Asked {
		return nil, nil
	}
	s.tellAs("shopper", o, "looks at what is offered", nil)
	reply, err := s.ask(o, callback.Call{Kind: "upsell", Body: struct {
		Possible bool             `json:"upsell_possible"`
		Most     int64            `json:"max_upsell_amount"`
		Currency string           `json:"purchase_currency"`
		Lines    []wire.OrderLine `json:"order_lines"`
	}{true, o.Upsell.Most, v.PurchaseCurrency, v.OrderLines}})
	if err != nil {
		return nil, err
	}
	lines, until, err := s.readOffers(reply)
	if err != nil {
		s.calls.NotTaken(reply, err)
		return shopper.Refuse(shopper.RefusedUpsellFailed, v.Locale), nil
	}
	o.Upsell.Asked, o.Upsell.Lines = true, lines
	switch {
	case len(lines) == 0 || !until.IsZero() && !until.After(s.Time()):
		o.Upsell.Lines = nil
		s.endUpsell(o)
	case !until.IsZero():
		o.Upsell.Until = until
		s.Hasten("push", o.ID, until)
	}
	return nil, nil
}

// readOffers reads the merchant's offers, and until when they can be taken by the fake's
// clock. The merchant's own clock does not move with that. The error says what is wrong
// with the answer.
func (s *Service) readOffers(reply callback.Answer) (lines []UpsellLine, until time.Time, err error) {
	if reply.Status != http.StatusOK {
		return nil, until, reply.NotOK()
	}
	sent, bad := wire.ParseBody(reply.Body)
	if bad != nil {
		return nil, until, errors.New(bad.Message)
	}
	if text, given := sent["last_upsell_time"].(string); given {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, until, errors.New(wire.BadValue("last_upsell_time").Message)
		}
		until = at.Add(s.Offset)
	}
	offered, _ := sent["upsell_lines"].([]any)
	seen := map[string]bool{}
	for i, one := range offered {
		path := fmt.Sprintf("upsell_lines[%d]", i)
		checked, bad := upsellRule.First(wire.PlainDialect, path, one)
		if bad != nil {
			return nil, until, errors.New(bad.Message)
		}
		var l UpsellLine
		_ = json.Unmarshal(wire.MustJSON(checked), &l) // was checked
		wire.SetDefault(&l.Type, "physical")
		if name := l.flaw(); name != "" {
			return nil, until, errors.New(wire.BadValue(path + "." + name).Message)
		}
		if seen[l.Reference] {
			return nil, until, errors.New(path + ".reference is that of another line")
		}
		seen[l.Reference] = true
		lines = append(lines, l)
	}
	return lines, until, nil
}

// flaw returns the member of a line that cannot be offered so, "" for none.
func (l *UpsellLine) flaw() string {
	switch {
	case l.Quantity < 1 || l.Quantity > mostOffered:
		return "quantity"
	case l.UnitPrice < 0:
		return "unit_price"
	case !l.TotalFits() || l.TotalAmount < 0:
		return "total_amount"
	case !l.TaxFits():
		return "total_tax_amount"
	}
	return ""
}

// take returns the lines for so many of what is offered.
func (u *upselling) take(take map[string]int64) ([]wire.OrderLine, error) {
	var lines []wire.OrderLine
	for _, reference := range slices.Sorted(maps.Keys(take)) {
		i := slices.IndexFunc(u.Lines, func(l UpsellLine) bool { return l.Reference == reference })
		if i < 0 {
			return nil, shopper.BadActionf("upsell.take: %q is not offered", reference)
		}
		l, quantity, before := u.Lines[i].OrderLine, take[reference], u.Taken[reference]
		if most := min(max(u.Lines[i].MaxAllowedQuantity, l.Quantity), mostOffered); quantity < 1 || quantity > most-before {
			return nil, shopper.BadActionf("upsell.take: of %q from 1 to %d in all, %d are taken", reference, most, before)
		}
		if quantity != l.Quantity {
			l.TotalDiscountAmount = l.TotalDiscountAmount * quantity / l.Quantity
			l.Quantity, l.TotalAmount = quantity, quantity*l.UnitPrice-l.TotalDiscountAmount
			l.TotalTaxAmount = l.Tax().Int64()
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// validateUpsell asks the merchant whether lines may be added.
func (s *Service) validateUpsell(o *Stored, locale string, lines []wire.OrderLine) (*shopper.Refusal, error) {
	if merchantURL(o, "upsell_validation") == "" {
		return nil, nil
	}
	reply, err := s.ask(o, callback.Call{Kind: "upsell_validation", Body: struct {
		Lines []wire.OrderLine `json:"upsell_lines"`
	}{lines}})
	switch {
	case err != nil:
		return nil, err
	case reply.Status == http.StatusOK:
		return nil, nil
	case reply.Status != http.StatusBadRequest:
		s.calls.NotTaken(reply, reply.NotOK())
		return shopper.Refuse(shopper.RefusedUpsellFailed, locale), nil
	}
	refused := shopper.Refuse(shopper.RefusedUpsell, locale)
	var said struct {
		Text    string `json:"error_text"`
		Message string `json:"error_message"`
	}
	if err := json.Unmarshal(reply.Body, &said); err == nil && said.Text+said.Message != "" {
		refused.Message = said.Text
		wire.SetDefault(&refused.Message, said.Message)
	} else {
		s.calls.NotTaken(reply, errors.New("it says no error_message"))
	}
	return refused, nil
}

// grow adds lines to an order that is bought, in the checkout and in Order Management.
func (s *Service) grow(o *Stored, lines []wire.OrderLine) *shopper.Refusal {
	v := s.render(o)
	amount, tax := wire.Sums("", lines)
	switch more := amount.Int64(); {
	case !s.upsells(o):
		return shopper.Refuse(shopper.RefusedUpsellOver, v.Locale)
	case more > o.Upsell.Most:
		return shopper.Refuse(shopper.RefusedUpsell, v.Locale)
	case !s.om.Grow(o.ID, more, lines):
		return shopper.Refuse(shopper.RefusedDeclined, v.Locale)
	default:
		o.Upsell.Most -= more
	}
	if o.Upsell.Taken == nil {
		o.Upsell.Taken = map[string]int64{}
	}
	for _, l := range lines {
		o.Upsell.Taken[l.Reference] += l.Quantity
	}
	content := maps.Clone(o.Content)
	content["order_lines"] = wire.MustJSON(slices.Concat(v.OrderLines, lines))
	content["order_amount"] = wire.MustJSON(v.OrderAmount + amount.Int64())
	content["order_tax_amount"] = wire.MustJSON(v.OrderTaxAmount + tax.Int64())
	s.replace(o, content)
	return nil
}
