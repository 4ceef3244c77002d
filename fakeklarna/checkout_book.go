package fakeklarna

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// orderBook has all orders. The state's lock guards it.
type orderBook struct {
	byID   map[string]*order
	newest []*order // in the order in which they were made
}

func newOrderBook() orderBook { return orderBook{byID: map[string]*order{}} }

func (b *orderBook) add(o *order) {
	b.byID[o.ID] = o
	b.newest = append(b.newest, o)
}

// makeRoom removes an order when there are as many as are kept: the oldest expired or
// aborted one, else the oldest. The caller holds s.mu.
func (s *checkoutService) makeRoom() {
	b := &s.orders
	if len(b.newest) < s.MaxKept {
		return
	}
	i := max(0, slices.IndexFunc(b.newest, func(o *order) bool { return o.Status == StatusAborted || s.expired(o) }))
	delete(b.byID, b.newest[i].ID)
	b.newest = slices.Delete(b.newest, i, i+1)
}

// MarshalJSON shows the orders, oldest first.
func (b *orderBook) MarshalJSON() ([]byte, error) { return mustJSON(b.newest), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (b *orderBook) UnmarshalJSON(text []byte) error {
	var all []*order
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for _, o := range all {
		switch {
		case o == nil:
			return errors.New("has a null")
		case o.ID == "" || b.byID[o.ID] != nil:
			return fmt.Errorf("the ID %q is missing or twice", o.ID)
		}
		b.add(o)
	}
	return nil
}

// check returns what is wrong with restored orders.
func (b orderBook) check() error {
	for _, o := range b.newest {
		if err := o.check(); err != nil {
			return fmt.Errorf("order %s: %w", o.ID, err)
		}
	}
	return nil
}

// check returns what is wrong with an order that was restored.
func (o *order) check() error {
	if !slices.Contains([]string{StatusIncomplete, StatusComplete, StatusAborted}, o.Status) {
		return fmt.Errorf("there is no status %q", o.Status)
	}
	content, refused := parseBody(mustJSON(o.Content))
	if refused != nil {
		return errors.New(refused.message)
	}
	for i := range orderRules {
		r := &orderRules[i]
		v := content[r.name]
		if v == nil && !r.required || v != nil && r.name == "order_lines" { // one line more than may be sent: the delivery
			continue
		}
		if _, err := r.first(plainDialect, r.name, v); err != nil {
			return errors.New(err.message)
		}
	}
	if o.Content["merchant_urls"] == nil {
		return errors.New("merchant_urls is missing")
	}
	if o.Typed == nil {
		return errors.New("what was typed is missing")
	}
	for member, text := range o.Typed {
		if err := checkTyped(member, text); err != nil {
			return err
		}
	}
	return json.Unmarshal(mustJSON(o.Content), new(Order))
}
