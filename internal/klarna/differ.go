package klarna

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Differences names the members in which got does not say what want says; none
// means that they agree. Both are structs of one type, of what we send to
// Klarna: a missing member counts as its default. Countries and currencies have
// no case. sameURL decides about the merchant URLs, in which Klarna may have
// filled in an ID. A list is named once for its length, and by each place in
// which it differs.
func Differences(want, got any, sameURL func(want, got string) bool) []string {
	d := differences{sameURL: sameURL}
	d.members("", reflect.ValueOf(want), reflect.ValueOf(got))
	return d.names
}

type differences struct {
	sameURL func(want, got string) bool
	names   []string
}

// members compares two objects of one type.
func (d *differences) members(prefix string, want, got reflect.Value) {
	for i, name := range memberNames(want.Type()) {
		d.value(prefix, name, want.Field(i), got.Field(i))
	}
}

// memberNames are the names that the fields of a struct have in JSON.
func memberNames(t reflect.Type) []string {
	if names, known := namesOf.Load(t); known {
		return names.([]string)
	}
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	namesOf.Store(t, names)
	return names
}

var namesOf sync.Map // reflect.Type → []string

// value compares the member prefix+name: most are the same, so its whole name
// is made only where they are not.
func (d *differences) value(prefix, name string, want, got reflect.Value) {
	switch want.Kind() {
	case reflect.Struct:
		if name != "" { // else its members are those of the struct around it
			prefix += name + "."
		}
		d.members(prefix, want, got)
	case reflect.Slice:
		if want.Len() != got.Len() {
			d.names = append(d.names, prefix+name)
		}
		for i := range min(want.Len(), got.Len()) {
			entry := differences{sameURL: d.sameURL}
			if entry.value(prefix, name, want.Index(i), got.Index(i)); len(entry.names) > 0 {
				d.names = append(d.names, fmt.Sprintf("%s%s[%d]", prefix, name, i))
			}
		}
	default:
		equal := want.Comparable() && want.Equal(got)
		if !equal && !d.same(prefix+name, want, got) {
			d.names = append(d.names, prefix+name)
		}
	}
}

// same compares what has no members and is not equal.
func (d *differences) same(name string, want, got reflect.Value) bool {
	switch {
	case want.Kind() != reflect.String:
		return reflect.DeepEqual(want.Interface(), got.Interface())
	case strings.HasPrefix(name, "merchant_urls."):
		return d.sameURL(want.String(), got.String())
	case name == "purchase_country", name == "purchase_currency", strings.HasSuffix(name, "_countries"):
		return strings.EqualFold(got.String(), want.String())
	}
	return false
}

// OfSale keeps, of differences, those that decide what is bought and for how
// much: country, currency, lines and amounts.
func OfSale(differences []string) []string {
	var sale []string
	for _, name := range differences {
		switch member, _, _ := strings.Cut(name, "["); member {
		case "purchase_country", "purchase_currency", "order_amount", "order_tax_amount", "order_lines":
			sale = append(sale, name)
		}
	}
	return sale
}
