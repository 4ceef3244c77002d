package aftersale

import (
	"context"
	"fmt"
	"reflect"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// What Klarna is asked when an address changes: where another tax is due there, two calls of which
// both succeed or none.

// addressSend raises an amount before the address changes and lowers it after that. Klarna may refuse a
// raise and an address, and always takes an amount that is lower: so what was changed first can be
// put back when the second call is refused. While that is not known, neither is what came of the command. Each
// call has a key of its own, and says the same whenever it is sent.
func addressSend(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (_ string, a klarna.Answer, err error) {
	if c.Was == nil { // stored by a version that did not keep it
		c.Was = addressWas(o)
	}
	move := func() (klarna.Answer, error) {
		return m.UpdateShippingAddress(ctx, o.OrderID, ordermanagement.NewAddressChange(c.Was.ShippingAddress, *c.ShippingAddress), c.Key)
	}
	amount := summed(c).Amount
	switch {
	case len(c.OrderLines) == 0:
		a, err = move()
	case amount > c.Was.Amount:
		if a, err = m.UpdateAuthorization(ctx, o.OrderID, authorization(summed(c)), c.Key+"-tax"); err != nil {
			return "", a, err
		}
		a, err = move()
		err = second(err, func() error { return amountBack(ctx, m, o.OrderID, c) })
	default:
		if a, err = move(); err == nil {
			a, err = amountLowered(ctx, m, o.OrderID, c)
		}
	}
	return "", a, err
}

// amountLowered gives an order the lower amount of the address that it has now, or else the
// address of before.
func amountLowered(ctx context.Context, m *ordermanagement.Client, id string, c order.Command) (klarna.Answer, error) {
	a, err := m.UpdateAuthorization(ctx, id, authorization(summed(c)), c.Key+"-tax")
	return a, second(err, func() error {
		_, err := m.UpdateShippingAddress(ctx, id, ordermanagement.NewAddressChange(*c.ShippingAddress, c.Was.ShippingAddress), c.Key+"-back")
		return err
	})
}

func amountBack(ctx context.Context, m *ordermanagement.Client, id string, c order.Command) error {
	_, err := m.UpdateAuthorization(ctx, id, ordermanagement.Authorization{OrderAmount: c.Was.Amount, OrderLines: c.Was.OrderLines}, c.Key+"-back")
	return err
}

// second is what is known after the second of two calls: where Klarna refuses it, undo takes the first
// back. What Klarna refuses to undo stays, and the command has ended all the same.
func second(err error, undo func() error) error {
	if err != nil && !klarna.IsRefused(err) {
		return fmt.Errorf("one of two calls was done: %v", err) //nolint:errorlint // not a refusal of both
	}
	if err != nil {
		if backErr := undo(); backErr != nil && !klarna.IsRefused(backErr) {
			return fmt.Errorf("%v, and what was done before is not put back yet: %v", err, backErr) //nolint:errorlint // not a refusal
		}
	}
	return err
}

// addressSettle gives an order at Klarna of which half is changed the amount of the address that it
// has: a lower one in either case.
func addressSettle(ctx context.Context, m *ordermanagement.Client, sold ordermanagement.Order, c order.Command) (err error) {
	if len(c.OrderLines) == 0 || c.Was == nil {
		return nil
	}
	raised, changed, there := summed(c).Amount > c.Was.Amount, Lines.Has(sold, summed(c)), addressThere(sold, c)
	switch {
	case raised && changed && !there:
		err = amountBack(ctx, m, sold.OrderID, c)
	case !raised && there && !changed:
		_, err = amountLowered(ctx, m, sold.OrderID, c)
	}
	return err
}

func addressWas(o order.Order) *order.Was {
	return &order.Was{Amount: o.OrderAmount, OrderLines: o.OrderLines, ShippingAddress: o.ShippingAddress}
}

// addressThere reports whether an order at Klarna goes where a command sends it.
func addressThere(sold ordermanagement.Order, c order.Command) bool {
	return reflect.DeepEqual(ordermanagement.NewAddressChange(sold.ShippingAddress, *c.ShippingAddress), ordermanagement.AddressChange{})
}

// summed is a change of the address with the amount of its lines.
func summed(c order.Command) order.Command {
	c.Amount, _, _ = klarna.Sums(c.OrderLines) // lines that do not add up are refused by Check
	return c
}
