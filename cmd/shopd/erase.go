package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/catalog"
	shopfile "github.com/shopd/shopd/internal/settings"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/shop"
)

// erase erases the personal data of an order or of all orders of an e-mail address, prints
// the list of erased orders, or applies one. It never prints an address.
func erase(ctx context.Context, e *env) (err error) {
	v := e.problems()
	v.required("-database-url", e.databaseURL)
	v.required("-redis-url", e.redisURL)
	asked := 0
	list := v.onOff("-list", e.eraseList)
	for _, is := range []bool{e.eraseOrder != "", e.eraseEmail != "", list, e.eraseApply != ""} {
		if is {
			asked++
		}
	}
	if asked != 1 {
		v.list = append(v.list, errors.New("one of -order, -email, -list and -apply is wanted"))
	}
	if err := v.err(); err != nil {
		return err
	}
	var c shop.Config
	end, err := e.storesBeside(ctx, &c, "Stop the shop first, or erase on the order's page of the back office")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	c.Published, err = publish.Open(ctx, c.DB, c.Logger) // carts are in its markets
	if errors.Is(err, publish.ErrNothing) {
		c.Published, err = publish.Fixed(publish.NewVersion(0, &shopfile.Shop{}, &catalog.Catalog{})), nil
	}
	if err != nil {
		return err
	}
	book, err := shop.NewEraser(c)
	if err != nil {
		return err
	}
	switch {
	case list:
		return e.printErased(ctx, book)
	case e.eraseApply != "":
		return e.applyErased(ctx, book)
	case e.eraseOrder != "":
		o, found, err := book.ByNumber(ctx, e.eraseOrder)
		if err == nil && !found {
			err = fmt.Errorf("there is no order %q", e.eraseOrder)
		}
		if err != nil {
			return err
		}
		return e.eraseEach(ctx, book, []string{o.Ref()})
	}
	if e.eraseEmail == "-" {
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		e.eraseEmail = strings.TrimSpace(string(text))
	}
	ids, err := book.OfEmail(ctx, e.eraseEmail)
	if err == nil && len(ids) == 0 {
		err = errors.New("no order has this e-mail address")
	}
	if err != nil {
		return err
	}
	return e.eraseEach(ctx, book, ids)
}

// eraseEach erases orders, and says of each what came of it. The error says that some were
// not erased.
func (e *env) eraseEach(ctx context.Context, book *order.Book, ids []string) error {
	refused := 0
	for _, id := range ids {
		o, err := book.Erase(ctx, id, order.BySystem)
		needed, isNeeded := errors.AsType[*order.NeededError](err)
		switch {
		case isNeeded:
			refused++
			_, _ = fmt.Fprintf(e.stdout, "%s not erased: %s\n", o.Number, needed.Why)
		case err != nil:
			return err
		default:
			_, _ = fmt.Fprintln(e.stdout, o.Number, "erased")
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d orders were not erased", refused, len(ids))
	}
	return nil
}

// printErased prints a line for each order: its ID, Klarna's or else ours, and when it was erased.
func (e *env) printErased(ctx context.Context, book *order.Book) error {
	list, err := book.ErasedList(ctx)
	for _, l := range list {
		if _, err := fmt.Fprintln(e.stdout, l.OrderID, l.At.Format(time.RFC3339)); err != nil {
			return err
		}
	}
	return err
}

// applyErased erases the orders of a list, as printErased writes it. What cannot be erased now the
// loop of the shop erases.
func (e *env) applyErased(ctx context.Context, book *order.Book) error {
	file := os.Stdin
	if e.eraseApply != "-" {
		var err error
		if file, err = os.Open(e.eraseApply); err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
	}
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		id := words[0]
		// Almost any word can be an ID of Klarna's; with a time it is a line of a list.
		if len(words) != 2 || !kco.IsOrderID(id) || !isTime(words[1]) {
			return fmt.Errorf("line %d is not an order's ID and a time, as -list prints them; the lines before are done", n)
		}
		_, err := book.EraseListed(ctx, id)
		needed, isNeeded := errors.AsType[*order.NeededError](err)
		switch {
		case isNeeded:
			_, _ = fmt.Fprintf(e.stdout, "%s later: %s\n", id, needed.Why)
		case errors.Is(err, order.ErrUnknown):
			_, _ = fmt.Fprintln(e.stdout, id, "later: it is not in the book, and is erased when it comes back")
		case err != nil:
			return err
		default:
			_, _ = fmt.Fprintln(e.stdout, id, "erased")
		}
	}
	return lines.Err()
}

func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}
