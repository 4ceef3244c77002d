package pages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// change is one change by a call: "quantity of MUG-1 3 → 5". Old or New may be "".
type change struct{ What, Old, New string }

// contents is the known content of one order or session from its calls, by top-level
// member.
type contents map[string]any

// namedChanges is how many changes a row shows.
const namedChanges = 8

// identifying are the members that identify the elements of a list.
var identifying = []string{"reference", "id", "name", "type"}

// notable are the members of an element whose changes are shown. Changes of other members
// are shown only when none of these changed.
var notable = []string{"quantity", "unit_price", "tax_rate", "total_discount_amount", "price", "name", "preselected"}

// note adds a call and returns its changes. more is how many changes were left out.
func (known contents) note(c *engine.Request) (changes []change, more int) {
	sent, answered := objectOf(c.Request), objectOf(c.Response)
	stored := c.Status/100 == 2 || c.Status == 0 && answered["order_id"] != nil
	if !stored {
		return nil, 0
	}
	write := c.Method != http.MethodGet
	for _, member := range membersOf(c.Request) {
		value := sent[member]
		if v, ok := answered[member]; ok {
			value = v
		}
		if old, ok := known[member]; write && ok {
			changes = append(changes, differences(member, old, value)...)
		} else if write {
			changes = append(changes, introduced(member, value)...)
		}
		known[member] = value
	}
	if isUpdate := engine.PathFits(checkout.OrdersPath+"/*", c.Path) || engine.PathFits("/payments/v1/sessions/*", c.Path); write && isUpdate && len(sent) > 0 && len(changes) == 0 {
		changes = []change{{What: "nothing changed"}}
	}
	maps.Copy(known, answered)
	return atMost(changes)
}

// particulars returns the simple members of an event's details.
func particulars(details json.RawMessage) (named []change, more int) {
	of := objectOf(details)
	for _, member := range membersOf(details) {
		named = append(named, introduced(member, of[member])...)
	}
	return atMost(named)
}

func atMost(changes []change) (named []change, more int) {
	if len(changes) > namedChanges {
		return changes[:namedChanges], len(changes) - namedChanges
	}
	return changes, 0
}

// introduced returns the change for a new member with a simple value.
func introduced(member string, value any) []change {
	switch v := value.(type) {
	case string, json.Number, bool:
		return []change{{What: member, New: word(v)}}
	case []any:
		name := strings.ReplaceAll(member, "_", " ")
		if len(v) == 1 {
			name = strings.TrimSuffix(name, "s")
		}
		return []change{{What: fmt.Sprintf("%d %s", len(v), name)}}
	}
	return nil
}

// differences returns the changes between two values of a member.
func differences(name string, before, after any) []change {
	if same(before, after) {
		return nil
	}
	if a, ok := before.(map[string]any); ok {
		if b, ok := after.(map[string]any); ok {
			return memberDifferences(name+".", "", a, b)
		}
	}
	a, isList := before.([]any)
	b, staysList := after.([]any)
	if isList && staysList {
		return listDifferences(name, a, b)
	}
	return []change{{What: name, Old: word(before), New: word(after)}}
}

func memberDifferences(prefix, suffix string, before, after map[string]any) []change {
	var out []change
	for _, name := range wire.SortedNames(before, after) {
		if !same(before[name], after[name]) {
			out = append(out, change{prefix + name + suffix, word(before[name]), word(after[name])})
		}
	}
	return out
}

// listDifferences compares lists of objects by their identity.
func listDifferences(name string, before, after []any) []change {
	one := strings.TrimSuffix(strings.TrimPrefix(name, "order_"), "s") // order_lines → line
	one = strings.ReplaceAll(one, "_", " ")
	a, b := byIdentity(before), byIdentity(after)
	if a == nil || b == nil {
		return []change{{What: name + " changed"}}
	}
	var out []change
	for _, e := range before {
		if id := identity(e); b[id] == nil {
			out = append(out, change{What: one + " " + cut(id, 60) + " removed"})
		}
	}
	for _, e := range after {
		id := identity(e)
		if a[id] == nil {
			out = append(out, change{What: one + " " + cut(id, 60) + " added", New: amountOf(b[id])})
			continue
		}
		all := memberDifferences("", " of "+cut(id, 60), a[id], b[id])
		some := slices.DeleteFunc(slices.Clone(all), func(c change) bool {
			member, _, _ := strings.Cut(c.What, " of ")
			return !slices.Contains(notable, member)
		})
		if len(some) == 0 {
			some = all
		}
		out = append(out, some...)
	}
	if len(out) == 0 {
		return []change{{What: name + " in another order"}}
	}
	return out
}

func amountOf(element map[string]any) string {
	if q, ok := element["quantity"]; ok {
		return "× " + word(q)
	}
	return ""
}

// byIdentity returns a list's elements by their identity, nil when some have none or the
// same.
func byIdentity(list []any) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, e := range list {
		id := identity(e)
		if id == "" || out[id] != nil {
			return nil
		}
		out[id], _ = e.(map[string]any)
	}
	return out
}

func identity(element any) string {
	object, _ := element.(map[string]any)
	for _, name := range identifying {
		if text, ok := object[name].(string); ok && text != "" {
			return text
		}
	}
	return ""
}

func same(a, b any) bool { return bytes.Equal(wire.MustJSON(a), wire.MustJSON(b)) }

// word returns a value as a row shows it.
func word(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		if v == "" {
			return `""`
		}
		return cut(v, 60)
	}
	return cut(string(wire.MustJSON(v)), 60)
}

// objectOf decodes a body, nil when it is no JSON object.
func objectOf(body []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v map[string]any
	_ = d.Decode(&v) // what is no object has no members
	return v
}

// errorText returns what an API's error says: "BAD_VALUE: Bad value: order_amount".
func errorText(c *engine.Request) string {
	if c.Status < 400 {
		return ""
	}
	body := objectOf(c.Response)
	text, _ := body["error_code"].(string)
	messages, _ := body["error_messages"].([]any)
	for _, m := range messages {
		if message, ok := m.(string); ok {
			text += ": " + message
		}
	}
	return cut(strings.TrimPrefix(text, ": "), 300)
}
