package order

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/db"
)

// Events of the audit beside the actions.
const (
	AuditPlaced       = "placed"
	AuditAcknowledged = "acknowledged" // Klarna knows that we have it
	AuditFlag         = "flag"         // something to look at was found
	AuditStatus       = "status"       // Klarna said something new of the order
	AuditErased       = "erased"       // the personal data is gone
	AuditStock        = "stock"        // the goods of a cancelled order are in the stock again
	AuditMail         = "mail"         // a mail was sent, or could not be; ID says which
	AuditNote         = "note"         // staff wrote something down for one another
	AuditWithdrawal   = "withdrawal"   // a consumer withdrew from the contract; ID says which statement
	AuditUnflag       = "unflag"       // staff have dealt with what a flag is about; ID says which
)

// Audit returns what happened to an order, newest first. That a command was
// sent is left out once it is said how it ended. Orders of older versions begin
// with what came later. The error is ErrUnavailable.
func (b *Book) Audit(ctx context.Context, orderID string) ([]AuditEntry, error) {
	all, err := b.Entries(ctx, orderID)
	if err != nil {
		return nil, err
	}
	told := map[string]bool{} // commands of which something newer is known
	var entries []AuditEntry
	for _, e := range slices.Backward(all) {
		if e.Result != Sent || !told[e.Key] {
			entries = append(entries, e)
		}
		told[e.Key] = true
	}
	return entries, nil
}

// Entries are all entries of an order's audit, oldest first. The error is ErrUnavailable.
func (b *Book) Entries(ctx context.Context, orderID string) ([]AuditEntry, error) {
	return entriesOf(ctx, b.DB.Read, orderID)
}

func entriesOf(ctx context.Context, q db.Queryer, orderID string) ([]AuditEntry, error) {
	entries, err := db.All(ctx, q, decoded[AuditEntry],
		"select entry from audit where order_id = (select id from orders where "+columnOf(orderID)+" = $1) order by position", orderID)
	if err != nil {
		return nil, fmt.Errorf("%w: read audit: %w", ErrUnavailable, err)
	}
	return entries, nil
}

// Once adds an entry to an order's audit, and reports whether it did: not where the order is
// erased, nor where the audit has one of the same event and key that was not refused. So what
// has no other mark is done once for a key, however often at once. The error is
// ErrUnavailable, with db.ErrCommitUnknown where it may be stored.
func (b *Book) Once(ctx context.Context, orderID string, e AuditEntry) (added bool, err error) {
	err = b.DB.Tx(ctx, func(tx *sql.Tx) error {
		added = false
		// Who comes second waits for the row, and then finds the entry.
		if _, err := tx.ExecContext(ctx, "update orders set revision = revision where "+columnOf(orderID)+" = $1", orderID); err != nil { //nolint:gosec // the name of a column
			return err
		}
		o, _, found, err := read(ctx, tx, columnOf(orderID), orderID)
		if err != nil || !found || o.Erased() {
			return err
		}
		entries, err := entriesOf(ctx, tx, orderID)
		if err != nil {
			return err
		}
		for _, there := range slices.Backward(entries) {
			if there.Event == e.Event && there.Key == e.Key {
				if there.Result != Refused {
					return nil
				}
				break
			}
		}
		added = true
		return addEntries(ctx, tx, o, []AuditEntry{e})
	})
	if err != nil {
		return false, fmt.Errorf("%w: write audit: %w", ErrUnavailable, err)
	}
	return added, nil
}

// Entry begins what the audit says of a command.
func (c Command) Entry(result Result) AuditEntry {
	return AuditEntry{
		At: time.Now().UTC(), Source: cmp.Or(c.By, ByStaff), Staff: c.Staff, Event: string(c.Action), Key: c.Key, Result: result, Amount: c.Amount,
	}
}

// beginning is what the audit says of an order that is stored.
func (o Order) beginning() []AuditEntry {
	entries := []AuditEntry{{At: time.Now().UTC(), Source: ByShopper, Event: AuditPlaced, Amount: o.OrderAmount}}
	for _, f := range o.Flags {
		entries = append(entries, flagged(f))
	}
	return entries
}

// flagged says that an order has got a flag.
func flagged(f Flag) AuditEntry {
	return AuditEntry{
		At: time.Now().UTC(), Source: BySystem, Event: AuditFlag, Changes: []Change{{Field: "flag", After: string(f)}},
	}
}
