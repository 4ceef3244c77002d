package e2e_test

import (
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

var orderNumber = regexp.MustCompile(`SK-[A-Z0-9]{4}-[A-Z0-9]{4}`)

// buy buys what the cart has. alone means that the visitor's other tabs stand
// still meanwhile: then what is approved must be exactly what the cart was
// answered to have, and exactly that must be out of it afterwards. Otherwise
// they go on, and change the cart or buy too.
func (b *tab) buy(alone bool) {
	b.buying.Add(1)
	defer func() {
		b.bought.Store(time.Now().UnixNano())
		b.buying.Add(-1)
	}()
	b.still.Lock()
	b.windows++
	b.begun++
	single, mine := b.windows == 1, b.begun
	exact := alone && single
	if !alone {
		b.still.Unlock()
		b.still.RLock()
	}
	s := b.purchase(alone, &exact)
	if s != nil {
		if !alone {
			b.acknowledged(s)
		}
		b.confirm(s)
	}
	if !alone {
		b.still.RUnlock()
		b.still.Lock()
	}
	defer b.still.Unlock()
	b.windows--
	if s != nil {
		if single && b.begun == mine && !b.unsettled() {
			b.approved(s)
		}
		b.take(s, exact && !b.unsettled())
	}
}

// purchase presses Klarna's button. exact is taken back when nobody can say what
// the order must be.
func (b *tab) purchase(alone bool, exact *bool) *sale {
	id, ok := b.orderID, b.orderID != ""
	if alone || !ok || rand.IntN(2) == 0 { // else what the page shows may be old
		if id, ok = b.load(); !ok {
			return nil
		}
	}
	began := time.Now()
	out, err := b.fake.Shopper(id, fakeklarna.Action{Type: b.person(), Buy: &fakeklarna.Buy{}})
	*exact = *exact && !b.unsettled()
	switch {
	case err != nil:
		b.t.Errorf("%s: buy %s: %v", b.name, id, err)
		return nil
	case out.Refused != nil:
		count(&b.refusals, out.Refused.Code)
		if b.base.goesOn(began) {
			count(&b.during, out.Refused.Message)
		}
		if *exact && !b.unwell() {
			b.t.Errorf("%s: what the page showed could not be bought: %+v", b.name, out.Refused)
		}
		return nil
	}
	order, _ := b.fake.Order(id)
	s := &sale{orderID: id, goods: goodsOf(order), at: began, approved: time.Now()}
	b.mu.Lock()
	b.sales = append(b.sales, s)
	b.mu.Unlock()
	if over := b.base.over(); !over.IsZero() && began.After(over) {
		b.resumed.Store(true)
	}
	return s
}

// person is what the visitor types.
func (v *visitor) person() map[string]string {
	return map[string]string{
		"email": v.name, "given_name": "Ada", "family_name": "Lovelace", "street_address": "Storgatan 1",
		"postal_code": "111 47", "city": "Ankeborg", "phone": "+46701234567",
	}
}

// unwell reports whether a shop, Redis, the database or Klarna has been away or faulty.
func (c *crowd) unwell() bool {
	return c.shopDied() || c.faulty || !c.away.since().IsZero() || !c.base.since().IsZero()
}

// shopDied reports whether a shop was killed.
func (c *crowd) shopDied() bool { return c.killed.Load() != nil }

// acknowledged waits a while for Klarna's push to bring the sale in.
func (b *tab) acknowledged(s *sale) {
	for range 100 {
		if o, _ := b.fake.Order(s.orderID); o.Fake.Acknowledged {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// confirm loads the confirmation until it says thank you. A sale has one number.
func (b *tab) confirm(s *sale) {
	for start := time.Now(); time.Since(start) < 90*time.Second; time.Sleep(50 * time.Millisecond) {
		if b.confirmed(s) {
			return
		}
	}
	b.t.Errorf("%s: the confirmation of %s is not to be had", b.name, s.orderID)
}

func (b *tab) confirmed(s *sale) bool {
	got, _ := b.send("GET", "/checkout/confirmation?order_id="+s.orderID, "", "")
	if got.status != http.StatusOK {
		if got.status != 0 && got.status < 500 {
			b.t.Errorf("%s: confirmation of %s: got %d", b.name, s.orderID, got.status)
		}
		return false
	}
	number := orderNumber.FindString(got.body)
	b.mu.Lock()
	defer b.mu.Unlock()
	if number == "" || s.number != "" && number != s.number {
		b.t.Errorf("%s: the confirmation of %s says %q, it said %q", b.name, s.orderID, number, s.number)
	}
	s.number = number
	return true
}

// approved demands that what was bought was in the cart when the shop approved it
// (invariant 5), as far as the answers tell. All tabs stand still, and no other
// purchase was under way.
func (v *visitor) approved(s *sale) {
	for _, b := range v.tabs {
		for _, sku := range b.skus {
			had := []int{0}
			for _, m := range b.past[sku] {
				switch {
				case m.answered.Before(s.at):
					had = m.may
				case m.began.Before(s.approved):
					had = slices.Concat(had, m.may)
				}
			}
			if !slices.Contains(had, s.goods[sku]) {
				v.t.Errorf("%s bought %d of %s between %s and %s; by what was answered the cart had %v then\n%s", v.name, s.goods[sku], sku,
					s.at.Format(time.TimeOnly+".000"), s.approved.Format(time.TimeOnly+".000"), had, b.recall(sku))
			}
		}
	}
}

// take notes that what was bought is out of the cart: exactly, or, where others
// have changed the cart meanwhile, at any time since. All tabs stand still.
func (v *visitor) take(s *sale, exact bool) {
	now := time.Now()
	for _, b := range v.tabs {
		for _, sku := range b.skus {
			n := s.goods[sku]
			if n == 0 {
				continue
			}
			// What was known just before holds less what was bought too: a master that dies now may forget the change
			// and the closing, and then the cart is closed anew, as it was before.
			for i := range b.past[sku] {
				if m := &b.past[sku][i]; m.answered.After(s.at.Add(-10 * time.Second)) {
					m.may = slices.Concat(m.may, less(m.may, n, exact))
				}
			}
			b.know(sku, memory{s.at, now, less(b.quantities(sku), n, exact), false})
		}
	}
}

// less are quantities without n, but not below 0; unless exact, any number of the n.
func less(quantities []int, n int, exact bool) []int {
	var all []int
	for _, have := range quantities {
		all = append(all, max(0, have-n))
		for i := max(0, have-n) + 1; !exact && i <= have; i++ {
			all = append(all, i)
		}
	}
	return all
}
