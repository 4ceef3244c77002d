package order

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// words are what an order is found by, beside its amounts: its number, with and without
// its beginning and dashes, IDs and references, and e-mail addresses with their hashes.
func words(o Order) []string {
	list := []string{
		o.Number, strings.NewReplacer(numberPrefix, "", "-", "").Replace(o.Number), o.ID, o.OrderID, o.KlarnaReference,
	}
	for _, email := range []string{o.BillingAddress.Email, o.ShippingAddress.Email} {
		if email = normal(email); email != "" {
			list = append(list, email, EmailHash(email))
		}
	}
	for i, word := range list {
		list[i] = normal(word)
	}
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(word string) bool { return word == "" })
}

// normal is the form of a word.
func normal(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// EmailHash is the SHA-256 hash of an e-mail address in hexadecimal digits, of
// its lower-case letters: List finds orders by it without being told the address.
func EmailHash(email string) string {
	hash := sha256.Sum256([]byte(normal(email)))
	return hex.EncodeToString(hash[:])
}

// setWords makes the words of an order those that it has now.
func setWords(ctx context.Context, tx *sql.Tx, o Order) error {
	if _, err := tx.ExecContext(ctx, "delete from order_words where order_id = $1", o.ID); err != nil {
		return fmt.Errorf("write words of order: %w", err)
	}
	for _, word := range words(o) {
		if _, err := tx.ExecContext(ctx, "insert into order_words (word, placed_at, order_id) values ($1, $2, $3)",
			word, o.PlacedAt.UnixMilli(), o.ID); err != nil {
			return fmt.Errorf("write words of order: %w", err)
		}
	}
	return nil
}
