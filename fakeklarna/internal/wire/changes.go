package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ChangesOf describes the differences: quantities by the line's reference, short values as
// before → after, and other members only by name.
func ChangesOf(before, after map[string]json.RawMessage) []string {
	var changes []string
	if !bytes.Equal(before["order_lines"], after["order_lines"]) {
		changes = LineChanges(Quantities(before["order_lines"]), Quantities(after["order_lines"]))
	}
	for _, name := range SortedNames(before, after) {
		was, is := before[name], after[name]
		switch {
		case name == "order_lines" || bytes.Equal(was, is):
		case max(len(was), len(is)) > 20 || bytes.ContainsAny(slices.Concat(was, is), "{["):
			changes = append(changes, name+" changed")
		default:
			changes = append(changes, fmt.Sprintf("%s %s → %s", name, shown(was), shown(is)))
		}
	}
	return changes
}

// LineChanges describes the differences between quantities by reference.
func LineChanges(was, is map[string]int64) []string {
	var changes []string
	for _, name := range SortedNames(was, is) {
		if was[name] != is[name] {
			changes = append(changes, fmt.Sprintf("quantity of %s %d → %d", name, was[name], is[name]))
		}
	}
	return changes
}

// Quantities returns how many there are of each line, by reference or name.
func Quantities(raw json.RawMessage) map[string]int64 {
	var lines []OrderLine
	_ = json.Unmarshal(raw, &lines) // was checked
	counted := map[string]int64{}
	for i := range lines {
		counted[cmp.Or(lines[i].Reference, lines[i].Name)] += lines[i].Quantity
	}
	return counted
}

func shown(raw json.RawMessage) string {
	if raw == nil {
		return "none"
	}
	return strings.Trim(string(raw), `"`)
}

// SortedNames returns the names that are in either.
func SortedNames[V any](a, b map[string]V) []string {
	all := map[string]V{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
