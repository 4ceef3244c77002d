package klarna

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Differences returns the names of the members in which got differs from want. Both are
// structs of the same type, which we send to Klarna. A missing member counts as its
// default. Countries, currencies and colours are compared without case. sameURL compares
// merchant URLs, because Klarna may fill in an ID. A list is named once when its length differs,
// and by each index that differs; a line in which only what is [Told] differs by the first
// such member: "order_lines[0].shipping_attributes.weight".
func Differences(want, got any, sameURL func(want, got string) bool) []string {
	d := differences{sameURL: sameURL}
	d.members("", reflect.ValueOf(want), reflect.ValueOf(got))
	return d.names
}

type differences struct {
	sameURL func(want, got string) bool
	names   []string
	told    []string // members of a Told
}

// members compares two objects of one type.
func (d *differences) members(prefix string, want, got reflect.Value) {
	for i, name := range memberNames(want.Type()) {
		if want.Field(i).Type() == reflect.TypeFor[Told]() {
			told := differences{sameURL: d.sameURL}
			told.members(prefix, want.Field(i), got.Field(i))
			d.told = told.names
			continue
		}
		d.value(prefix, name, want.Field(i), got.Field(i))
	}
}

// memberNames returns the JSON names of a struct's fields.
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

// value compares the member prefix+name. It joins the two only for a difference, which
// is rare.
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
			entry.value(prefix, name, want.Index(i), got.Index(i))
			differs := fmt.Sprintf("%s%s[%d]", prefix, name, i)
			switch {
			case len(entry.names) > 0:
				d.names = append(d.names, differs)
			case len(entry.told) > 0:
				d.names = append(d.names, differs+strings.TrimPrefix(entry.told[0], prefix+name))
			}
		}
	default:
		equal := want.Comparable() && want.Equal(got)
		if !equal && !d.same(prefix+name, want, got) {
			d.names = append(d.names, prefix+name)
		}
	}
}

// same compares two unequal values without members: some still count as the same.
func (d *differences) same(name string, want, got reflect.Value) bool {
	switch {
	case name == "options.additional_checkboxes.checked": // the shopper's answer
		return true
	case want.Kind() != reflect.String:
		return reflect.DeepEqual(want.Interface(), got.Interface())
	case strings.HasPrefix(name, "merchant_urls."):
		return d.sameURL(want.String(), got.String())
	case name == "purchase_country", name == "purchase_currency", strings.HasSuffix(name, "_countries"), strings.HasSuffix(name, ".address.country"), strings.HasPrefix(name, "options.color_"):
		return strings.EqualFold(got.String(), want.String())
	}
	return false
}

// OfSale returns the differences that change what is bought and for how much: country,
// currency, lines and amounts.
func OfSale(differences []string) []string {
	var sale []string
	for _, name := range differences {
		if strings.Contains(name, "].") { // of a line, what nobody pays by
			continue
		}
		switch member, _, _ := strings.Cut(name, "["); member {
		case "purchase_country", "purchase_currency", "order_amount", "order_tax_amount", "order_lines":
			sale = append(sale, name)
		}
	}
	return sale
}
