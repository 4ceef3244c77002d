package order

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/money"
)

// indexKey is a sorted set of all lists of orders that can be asked for. Every
// score is 0, so Redis keeps the members in the order of their bytes, and a
// member is a list's name with an order's position in it: a list is a range of
// members, in order of time, of which any part and the length cost O(log n).
// An order is in every list that it belongs to, so no combination of filters has
// to look at an order that is not asked for. The number is that of the layout.
const indexKey = "shopd:{orders}:index:1"

// position is where an order stands in its lists: by the time of purchase to the
// millisecond, and by its ID among those of the same.
func (o Order) position() string { return moment(o.PlacedAt) + ":" + o.OrderID }

// moment is a time in as many digits as every other.
func moment(t time.Time) string { return fmt.Sprintf("%013d", min(max(t.UnixMilli(), 0), lastMoment)) }

const (
	momentLength = 13
	lastMoment   = 9_999_999_999_999
)

// list is the name of the list of the orders with a text (see textOf…), of a
// country, with a status; "" for any. pending: only those that Klarna is still
// checking.
func list(text, country, status string, pending bool) string {
	check := ""
	if pending {
		check = "?"
	}
	return text + "," + url.QueryEscape(country) + "," + url.QueryEscape(status) + "," + check + ","
}

// The texts by which orders are found, each with a letter of its kind.

func textOfAmount(a money.Amount) string { return "a" + strconv.FormatInt(int64(a), 10) }

func textOfEmail(email string) string { return textOfHash(sha256.Sum256([]byte(normal(email)))) }

// textOfHash takes 96 bits of the hash: enough to tell addresses apart.
func textOfHash(hash [sha256.Size]byte) string {
	return "e" + base64.RawURLEncoding.EncodeToString(hash[:12])
}

// listOfReference is the list of the orders with a reference of Klarna's, which
// are one: there is no such list for each filter.
func listOfReference(reference string) string {
	return list("r"+url.QueryEscape(strings.ToUpper(reference)), "", "", false)
}

// normal is the form of an e-mail address that is hashed.
func normal(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// EmailHash is the SHA-256 hash of an e-mail address in hexadecimal digits, of
// its lower-case letters: List finds orders by it without being told the address.
func EmailHash(email string) string {
	hash := sha256.Sum256([]byte(normal(email)))
	return hex.EncodeToString(hash[:])
}

// indexMembers are the members of indexKey that an order has. What is stored
// with an order has all of them, at any time.
func indexMembers(o Order) []string {
	position := o.position()
	texts := []string{"", textOfAmount(o.OrderAmount)}
	for _, email := range []string{o.BillingAddress.Email, o.ShippingAddress.Email} {
		if normal(email) != "" {
			texts = append(texts, textOfEmail(email))
		}
	}
	if len(texts) == 4 && texts[2] == texts[3] {
		texts = texts[:3]
	}
	pendings := []bool{false}
	if o.Pending() {
		pendings = append(pendings, true)
	}
	var members []string
	for _, text := range texts {
		for _, country := range anyOr(o.PurchaseCountry) {
			for _, status := range anyOr(string(o.Status)) {
				for _, pending := range pendings {
					members = append(members, list(text, country, status, pending)+position)
				}
			}
		}
	}
	if !o.Acknowledged {
		members = append(members, listOfUnacknowledged+position)
	}
	if o.KlarnaReference != "" {
		members = append(members, listOfReference(o.KlarnaReference)+position)
	}
	return members
}

// anyOr are the filters that a value passes: any, and its own.
func anyOr(value string) []string {
	if value == "" {
		return []string{""}
	}
	return []string{"", value}
}

// reindex is the part of a script that puts an order in its lists. From ARGV[at]
// on: how many members go, these, how many stay or come, these; see indexArgs. It
// returns where in ARGV that ends.
const reindex = `
local function reindex(index, at)
  local gone = at + tonumber(ARGV[at])
  for i = at + 1, gone do redis.call('ZREM', index, ARGV[i]) end
  local come = gone + 1 + tonumber(ARGV[gone + 1])
  for i = gone + 2, come do redis.call('ZADD', index, 0, ARGV[i]) end
  return come + 1
end
`

// indexArgs are the arguments of reindex for an order that becomes another.
// Members that stay are sent too: one that was stored before there was an index
// has none of them.
func indexArgs(before, after Order) []any {
	come := indexMembers(after)
	stay := make(map[string]bool, len(come))
	for _, member := range come {
		stay[member] = true
	}
	args := []any{0}
	for _, member := range indexMembers(before) {
		if !stay[member] {
			args = append(args, member)
		}
	}
	args[0] = len(args) - 1
	args = append(args, len(come))
	for _, member := range come {
		args = append(args, member)
	}
	return args
}

// addToIndex indexes an order that is as it was read: KEYS order, index; ARGV
// record, and those of reindex.
var addToIndex = redis.NewScript(reindex + `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
reindex(KEYS[2], 2)
return 1
`)

// indexBatch is how many orders are looked at at a time: few enough for Redis to
// take their records in one go.
const indexBatch = 100

// completeIndex indexes the orders that were stored before there was an index.
// Whether there are any, two counts tell; where this ends half-way, the next
// call goes on.
func (b *Book) completeIndex(ctx context.Context) error {
	all := list("", "", "", false)
	var placed, indexed *redis.IntCmd
	if _, err := b.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		placed = pipe.ZCard(ctx, placedKey)
		indexed = pipe.ZLexCount(ctx, indexKey, "["+all, "("+all+":")
		return nil
	}); err != nil {
		return fmt.Errorf("count indexed orders: %w", err)
	}
	if placed.Val() == indexed.Val() {
		return nil
	}
	var failed failures
	for start := int64(0); ; start += indexBatch {
		numbers, err := b.Redis.ZRangeWithScores(ctx, placedKey, start, start+indexBatch-1).Result()
		if err == nil && len(numbers) > 0 {
			err = b.indexMissing(ctx, numbers)
		}
		if failed.add(err); failed.enough() || len(numbers) < indexBatch {
			return errors.Join(failed...)
		}
	}
}

// indexMissing indexes those of the placed orders that are not in the index.
func (b *Book) indexMissing(ctx context.Context, placed []redis.Z) error {
	keys := make([]string, len(placed))
	for i, z := range placed {
		keys[i] = numberKey + z.Member.(string)
	}
	ids, err := b.Redis.MGet(ctx, keys...).Result()
	if err != nil {
		return err
	}
	indexed := make([]*redis.FloatCmd, len(placed))
	if _, err := b.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, z := range placed {
			id, _ := ids[i].(string)
			at := moment(time.UnixMilli(int64(z.Score)))
			indexed[i] = pipe.ZScore(ctx, indexKey, list("", "", "", false)+at+":"+id)
		}
		return nil
	}); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	var missing []string
	for i, cmd := range indexed {
		if id, ok := ids[i].(string); ok && errors.Is(cmd.Err(), redis.Nil) {
			missing = append(missing, orderKey+id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	records, err := b.Redis.MGet(ctx, missing...).Result()
	if err != nil {
		return err
	}
	var broken error // one record that cannot be read keeps none from the list
	_, err = b.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, record := range records {
			text, _ := record.(string)
			var o Order
			if err := json.Unmarshal([]byte(text), &o); err != nil {
				broken = fmt.Errorf("read %s to index it: %w", missing[i], err)
				continue
			}
			// As text: a hash could be unknown to the server, and a pipeline does not try again.
			addToIndex.Eval(ctx, pipe, []string{missing[i], indexKey}, append([]any{text}, indexArgs(o, o)...)...)
		}
		return nil
	})
	return errors.Join(broken, err)
}
