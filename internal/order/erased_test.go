package order

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/ordermanagement"
)

// stays are the texts of an order that an erased one still has, by their place; a place that
// is new has to be looked at: does it name anybody?
var stays = append([]string{
	"ID", "Number", "Key", "OrderID", "CartID", "Origin", "Reference", "PurchaseCountry", "PurchaseCurrency", "Locale",
	"BillingAddress.Country", "ShippingAddress.Country", "PaymentMethod.Type", "PaymentMethod.Description", "KlarnaReference",
	"Delivery.ID", "Delivery.Name", "Delivery.Type", "Delivery.Method", "Delivery.Class", "Delivery.Carrier", "Delivery.Product.Identifier", "Delivery.Product.Name",
	"Status", "FraudStatus", "Flags",
	"Captures.CaptureID", "Captures.KlarnaReference", "Captures.ShippingInfo.ShippingMethod", "Refunds.RefundID", "ShippingInfo.ShippingMethod",
	"OwnLineIDs", "Shipments.ID", "Shipments.OrderLines.ID", "Shipments.DeliveryMethod", "Shipments.CaptureID", "Shipments.Told.ShippingMethod",
	"Restocked.RefundID", "Restocked.Goods.SKU", "Withdrawals.ID", "Withdrawals.Lines.ID", "Withdrawals.Lines.Name", "Terms.Campaigns.ID", "Terms.Campaigns.Reference", "Terms.Campaigns.Name", "Terms.Campaigns.Rule.SKUs", "Terms.Vouchers",
}, linesStay("OrderLines.", "Captures.OrderLines.", "Refunds.OrderLines.")...)

// linesStay are the places of what stays of the lines of an order.
func linesStay(lists ...string) (places []string) {
	for _, list := range lists {
		for _, text := range []string{
			"Type", "Reference", "Name", "QuantityUnit", "ProductURL", "ImageURL", "Told.ProductIdentifiers.Brand", "Told.ProductIdentifiers.CategoryPath",
			"Told.ProductIdentifiers.GlobalTradeItemNumber", "Told.ProductIdentifiers.ManufacturerPartNumber",
		} {
			places = append(places, list+text)
		}
	}
	return places
}

// An order of which every text and number is there is erased: only what is listed stays, and
// no number, time or yes is lost.
func TestBare(t *testing.T) {
	var o Order
	fill(reflect.ValueOf(&o).Elem(), "")
	o.Running = nil
	bare := o.bare()
	left := texts(reflect.ValueOf(bare), "")
	slices.Sort(left)
	left = slices.Compact(left)
	for _, place := range left {
		if !slices.Contains(stays, place) {
			t.Errorf("an erased order still has %s: does it name anybody?", place)
		}
	}
	for _, place := range stays {
		if !slices.Contains(left, place) {
			t.Errorf("an erased order has lost %s", place)
		}
	}
	// Everything else is the same.
	was, is := reflect.ValueOf(o), reflect.ValueOf(bare)
	for i := range was.NumField() {
		f := was.Type().Field(i)
		switch f.Type.Kind() {
		case reflect.Int64, reflect.Int, reflect.Bool:
			if !reflect.DeepEqual(was.Field(i).Interface(), is.Field(i).Interface()) {
				t.Errorf("%s is lost", f.Name)
			}
		default:
			if f.Type == reflect.TypeFor[time.Time]() && !reflect.DeepEqual(was.Field(i).Interface(), is.Field(i).Interface()) {
				t.Errorf("%s is lost", f.Name)
			}
		}
	}
	if diff := cmp.Diff(bare, bare.bare()); diff != "" {
		t.Errorf("bare again: %s", diff)
	}
	// What Klarna says of it has no more.
	var sold ordermanagement.Order
	fill(reflect.ValueOf(&sold).Elem(), "")
	for _, place := range texts(reflect.ValueOf(o.bareSale(sold)), "") {
		if strings.HasSuffix(place, ".MerchantData") {
			t.Errorf("Klarna's order still has %s", place)
		}
	}
}

// fill gives every member a value; texts are their own place.
func fill(v reflect.Value, place string) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
		return
	case v.Kind() == reflect.String:
		v.SetString("personal " + place)
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(7)
	case v.CanUint():
		v.SetUint(7)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), place)
	case v.Kind() == reflect.Slice && v.Type() == reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(`"personal"`))
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), place)
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(v.Field(i), strings.TrimPrefix(place+"."+f.Name, "."))
			}
		}
	default:
		panic(fmt.Sprint("no value for ", v.Type()))
	}
}

// texts are the places of the texts that are there.
func texts(v reflect.Value, place string) (places []string) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Kind() == reflect.String && v.String() != "":
		return []string{place}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return texts(v.Elem(), place)
	case v.Kind() == reflect.Slice && v.Type() == reflect.TypeFor[json.RawMessage]() && v.Len() > 0:
		return []string{place}
	case v.Kind() == reflect.Slice && v.Type() != reflect.TypeFor[json.RawMessage]():
		for i := range v.Len() {
			places = append(places, texts(v.Index(i), place)...)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				places = append(places, texts(v.Field(i), strings.TrimPrefix(place+"."+f.Name, "."))...)
			}
		}
	}
	return places
}

// The audit keeps what happened, without Klarna's sentences and what staff have typed.
func TestBareEntry(t *testing.T) {
	e := AuditEntry{
		Event: "refund", Messages: []string{"Storgatan 1 is not known"}, Code: "C", Amount: 7,
		Changes: []Change{{Field: "merchant_reference1", After: "Lovelace"}, {Field: "captured_amount", Before: "0", After: "7"}, {Field: "merchant_reference2", After: "Lovelace"}},
	}
	want := AuditEntry{Event: "refund", Code: "C", Amount: 7, Changes: []Change{{Field: "captured_amount", Before: "0", After: "7"}}}
	if diff := cmp.Diff(want, e.bare()); diff != "" {
		t.Error(diff)
	}
}
