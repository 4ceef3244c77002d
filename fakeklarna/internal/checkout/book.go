package checkout

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Book has all orders. The state's lock guards it.
type Book struct {
	ByID   map[string]*Stored
	Newest []*Stored // in the order in which they were made
}

func newBook() Book { return Book{ByID: map[string]*Stored{}} }

func (b *Book) add(o *Stored) {
	b.ByID[o.ID] = o
	b.Newest = append(b.Newest, o)
}

// makeRoom removes an order when there are as many as are kept: the oldest expired or
// aborted one, else the oldest. The caller holds s.Mu.
func (s *Service) makeRoom() {
	b := &s.Book
	if len(b.Newest) < s.MaxKept {
		return
	}
	i := max(0, slices.IndexFunc(b.Newest, func(o *Stored) bool { return o.Status == StatusAborted || s.Expired(o) }))
	delete(b.ByID, b.Newest[i].ID)
	b.Newest = slices.Delete(b.Newest, i, i+1)
}

// MarshalJSON shows the orders, oldest first.
func (b *Book) MarshalJSON() ([]byte, error) { return wire.MustJSON(b.Newest), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (b *Book) UnmarshalJSON(text []byte) error {
	var all []*Stored
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for _, o := range all {
		switch {
		case o == nil:
			return errors.New("has a null")
		case o.ID == "" || b.ByID[o.ID] != nil:
			return fmt.Errorf("the ID %q is missing or twice", o.ID)
		}
		b.add(o)
	}
	return nil
}

// check returns what is wrong with restored orders.
func (b Book) check() error {
	for _, o := range b.Newest {
		if err := o.check(); err != nil {
			return fmt.Errorf("order %s: %w", o.ID, err)
		}
	}
	return nil
}

// check returns what is wrong with an order that was restored.
func (o *Stored) check() error {
	if !slices.Contains([]string{StatusIncomplete, StatusComplete, StatusAborted}, o.Status) {
		return fmt.Errorf("there is no status %q", o.Status)
	}
	content, refused := wire.ParseBody(wire.MustJSON(o.Content))
	if refused != nil {
		return errors.New(refused.Message)
	}
	for i := range orderRules {
		r := &orderRules[i]
		v := content[r.Name]
		if v == nil && !r.Required || v != nil && r.Name == "order_lines" { // one line more than may be sent: the delivery
			continue
		}
		if _, err := r.First(wire.PlainDialect, r.Name, v); err != nil {
			return errors.New(err.Message)
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
	return json.Unmarshal(wire.MustJSON(o.Content), new(Order))
}
