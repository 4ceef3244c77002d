package api

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/v1"
)

// The examples of answers; TestAnswerExamples reads them.
const (
	orderExample = `{
  "object": "order", "id": "ord_7F3K", "number": "W-20931", "order_id": "f3392f8b-6116-4073-ab96-e330819e2c07", "klarna_reference": "K4MADNY4",
  "reference": "basket-1", "metadata": {"campaign": "spring"}, "status": "part_captured", "fraud_status": "ACCEPTED", "shippable": true, "flags": [],
  "payment_method": {"type": "INVOICE", "description": "Pay later"},
  "placed_at": "2026-11-29T12:00:00Z", "updated_at": "2026-11-30T08:00:00Z", "revision": 4, "expires_at": "2026-12-27T12:00:00Z", "erased_at": null,
  "country": "SE", "currency": "SEK", "locale": "sv-SE", "customer": {"type": "person"},
  "billing_address": {"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com", "phone": "+46700000000", "street_address": "Kungsgatan 1", "postal_code": "11143", "city": "Stockholm", "country": "se"},
  "shipping_address": {"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com", "phone": "+46700000000", "street_address": "Kungsgatan 1", "postal_code": "11143", "city": "Stockholm", "country": "se"},
  "order_amount": 507700, "order_tax_amount": 101540,
  "order_lines": [
    {"id": "1", "type": "physical", "reference": "TENT-2P", "name": "Tent for two", "quantity": 2, "captured_quantity": 1, "refunded_quantity": 0, "open_quantity": 1,
     "unit_price": 249900, "tax_rate": 2500, "total_amount": 499800, "total_discount_amount": 0, "total_tax_amount": 99960, "weight": 2100},
    {"id": "shipping_fee:parcel", "type": "shipping_fee", "reference": "parcel", "name": "Home", "quantity": 1, "captured_quantity": 0, "refunded_quantity": 0, "open_quantity": 1,
     "unit_price": 7900, "tax_rate": 2500, "total_amount": 7900, "total_discount_amount": 0, "total_tax_amount": 1580}
  ],
  "amounts": {"authorized": 507700, "captured": 249900, "refunded": 0, "remaining": 257800},
  "delivery": {"id": "parcel", "name": "Home", "price": 7900, "pickup_point": null, "carrier": "", "tms_reference": ""},
  "checkboxes": [{"id": "newsletter", "checked": false}],
  "captures": [{"id": "4ba29b50-be7b-44f5-a492-113e6a865e22", "amount": 249900, "captured_at": "2026-11-30T08:00:00Z",
    "order_lines": [{"id": "1", "quantity": 1, "total_amount": 249900, "total_tax_amount": 49980}],
    "tax": [{"tax_rate": 2500, "total_amount": 249900, "total_tax_amount": 49980}], "description": "", "reference": ""}],
  "refunds": [],
  "shipments": [{"id": "1", "order_lines": [{"id": "1", "quantity": 1}], "carrier": "PostNord", "tracking_number": "1234", "tracking_uri": "", "delivery_method": "Home", "shipped_at": "2026-11-30T08:00:00Z"}],
  "withdrawals": []
}`
	actionExample = `{
  "command": "7c9e6679-7425-50de-944b-e07fc1f90ae7",
  "order": {"id": "ord_7F3K", "number": "W-20931", "reference": "basket-1", "revision": 4, "status": "part_captured",
    "amounts": {"authorized": 507700, "captured": 249900, "refunded": 0, "remaining": 257800}},
  "capture_id": "4ba29b50-be7b-44f5-a492-113e6a865e22"
}`
	commandExample = `{
  "object": "command", "id": "7c9e6679-7425-50de-944b-e07fc1f90ae7", "action": "capture", "status": "done", "order": {"id": "ord_7F3K", "number": "W-20931"},
  "created_at": "2026-11-30T08:00:00Z", "finished_at": "2026-11-30T08:00:09Z", "capture_id": "4ba29b50-be7b-44f5-a492-113e6a865e22"
}`
	stockExample = `{"data": [{"sku": "MUG-1", "on_hand": 500, "reserved": 3, "committed": 200, "available": 297}]}`
	stateExample = `{"object": "catalog", "version": 12, "products": 840, "warnings": []}`
	eventExample = `{"data": [{"id": "evt_3KQ", "sequence": 412, "type": "order.captured", "timestamp": "2026-11-30T08:00:00Z",
  "data": {"object": "order", "id": "ord_7F3K", "number": "W-20931", "reference": "basket-1", "revision": 4}}], "next": 412}`
)

// answers are the answer 200, and those with further statuses, with an example; schema names its type.
func answers(schema, text string, further ...int) map[string]*huma.Response {
	all := map[string]*huma.Response{}
	for _, status := range append(further, http.StatusOK) {
		all[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Ref: schemasPath + schema}, Example: json.RawMessage(text)},
		}}
	}
	return all
}
