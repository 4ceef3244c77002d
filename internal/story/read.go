package story

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Change is a member of an order that has another value than before.
type Change struct {
	Name          string // "order_amount", "quantity MUG-1"
	Before, After string // "" = there was, or is, none
}

// Event is an entry with the changes that it brought.
type Event struct {
	Entry
	// Changes compare with what the order said before, as far as the story knows.
	Changes []Change
}

// Failed reports whether the call failed.
func (e Event) Failed() bool { return e.Status == 0 || e.Status >= 400 }

// Story returns the events of a cart and of orders, oldest first. There are at most
// PerStory of each, none older than 7 days. cartID may be "". The error is Redis's.
func (l *Log) Story(ctx context.Context, cartID string, orderIDs ...string) ([]Event, error) {
	var keys []string
	if cartID != "" {
		keys = append(keys, cartKey(cartID))
	}
	for _, id := range orderIDs {
		if id != "" {
			keys = append(keys, orderKey(id))
		}
	}
	since := "(" + strconv.FormatInt(time.Now().Add(-Lifetime).UnixMicro(), 10)
	var found []*redis.StringSliceCmd
	_, err := l.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			found = append(found, p.ZRangeByScore(ctx, key, &redis.ZRangeBy{Min: since, Max: "+inf"}))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read story: %w", err)
	}
	known := map[string]bool{}
	var entries []Entry
	for _, cmd := range found {
		for _, text := range cmd.Val() {
			e, err := unpack(text)
			if err != nil {
				return nil, fmt.Errorf("read story: %w", err)
			}
			if !known[e.ID] {
				known[e.ID] = true
				entries = append(entries, e)
			}
		}
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return a.At.Compare(b.At) })
	return events(entries), nil
}

// events finds the changes that each entry brought.
func events(entries []Entry) []Event {
	said := map[string][]Fact{} // by order: the facts that Klarna accepted last
	list := make([]Event, len(entries))
	for i, e := range entries {
		list[i].Entry = e
		if len(e.Facts) == 0 {
			continue
		}
		// The two APIs tell of different members of one order.
		about := e.OrderID + " " + api(e.Path)
		list[i].Changes = changes(said[about], e.Facts)
		if e.Status >= 200 && e.Status < 300 {
			said[about] = e.Facts
		}
	}
	return list
}

// api is the part of a path that names the API.
func api(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return name
}

// changes returns the facts that differ. For a line that came or went it is only the
// quantity.
func changes(before, after []Fact) []Change {
	was, is := values(before), values(after)
	var list []Change
	for _, f := range after {
		if old, known := was[f.Name]; old != f.Value && (known || isQuantity(f.Name) || !ofLine(f.Name)) {
			list = append(list, Change{f.Name, old, f.Value})
		}
	}
	for _, f := range before {
		if _, still := is[f.Name]; !still && isQuantity(f.Name) {
			list = append(list, Change{f.Name, f.Value, ""})
		}
	}
	return list
}

func values(facts []Fact) map[string]string {
	m := make(map[string]string, len(facts))
	for _, f := range facts {
		m[f.Name] = f.Value
	}
	return m
}

func isQuantity(name string) bool { return strings.HasPrefix(name, "quantity ") }
func ofLine(name string) bool     { return strings.Contains(name, " ") }

// Orders returns the IDs of the orders in a story, by their first entries.
func Orders(story []Event) []string {
	var ids []string
	for _, e := range story {
		if e.OrderID != "" && !slices.Contains(ids, e.OrderID) {
			ids = append(ids, e.OrderID)
		}
	}
	return ids
}

// CartOf returns the ID of the cart in a story, "" for none.
func CartOf(story []Event) string {
	id := ""
	for _, e := range story {
		id = cmp.Or(e.CartID, id)
	}
	return id
}
