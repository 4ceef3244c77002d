package story

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json/v1"
	"github.com/klauspost/compress/flate" // whose writer is begun again without emptying half a megabyte
)

// dictionary is what entries have in common: the packer knows it beforehand, so that an entry takes
// a fifth of its JSON.
const dictionary = `"correlation_id":""result":"cart_changed","kind":"callback","operation":"validation","address_update"` +
	`"method":"GET","path":"/klarna/{token}/validation","/ordermanagement/v1/orders/{order_id}/acknowledge"` +
	`{"n":"campaign_"},{"n":"status","v":"checkout_complete"},{"n":"merchant_reference1"},{"n":"selected_shipping_option","v":"` +
	`{"n":"tax SHIPPING","v":"{"n":"discount ` +
	`"operation":"create kco order","operation":"read kco order","operation":"update kco order","method":"POST","path":"/checkout/v3/orders/{order_id}","status":200,"duration":,"try":1,` +
	`"facts":[{"n":"status","v":"checkout_incomplete"},{"n":"purchase_country","v":"se"},{"n":"purchase_currency","v":"SEK"},{"n":"locale","v":"sv-SE"},` +
	`{"n":"order_amount","v":"},{"n":"order_tax_amount","v":"},{"n":"quantity ","v":"1"},{"n":"unit_price ","v":"},{"n":"total ","v":"},{"n":"tax_rate ","v":"2500"},{"n":"tax ","v":"` +
	`"{"id":"","at":"2026-","kind":"call","cart_id":"","order_id":"`

var packers = sync.Pool{New: func() any {
	w, _ := flate.NewWriterDict(nil, flate.BestSpeed, []byte(dictionary)) // the level is one that there is
	return w
}}

// pack is an entry as it is stored.
func pack(e Entry) ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("entry: %w", err)
	}
	var b bytes.Buffer
	w, _ := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(&b)
	if _, err := w.Write(text); err != nil {
		return nil, fmt.Errorf("pack entry: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack entry: %w", err)
	}
	return b.Bytes(), nil
}

// maxEntry bounds what is unpacked.
const maxEntry = 1 << 20

// unpack reads an entry. Older versions stored it as JSON. What is packed begins with an even byte: its first
// block is never its last.
func unpack(stored string) (e Entry, err error) {
	text := []byte(stored)
	if len(text) == 0 || text[0] != '{' {
		if text, err = io.ReadAll(io.LimitReader(flate.NewReaderDict(bytes.NewReader(text), []byte(dictionary)), maxEntry)); err != nil {
			return e, fmt.Errorf("unpack entry: %w", err)
		}
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return e, fmt.Errorf("entry: %w", err)
	}
	return e, nil
}
