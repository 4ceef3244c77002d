package storefront_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// recorded answers each read of an order with the one answer that it has had, so that a
// benchmark counts the shop's work and not that of the fake in the same process.
type recorded struct{ answer []byte }

func (r *recorded) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.answer != nil && req.Method == http.MethodGet {
		return &http.Response{
			Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(r.answer)), ContentLength: int64(len(r.answer)),
		}, nil
	}
	return http.DefaultTransport.RoundTrip(req)
}

// What a page costs the shop in processor time and allocations, the calls of Redis included.
func BenchmarkPages(b *testing.B) {
	klarna := &recorded{}
	w := &shopWorld{shoptest.Serve(b, shoptest.Options{Fake: fakeklarna.Options{}, Config: func(c *shop.Config) {
		review(c)
		c.Klarna.Transport = klarna
	}})}
	shopper := w.browser()
	for _, sku := range []string{"MUG-1", "JAM-1", "TEA-1"} {
		_ = shopper.Post("/cart/lines", "sku", sku, "quantity", "1")
	}
	if got := shopper.Get("/checkout"); got.StatusCode != http.StatusOK {
		b.Fatal(got.StatusCode, got.Text)
	}
	id := w.Fake.Orders()[0].OrderID
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, w.Fake.URL+"/checkout/v3/orders/"+id, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.SetBasicAuth("demo", "demo")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	if klarna.answer, err = io.ReadAll(res.Body); err != nil {
		b.Fatal(err)
	}
	_ = res.Body.Close()
	handler := w.Server.Handler()
	for _, path := range []string{"/checkout", "/cart", "/"} {
		b.Run(strings.TrimPrefix(path, "/"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, w.URL+path, nil)
				r.Header.Set("Accept-Language", "sv-SE")
				r.Header.Set("Cookie", "shopd="+shopper.Cookie("shopd"))
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, r)
				if answer.Code != http.StatusOK {
					b.Fatal(answer.Code)
				}
			}
		})
	}
}
