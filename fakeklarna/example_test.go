package fakeklarna_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

const content = `{"purchase_country": "SE", "purchase_currency": "SEK", "locale": "sv-SE",
	"order_amount": 39800, "order_tax_amount": 7960, "order_lines": [{"name": "Mugg", "quantity": 2,
	"unit_price": 19900, "tax_rate": 2500, "total_amount": 39800, "total_tax_amount": 7960}],
	"merchant_urls": {"terms": "http://localhost/terms", "checkout": "http://localhost/checkout",
	"confirmation": "http://localhost/thanks", "push": "http://localhost/push"}}`

// post makes a call of an API, as a client of Klarna does, and decodes the answer.
func post(fake http.Handler, path, body string, answer any) int {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.SetBasicAuth("demo", "demo")
	w := httptest.NewRecorder()
	fake.ServeHTTP(w, r)
	_ = json.Unmarshal(w.Body.Bytes(), answer)
	return w.Code
}

// A shop makes an order, a shopper buys it, and it is in Order Management.
func Example() {
	fake := fakeklarna.New(fakeklarna.Options{})
	defer fake.Close()
	var order fakeklarna.Order
	fmt.Println(post(fake, "/checkout/v3/orders", content, &order), order.Status)

	denied, _ := fake.Shopper(order.OrderID, fakeklarna.Action{Type: map[string]string{"email": "ada+denied@example.com"}, Buy: &fakeklarna.Buy{}})
	fmt.Println(denied.Status, denied.Refused.Code)
	bought, _ := fake.Shopper(order.OrderID, fakeklarna.Action{Type: map[string]string{"email": "ada@example.com"}, Buy: &fakeklarna.Buy{Method: "card"}})
	fmt.Println(bought.Status, bought.ConfirmationURL)

	managed, _ := fake.Managed(order.OrderID)
	fmt.Println(managed.Status, managed.RemainingAuthorizedAmount)
	// Output:
	// 201 checkout_incomplete
	// checkout_incomplete declined
	// checkout_complete http://localhost/thanks
	// AUTHORIZED 39800
}

// The answer is lost, and the order there all the same.
func ExampleServer_AddFault() {
	fake := fakeklarna.New(fakeklarna.Options{})
	defer fake.Close()
	fake.AddFault(fakeklarna.Fault{Method: http.MethodPost, Path: "/checkout/v3/orders", DropReply: true})
	func() {
		defer func() { _ = recover() }() // a handler breaks its connection so
		post(fake, "/checkout/v3/orders", content, nil)
	}()
	fmt.Println(len(fake.Orders()), fake.Requests("")[0].Faults)
	// Output: 1 [drop_reply]
}

// The push and its first repeats, without waiting for an hour.
func ExampleServer_Wait() {
	fake := fakeklarna.New(fakeklarna.Options{CallbackTransport: fakeklarna.Agree()})
	defer fake.Close()
	var order fakeklarna.Order
	post(fake, "/checkout/v3/orders", content, &order)
	_, _ = fake.Shopper(order.OrderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}})

	fake.Advance(20 * time.Minute)
	if err := fake.Wait(context.Background()); err != nil {
		panic(err)
	}
	for _, c := range fake.Callbacks(order.OrderID) {
		fmt.Println(c.Type, c.Status)
	}
	// Output:
	// push 200
	// push 200
	// push 200
}
