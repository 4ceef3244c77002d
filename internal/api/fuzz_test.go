package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/api"
)

// Whatever stands in the place of any member of an action, of a change of the stock or of a
// search is answered with 2xx or a 4xx that does not repeat it, and so is any query.
func TestBadActions(t *testing.T) {
	w := keyed(t)
	c := as(w, "all")
	o := w.Placed()
	ask[api.ActionResult](c, 200, "POST", "/orders/"+o.ID+"/captures", `{"amount": 100}`, "Idempotency-Key", "first")
	lines := `"order_lines": [{"id": "physical:JAM-1", "quantity": 1}]`
	n := 0
	for path, whole := range map[string]string{
		"/orders/" + o.ID + "/captures": `{` + lines + `, "description": "d", "reference": "r",
			"shipments": [{` + lines + `, "carrier": "c", "tracking_number": "1", "tracking_uri": "https://example.com/", "delivery_method": "Home"}]}`,
		"/orders/" + o.ID + "/refunds":   `{"amount": 100000000, "description": "d", "reference": "r", "restock": true}`,
		"/orders/" + o.ID + "/shipments": `{` + lines + `, "carrier": "c", "tracking_number": "1", "tracking_uri": "https://example.com/", "delivery_method": "Home", "capture_id": "x"}`,
		"/orders/search":                 `{"text": "jam"}`,
		"/stock":                         `{"items": [{"sku": "PIN-1", "delta": 1}, {"sku": "MUG-1", "on_hand": 500}], "reason": "r"}`,
	} {
		var value any
		if err := json.Unmarshal([]byte(whole), &value); err != nil {
			t.Fatal(err)
		}
		each(value, func(put func(any) any) {
			for _, text := range []string{
				`null`, `-1`, `9007199254740993`, `0.5`, `"hunter2"`, `"hunter2\u0000"`, `[null]`, `{"hunter": "hunter2"}`, `"` + strings.Repeat("hunter2", 400) + `"`, `"https://hunter2:x@y/"`,
			} {
				body, err := json.Marshal(put(json.RawMessage(text)))
				if err != nil {
					t.Fatal(err)
				}
				n++
				got := c.raw(http.MethodPost, path, string(body), "Idempotency-Key", fmt.Sprint("n", n))
				if got.StatusCode >= 500 || got.StatusCode >= 400 && strings.Contains(got.Text, "hunter2") {
					t.Errorf("%s %s: %d %s", path, body, got.StatusCode, got.Text)
				}
			}
		})
	}
	for _, query := range []string{"%00", "%ff", "hunter2'", "-1", "99999999999999999999", "[]", "p0000000000000:hunter2", "hunter2xx12345678-1234-1234-1234-123456789012", "n0000000000000:" + strings.Repeat("a", 90)} {
		for _, path := range []string{
			"/orders?after=", "/orders?status=", "/orders?country=", "/orders?sku=", "/orders?reference=", "/orders?placed_after=", "/orders?limit=",
			"/events?after=", "/events?type=", "/stock?sku=", "/orders/", "/commands/", "/catalog?dry_run=",
		} {
			if got := c.raw(http.MethodGet, path+query, ""); got.StatusCode >= 500 || got.StatusCode >= 400 && strings.Contains(got.Text, "hunter2") {
				t.Errorf("%s%s: %d %s", path, query, got.StatusCode, got.Text)
			}
		}
	}
	if n < 250 {
		t.Errorf("only %d tried", n)
	}
}

// Every call of the document has an example of its body and of its answer, which the types read.
func TestAnswerExamples(t *testing.T) {
	w := keyed(t)
	type content struct {
		Content map[string]struct {
			Example any
			Schema  struct {
				Ref string `json:"$ref"`
			}
		}
	}
	document := ask[struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			RequestBody *content
			Responses   map[string]content
		}
		Components struct{ Schemas map[string]any }
	}](as(w, "all"), 200, "GET", "/openapi.json", "")
	types := map[string]func() any{
		"OrderList": func() any { return new(api.OrderList) }, "Order": func() any { return new(api.Order) }, "ActionResult": func() any { return new(api.ActionResult) },
		"Command": func() any { return new(api.Command) }, "StockList": func() any { return new(api.StockList) }, "CatalogState": func() any { return new(api.CatalogState) },
	}
	for path, methods := range document.Paths {
		for method, op := range methods {
			if op.RequestBody != nil && op.RequestBody.Content["application/json"].Example == nil && op.RequestBody.Content["application/yaml"].Example == nil {
				t.Errorf("%s %s: its body has no example", method, path)
			}
			for status, answer := range op.Responses {
				for kind, c := range answer.Content {
					schema := c.Schema.Ref[strings.LastIndex(c.Schema.Ref, "/")+1:]
					if kind != "application/json" || status[0] != '2' || schema == "" {
						continue
					}
					if document.Components.Schemas[schema] == nil {
						t.Errorf("%s %s: there is no schema %s", method, path, schema)
					}
					text, err := json.Marshal(c.Example)
					if c.Example == nil || err != nil {
						t.Errorf("%s %s: its answer %s has no example", method, path, status)
						continue
					}
					if types[schema] == nil {
						continue
					}
					into := types[schema]()
					d := json.NewDecoder(strings.NewReader(string(text)))
					d.DisallowUnknownFields()
					if err := d.Decode(into); err != nil {
						t.Errorf("%s %s: %v", method, path, err)
						continue
					}
					var want, is map[string]any
					again, _ := json.Marshal(into)
					if err := json.Unmarshal(text, &want); err != nil {
						t.Fatal(err)
					}
					if err := json.Unmarshal(again, &is); err != nil || diffOf(want, is) != "" {
						t.Errorf("%s %s: %v %s", method, path, err, diffOf(want, is))
					}
				}
			}
		}
	}
}
