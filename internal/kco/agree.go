package kco

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/shopd/shopd/internal/klarna"
)

// Differences names the members in which an order does not say what is
// wanted; none means that they agree. Only what we send is compared, member by
// member, a missing one counting as Klarna's default. Countries and currencies
// have no case, and Klarna may echo URLs with the order's ID filled in. A list
// is named once for its length, and by each place in which it differs.
func Differences(want Content, got Order) []string {
	d := differences{orderID: got.OrderID}
	d.members("", reflect.ValueOf(want), reflect.ValueOf(got.Content))
	return d.names
}

// LineDifferences names the members in which a line does not say what is wanted.
func LineDifferences(want, got klarna.OrderLine) []string {
	var d differences
	d.members("", reflect.ValueOf(want), reflect.ValueOf(got))
	return d.names
}

type differences struct {
	orderID string
	names   []string
}

// members compares two objects of one type.
func (d *differences) members(prefix string, want, got reflect.Value) {
	for i := range want.NumField() {
		name, _, _ := strings.Cut(want.Type().Field(i).Tag.Get("json"), ",")
		d.value(prefix+name, want.Field(i), got.Field(i))
	}
}

func (d *differences) value(name string, want, got reflect.Value) {
	switch want.Kind() {
	case reflect.Struct:
		d.members(name+".", want, got)
	case reflect.Slice:
		if want.Len() != got.Len() {
			d.names = append(d.names, name)
		}
		for i := range min(want.Len(), got.Len()) {
			entry := differences{orderID: d.orderID}
			if entry.value(name, want.Index(i), got.Index(i)); len(entry.names) > 0 {
				d.names = append(d.names, fmt.Sprintf("%s[%d]", name, i))
			}
		}
	default:
		if !d.same(name, want, got) {
			d.names = append(d.names, name)
		}
	}
}

// same compares what has no members.
func (d *differences) same(name string, want, got reflect.Value) bool {
	switch {
	case want.Kind() != reflect.String:
		return reflect.DeepEqual(want.Interface(), got.Interface())
	case strings.HasPrefix(name, "merchant_urls."):
		return filled(got.String(), d.orderID) == filled(want.String(), d.orderID)
	case name == "purchase_country", name == "purchase_currency", strings.HasSuffix(name, "_countries"):
		return strings.EqualFold(got.String(), want.String())
	}
	return got.String() == want.String()
}

// filled replaces the placeholder, raw or percent-encoded, by the order's ID.
func filled(u, orderID string) string {
	return strings.NewReplacer(
		placeholder, orderID,
		url.QueryEscape(placeholder), orderID,
		strings.ToLower(url.QueryEscape(placeholder)), orderID,
	).Replace(u)
}
