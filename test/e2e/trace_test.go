package e2e_test

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/tracetest"
)

// One trace shows what a shopper's change led to: the request of the browser, its
// commands to Redis, its call to Klarna, and the calls that Klarna then made to us.
func TestTrace(t *testing.T) {
	t.Parallel()
	collector := tracetest.Start(t)
	d := deploy(t, 0, fakeklarna.Options{PushDelay: 10 * time.Millisecond})
	d.env = map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_BSP_SCHEDULE_DELAY": "50"}
	_, port, _ := strings.Cut(strings.TrimPrefix(d.url, "http://"), ":")
	d.shops = append(d.shops, d.start("127.0.0.1:"+port))
	shop := d.shops[0]

	c := d.buyer()
	id := c.open(shop)
	const change = `{"lines":[{"sku":"JAM-1","quantity":3}],"order_id":"`
	if got := c.send(shop, "POST", "/checkout/update", change+id+`"}`, "application/json"); got.status != http.StatusOK {
		t.Fatalf("update: %+v", got)
	}
	typed := map[string]string{"email": "ada@example.com", "given_name": "Ada", "family_name": "Lovelace", "street_address": "Storgatan 1", "postal_code": "111 47", "city": "Ankeborg"}
	for _, act := range []fakeklarna.Action{{Type: typed}, {ShippingOption: "express"}, {Buy: &fakeklarna.Buy{}}} {
		if out, err := d.fake.Shopper(id, act); err != nil || out.Refused != nil {
			t.Fatalf("%+v: %+v, %v", act, out, err)
		}
	}
	const push, confirmation = "POST /klarna/{token}/push", "GET /checkout/confirmation"
	collector.Await(push)
	if got := c.send(shop, "GET", "/checkout/confirmation?order_id="+id, "", ""); got.status != http.StatusOK {
		t.Fatalf("confirmation: %+v", got)
	}
	spans := collector.Await(confirmation)

	// find returns a span that went well, if there is one: on a busy machine Klarna may have to call again.
	find := func(name, parent string) tracetest.Span {
		t.Helper()
		named := slices.DeleteFunc(tracetest.Named(spans, name), func(s tracetest.Span) bool { return s.Parent != parent })
		if len(named) == 0 {
			t.Fatalf("no span %q in %q:\n%s", name, hex.EncodeToString([]byte(parent)), collector.Text())
		}
		return named[max(0, slices.IndexFunc(named, func(s tracetest.Span) bool { return !s.Failed }))]
	}
	update := find("POST /checkout/update", "")
	for _, tt := range []struct {
		name, kind string
		within     []string // spans
	}{
		{"klarna update kco order", "CLIENT", nil},
		{"session lock", "INTERNAL", nil},
		{"evalsha", "CLIENT", nil},
		{"POST /klarna/{token}/address_update", "SERVER", []string{"hmget"}},
		{"POST /klarna/{token}/shipping_option_update", "SERVER", []string{"hmget"}},
		{"POST /klarna/{token}/validation", "SERVER", []string{"hmget"}},
		{push, "SERVER", []string{"klarna read order", "klarna acknowledge order", "sql transaction"}},
	} {
		span := find(tt.name, update.ID)
		if span.Trace != update.Trace || span.Kind != tt.kind || span.Failed {
			t.Errorf("%s: the same trace: %v, kind %s, failed %v", tt.name, span.Trace == update.Trace, span.Kind, span.Failed)
		}
		for _, name := range tt.within {
			if !slices.ContainsFunc(tracetest.Named(spans, name), func(inner tracetest.Span) bool {
				return inner.Trace == update.Trace && slices.ContainsFunc(tracetest.Named(spans, tt.name), func(outer tracetest.Span) bool {
					return outer.ID == inner.Parent && !inner.Start.Before(outer.Start)
				})
			}) {
				t.Errorf("no %s in %s", name, tt.name)
			}
		}
	}
	call := find("klarna update kco order", update.ID).Attributes
	if call["http.response.status_code"] != "200" || call["klarna.try"] != "1" || call["klarna.correlation_id"] == "" || call["shopd.order_id"] != id {
		t.Errorf("the call has %v", call)
	}
	if got := update.Attributes; got["shopd.order_id"] != id || got["shopd.cart_revision"] != "2" || got["http.route"] != "/checkout/update" {
		t.Errorf("the update has %v", got)
	}
	if first := find("GET /checkout", ""); first.Trace == update.Trace {
		t.Error("two requests of the browser are one trace")
	}
	if got := find(confirmation, ""); len(got.Links) != 1 || got.Links[0] != update.Trace {
		t.Errorf("the confirmation's links = %x", got.Links)
	}

	for _, line := range []string{`"route":"/checkout/update"`, `"route":"/klarna/{token}/push"`} {
		for record := range strings.Lines(shop.logged()) {
			if strings.Contains(record, line) && !strings.Contains(record, `"trace_id":"`+hex.EncodeToString([]byte(update.Trace))) {
				t.Errorf("the log does not name the trace: %s", record)
			}
		}
	}
	order, _ := d.fake.Order(id)
	_, token, _ := strings.Cut(c.cookie, "=")
	hidden := append(d.forbidden(), token, order.MerchantData, order.HTMLSnippet, "ada@", "111 47", "Ada", "127.0.0.1:"+port, "order_id=", "Go-http-client")
	for _, text := range hidden {
		if strings.Contains(collector.Text(), text) {
			t.Errorf("the traces have %q", text)
		}
	}
}
