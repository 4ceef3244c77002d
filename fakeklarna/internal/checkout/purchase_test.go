package checkout_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// What the merchant is sent, byte by byte for the members that count.
func TestCallbackBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "shipping_options", faketest.Options, "merchant_data", "cart-7", "merchant_reference2", "R2", "tags", []string{"bulky"},
			"options.additional_checkbox", map[string]any{"text": "a", "checked": true, "required": false}),
			"address_update", "country_change", "shipping_option_update", "validation", "push")
		for _, kind := range []string{"address_update", "shipping_option_update"} {
			c.Will(kind, faketest.Says{Status: 200, Body: faketest.Service()})
		}
		var read string
		c.Will("validation", faketest.Says{Status: 200, During: func() {
			read = string(c.Do("GET", "/checkout/v3/orders/"+c.ID, "").Body)
		}})
		c.Act(`{"type":{"email":"a@b.example"}}`)
		c.Act(`{"shipping_option":"post"}`)
		c.Act(faketest.Buys)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		c.Fake.Close()

		got := c.Received()
		if kinds := c.Kinds(); kinds != "address_update shipping_option_update address_update validation push" {
			t.Fatalf("got %s", kinds)
		}
		for _, r := range got {
			if want := "https://shop.example/kco/" + r.Kind + "?kco=" + c.ID; r.URL != want {
				t.Errorf("%s: got URL %s, want %s", r.Kind, r.URL, want)
			}
			if r.Kind != "push" && r.ContentType != "application/json" || r.Kind == "push" && r.ContentType+r.Body != "" {
				t.Errorf("%s: got content type %q, body %q", r.Kind, r.ContentType, r.Body)
			}
		}
		a := faketest.CaseA()
		want := faketest.Decode(faketest.Text(map[string]any{
			"order_amount": 44700, "order_tax_amount": 8940, "order_lines": a["order_lines"], "purchase_currency": "SEK", "locale": "sv-SE",
			"billing_address": map[string]any{"email": "a@b.example", "country": "se"}, "shipping_address": map[string]any{"email": "a@b.example", "country": "se"},
			"customer": map[string]any{}, "selected_shipping_option": faketest.Options[1], "merchant_data": "cart-7",
			"merchant_reference1": "100123", "merchant_reference2": "R2", "tags": []string{"bulky"},
		}))
		want["order_lines"].([]any)[1].(map[string]any)["total_discount_amount"] = json.Number("0")
		if diff := cmp.Diff(want, faketest.Decode(got[0].Body)); diff != "" {
			t.Errorf("address_update (-want +got):\n%s", diff)
		}
		if option := faketest.Decode(got[1].Body)["selected_shipping_option"].(map[string]any); option["id"] != "post" {
			t.Errorf("shipping_option_update: got %v", option)
		}
		sent, readBack := faketest.Decode(got[3].Body), faketest.Decode(read)
		if diff := cmp.Diff(map[string]any{"additional_checkbox": true}, sent["merchant_requested"]); diff != "" {
			t.Errorf("validation: merchant_requested (-want +got):\n%s", diff)
		}
		delete(sent, "merchant_requested")
		if diff := cmp.Diff(readBack, sent); diff != "" {
			t.Errorf("validation is not the order as it is read (-read +sent):\n%s", diff)
		}
	})
}

// A 200 changes what it may change, and nothing else.
func TestAnswerIsTaken(t *testing.T) {
	c := faketest.NewCalled(t, faketest.CaseA(), "address_update")
	c.Will("address_update", faketest.Says{Status: 200, Body: faketest.Service("purchase_currency", "EUR", "locale", "de-DE", "merchant_data", "new", "tags", []string{"bulky"},
		"shipping_options", faketest.Options, "external_payment_methods", []any{map[string]any{"name": "P", "redirect_url": "https://p.example/"}},
		"attachment", map[string]any{"content_type": "x", "body": "y"}, "purchase_country", "DE", "merchant_reference1", "x", "billing_address", map[string]any{"city": "X"})})
	if out := c.Act(`{"country":"AT","type":{"city":"Wien"}}`); out.Refused != nil || out.Total != 44700+9900 {
		t.Errorf("got %+v", out)
	}
	o := c.Order()
	if o.PurchaseCurrency != "EUR" || o.Locale != "de-DE" || o.MerchantData != "new" || len(o.Tags) != 1 || len(o.ShippingOptions) != 2 || len(o.ExternalPaymentMethods) != 1 || o.Attachment == nil {
		t.Errorf("not taken: %+v", o)
	}
	if o.PurchaseCountry != "at" || o.MerchantReference1 != "100123" || o.BillingAddress.City != "Wien" {
		t.Errorf("taken: %+v", o)
	}
	c.Will("address_update", faketest.Says{Status: 200, Body: faketest.Service("shipping_options", []any{})})
	if out := c.Act(`{"type":{"city":"Graz"}}`); len(out.ShippingOptions) != 0 {
		t.Errorf("the options are still there: %+v", out)
	}
}

// While the merchant is asked, an update waits, a read and an abort do not.
func TestOrderIsLocked(t *testing.T) {
	rows := []struct {
		name, urls, action string
		says               faketest.Says
		during             func(c *faketest.Called) faketest.Answer
		status             int
		waits              time.Duration
		refused, after     string
	}{
		{"update during an address callback", "address_update", `{"type":{"city":"Kiruna"}}`, faketest.Says{Status: 200, Body: faketest.Service(faketest.OneMug()...), After: 4 * time.Second},
			func(c *faketest.Called) faketest.Answer {
				return c.Do("POST", "/checkout/v3/orders/"+c.ID, `{"locale":"en-SE"}`)
			}, 200, 4 * time.Second, "", "checkout_incomplete"},
		{"update during validation", "validation", faketest.Buys, faketest.Says{Status: 200, After: 2 * time.Second},
			func(c *faketest.Called) faketest.Answer { return c.Do("POST", "/checkout/v3/orders/"+c.ID, `{}`) }, 403, 2 * time.Second, "", "checkout_complete"},
		{"update during a validation that refuses", "validation", faketest.Buys, faketest.Says{Status: 400, After: 2 * time.Second},
			func(c *faketest.Called) faketest.Answer { return c.Do("POST", "/checkout/v3/orders/"+c.ID, `{}`) }, 200, 2 * time.Second, "validation_refused", "checkout_incomplete"},
		{"read during validation", "validation", faketest.Buys, faketest.Says{Status: 200, After: 2 * time.Second},
			func(c *faketest.Called) faketest.Answer { return c.Do("GET", "/checkout/v3/orders/"+c.ID, ``) }, 200, 0, "", "checkout_complete"},
		{"abort during validation", "validation", faketest.Buys, faketest.Says{Status: 200, After: 2 * time.Second},
			func(c *faketest.Called) faketest.Answer {
				return c.Do("POST", "/checkout/v3/orders/"+c.ID+"/abort", ``)
			}, 200, 0, "read_only_order", "checkout_aborted"},
		{"abort during a validation that redirects", "validation", faketest.Buys, faketest.Says{Status: 303, Location: faketest.Elsewhere, After: 2 * time.Second},
			func(c *faketest.Called) faketest.Answer {
				return c.Do("POST", "/checkout/v3/orders/"+c.ID+"/abort", ``)
			}, 200, 0, "validation_redirect", "checkout_aborted"},
		{"abort during validation without answer", "validation", faketest.Buys, faketest.Says{},
			func(c *faketest.Called) faketest.Answer {
				return c.Do("POST", "/checkout/v3/orders/"+c.ID+"/abort", ``)
			}, 200, 0, "read_only_order", "checkout_aborted"},
		{"abort during an address callback", "address_update", faketest.Buys, faketest.Says{Status: 200, Body: faketest.Service(faketest.OneMug()...), After: 2 * time.Second},
			func(c *faketest.Called) faketest.Answer {
				return c.Do("POST", "/checkout/v3/orders/"+c.ID+"/abort", ``)
			}, 200, 0, "read_only_order", "checkout_aborted"},
		{"another action during validation", "validation", faketest.Buys, faketest.Says{Status: 200, After: 2 * time.Second},
			func(c *faketest.Called) faketest.Answer {
				return c.Do("POST", "/fake/orders/"+c.ID+"/shopper", `{"type":{"city":"Kiruna"}}`)
			}, 200, 2 * time.Second, "", "checkout_complete"},
		{"looking on during validation", "validation", faketest.Buys, faketest.Says{Status: 200, After: 2 * time.Second},
			func(c *faketest.Called) faketest.Answer { return c.Do("POST", "/fake/orders/"+c.ID+"/shopper", `{}`) }, 200, 0, "", "checkout_complete"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := faketest.NewCalled(t, faketest.CaseA(), row.urls)
				var got faketest.Answer
				var waited time.Duration
				var other sync.WaitGroup
				row.says.During = func() {
					other.Go(func() {
						began := time.Now()
						got = row.during(c)
						waited = time.Since(began)
					})
				}
				c.Will(row.urls, row.says)
				out := c.Act(row.action)
				other.Wait()
				if got.Status != row.status || waited != row.waits {
					t.Errorf("got %d %s after %v, want %d after %v", got.Status, got.Body, waited, row.status, row.waits)
				}
				refused := ""
				if out.Refused != nil {
					refused = out.Refused.Code
				}
				if o := c.Order(); refused != row.refused || o.Status != row.after || strings.HasPrefix(row.name, "abort") && o.OrderAmount != 44700 {
					t.Errorf("got refusal %q, order %s of %d, want %q, %s", refused, o.Status, o.OrderAmount, row.refused, row.after)
				}
				c.Fake.Close()
			})
		})
	}
}

// An update that waits 30 s is a 504 and changes nothing; several callbacks and
// a fault that delays them can take that long.
func TestUpdateWaitsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := faketest.NewCalled(t, faketest.CaseA(), "validation")
		c.Fake.AddFault(faketest.Fault{Callback: "validation", Delay: fakeklarna.Duration(40 * time.Second)})
		c.Will("validation", faketest.Says{Status: 200})
		var buyer sync.WaitGroup
		buyer.Go(func() { c.Act(faketest.Buys) })
		synctest.Wait()
		began := time.Now()
		got := c.Do("POST", "/checkout/v3/orders/"+c.ID, `{"locale":"en-SE"}`)
		if waited := time.Since(began); got.Status != 504 || len(got.Body) > 0 || waited != 30*time.Second {
			t.Errorf("got %d %q after %v", got.Status, got.Body, waited)
		}
		buyer.Wait()
		if o := c.Order(); o.Locale != "sv-SE" || o.Status != "checkout_complete" {
			t.Errorf("got %s, %s", o.Locale, o.Status)
		}
		c.Fake.Close()
	})
}

// Of several buyers at once one buys; the merchant is asked and told once.
func TestBuyersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := faketest.NewCalled(t, faketest.CaseA(), "validation", "push")
		c.Will("validation", faketest.Says{Status: 200, After: time.Second})
		var mu sync.Mutex
		var all sync.WaitGroup
		codes := map[string]int{}
		for range 8 {
			all.Go(func() {
				out := c.Act(faketest.Buys)
				mu.Lock()
				defer mu.Unlock()
				if out.Refused == nil {
					codes["bought"]++
				} else {
					codes[out.Refused.Code]++
				}
			})
		}
		all.Wait()
		if diff := cmp.Diff(map[string]int{"bought": 1, "read_only_order": 7}, codes); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if kinds := c.Kinds(); kinds != "validation push" {
			t.Errorf("got callbacks %s", kinds)
		}
		c.Fake.Close()
	})
}

// Close, Reset and expiry end an action that waits for the merchant, and the
// callback with it; nothing is bought.
func TestCallbackEnds(t *testing.T) {
	for name, end := range map[string]func(*faketest.Called){
		"close":  func(c *faketest.Called) { c.Fake.Close() },
		"reset":  func(c *faketest.Called) { c.Fake.Reset() },
		"expiry": func(c *faketest.Called) { c.Fake.Advance(49 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := faketest.NewCalled(t, faketest.CaseA(), "validation")
				c.Will("validation", faketest.Says{})
				var all sync.WaitGroup
				var buyer, waiter error
				all.Go(func() { _, buyer = c.Fake.Shopper(c.ID, faketest.Action{Buy: &fakeklarna.Buy{}}) })
				synctest.Wait()
				all.Go(func() { _, waiter = c.Fake.Shopper(c.ID, faketest.Action{Buy: &fakeklarna.Buy{}}) })
				all.Go(func() {
					defer func() { _ = recover() }() // the connection is closed
					c.Do("POST", "/checkout/v3/orders/"+c.ID, "{}")
				})
				synctest.Wait()
				began := time.Now()
				end(c)
				all.Wait()
				if took := time.Since(began); name != "expiry" && took != 0 {
					t.Errorf("it took %v", took)
				}
				if buyer == nil || waiter == nil {
					t.Errorf("got %v and %v, want errors", buyer, waiter)
				}
				if o, ok := c.Fake.Order(c.ID); ok && o.Status != "checkout_incomplete" {
					t.Errorf("got status %s", o.Status)
				}
				if name == "reset" && len(c.Record()) != 0 {
					t.Errorf("the reset fake has callbacks: %v", c.Record())
				}
				if name == "close" && cmp.Diff([]string{"validation 0 the fake was closed or reset"}, c.Record()) != "" {
					t.Errorf("got %v", c.Record())
				}
				c.Fake.Close()
			})
		})
	}
}

// Choosing another provider leaves the checkout open and tells nobody.
func TestExternalMethod(t *testing.T) {
	c := faketest.NewCalled(t, faketest.With(faketest.CaseA(),
		"external_payment_methods", []any{
			map[string]any{"name": "PayPal", "redirect_url": "https://pay.example/?order={checkout.order.id}"},
			map[string]any{"name": "Vipps", "redirect_url": "https://vipps.example/", "countries": []string{"no"}},
		},
		"external_checkouts", []any{map[string]any{"name": "Amazon", "redirect_url": "https://amazon.example/", "image_url": "https://amazon.example/i.png"}}),
		"validation", "address_update")
	if out := c.Act(`{"external_method":"PayPal"}`); out.RedirectURL != "https://pay.example/?order="+c.ID || out.Refused != nil || out.Status != "checkout_incomplete" {
		t.Errorf("got %+v", out)
	}
	if out := c.Act(`{"external_method":"Amazon"}`); out.RedirectURL != "https://amazon.example/" {
		t.Errorf("got %+v", out)
	}
	for _, name := range []string{"Vipps", "paypal"} {
		if _, err := c.Fake.Shopper(c.ID, faketest.Action{ExternalMethod: name}); err == nil {
			t.Errorf("%s was possible", name)
		}
	}
	if got := c.Kinds(); got != "" {
		t.Errorf("got callbacks %s", got)
	}
	if out := c.Act(`{"country":"NO"}`); out.RedirectURL != "" || out.Refused == nil {
		t.Errorf("got %+v, want the address callback to fail", out)
	}
	if out := c.Act(`{"external_method":"Vipps"}`); out.RedirectURL != "https://vipps.example/" {
		t.Errorf("got %+v", out)
	}
	if o := c.Order(); o.Status != "checkout_incomplete" {
		t.Errorf("got %s", o.Status)
	}
}

// A callback is sent to this machine and to hosts that were named, to no other.
func TestCallbackHosts(t *testing.T) {
	rows := []struct {
		name, url string
		hosts     []string
		sent      bool
	}{
		{"an IPv4 address of this machine", "http://127.8.0.1:1/p", nil, true},
		{"an IPv6 address of this machine", "http://[::1]:1/p", nil, true},
		{"localhost", "http://LocalHost:1/p", nil, true},
		{"https on this machine", "https://localhost:1/p", nil, true},
		{"another host", "https://shop.example/p", nil, false},
		{"a host named", "https://shop.example/p", []string{"a.example", "shop.example"}, true},
		{"plain http to a host named", "http://SHOP.example:8080/p", []string{"shop.example"}, true},
		{"a host below one named", "https://www.shop.example/p", []string{"shop.example"}, false},
		{"a private address", "http://10.0.0.1/p", nil, false},
		{"any address", "http://0.0.0.0/p", nil, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := faketest.NewCalledWith(t, fakeklarna.Options{CallbackHosts: append([]string{""}, row.hosts...)}, faketest.With(faketest.CaseA(), "merchant_urls.push", row.url))
				c.Act(faketest.Buys)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				record := c.Fake.Callbacks(c.ID)
				if len(record) != 1 || record[0].URL != row.url || (len(c.Received()) == 1) != row.sent || strings.HasPrefix(record[0].Error, "not sent: ") == row.sent {
					t.Errorf("got record %+v, sent %v", record, c.Received())
				}
				c.Fake.Close()
			})
		})
	}
}

// The four callbacks may be plain http only where callbacks are sent.
func TestCallbackURLs(t *testing.T) {
	for _, kind := range []string{"validation", "address_update", "country_change", "shipping_option_update"} {
		for url, want := range map[string]int{
			"https://other.example/x": 201, "http://other.example/x": 400, "http://shop.example/x": 201, "http://127.0.0.1:1/x": 201, "ftp://shop.example/": 400,
		} {
			c := &faketest.Caller{T: t, Fake: fakeklarna.New(fakeklarna.Options{CallbackHosts: []string{"shop.example"}})}
			if got := c.Do("POST", "/checkout/v3/orders", faketest.Text(faketest.With(faketest.CaseA(), "merchant_urls."+kind, url))); got.Status != want {
				t.Errorf("%s %s: got %d %s, want %d", kind, url, got.Status, got.Body, want)
			}
		}
	}
}

// A validation that cannot be sent is no answer.
func TestUnsentValidation(t *testing.T) {
	for _, required := range []bool{false, true} {
		c := faketest.NewCalledWith(t, fakeklarna.Options{CallbackHosts: []string{}}, faketest.With(faketest.CaseA(), "options.require_validate_callback_success", required), "validation")
		out := c.Act(faketest.Buys)
		if (out.Refused != nil) != required {
			t.Errorf("required %v: got %+v", required, out)
		}
		if got := c.Record(); len(got) != 1 || got[0] != "validation 0 not sent: shop.example is neither this machine nor one of the callback hosts" {
			t.Errorf("got %q", got)
		}
	}
}
