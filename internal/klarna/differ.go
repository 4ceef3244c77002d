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
	d.members(nil, reflect.ValueOf(want), reflect.ValueOf(got))
	return d.names
}

type differences struct {
	sameURL func(want, got string) bool
	names   []string
	told    string // the first member of a Told that differs; "": none
}

// path is where a member is. It is joined for a difference only, which is rare.
type path struct {
	in   *path // nil: what is compared
	name string
}

func (p *path) member(name string) string {
	for ; p != nil; p = p.in {
		name = p.name + "." + name
	}
	return name
}

// members compares two objects of one type.
func (d *differences) members(at *path, want, got reflect.Value) {
	for i, name := range memberNames(want.Type()) {
		before := len(d.names)
		d.value(at, name, want.Field(i), got.Field(i))
		if want.Field(i).Type() == reflect.TypeFor[Told]() && len(d.names) > before {
			d.told, d.names = d.names[before], d.names[:before]
		}
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

// value compares a member.
func (d *differences) value(at *path, name string, want, got reflect.Value) {
	switch want.Kind() {
	case reflect.Struct:
		if name != "" { // else its members are those of the struct around it
			at = &path{in: at, name: name}
		}
		d.members(at, want, got)
	case reflect.Slice:
		if want.Len() != got.Len() {
			d.names = append(d.names, at.member(name))
		}
		for i := range min(want.Len(), got.Len()) {
			d.entry(at, name, i, want.Index(i), got.Index(i))
		}
	default:
		equal := want.Comparable() && want.Equal(got)
		if !equal && !d.same(at.member(name), want, got) {
			d.names = append(d.names, at.member(name))
		}
	}
}

// entry compares entry i of a list.
func (d *differences) entry(at *path, name string, i int, want, got reflect.Value) {
	before, told := len(d.names), d.told
	d.told = ""
	d.value(at, name, want, got)
	if len(d.names) > before {
		d.names = append(d.names[:before], fmt.Sprintf("%s[%d]", at.member(name), i))
	} else if d.told != "" {
		list := at.member(name)
		d.names = append(d.names, fmt.Sprintf("%s[%d]%s", list, i, strings.TrimPrefix(d.told, list)))
	}
	d.told = told
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
