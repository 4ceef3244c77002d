package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/shop"
)

// place takes orders into the book that were bought at Klarna and of which nobody here knows any more, by their
// IDs there. It prints a line for each, which says nothing of its buyer.
func place(ctx context.Context, e *env) (err error) {
	v := e.problems()
	c := e.validate(v)
	for _, id := range e.args {
		if !kco.IsOrderID(id) || cart.IsOwnOrder(id) {
			v.list = append(v.list, fmt.Errorf("%.60q cannot be the ID of an order at Klarna", id))
		}
	}
	if err := v.err(); err != nil {
		return err
	}
	end, err := e.storesBeside(ctx, &c, "Stop the shop first")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	if c.Published, err = publish.Open(ctx, c.DB, c.Logger); err != nil {
		return err
	}
	book, err := shop.NewBook(c)
	if err != nil {
		return err
	}
	return e.placeEach(ctx, book)
}

// placeEach places orders, and says of each what came of it. The error says that some were not placed.
func (e *env) placeEach(ctx context.Context, book *order.Book) error {
	refused := 0
	for _, id := range e.args {
		o, err := book.Place(ctx, id)
		if err != nil {
			refused++
			_, _ = fmt.Fprintf(e.stdout, "%s not placed: %v\n", id, err)
			continue
		}
		line := []any{id, o.Number}
		for _, flag := range o.Flags {
			line = append(line, flag)
		}
		_, _ = fmt.Fprintln(e.stdout, line...)
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d orders were not placed", refused, len(e.args))
	}
	return nil
}
