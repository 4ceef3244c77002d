package ordermanagement_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	om "github.com/shopd/shopd/internal/ordermanagement"
)

const nobody = "7c1d0b52-3a0e-4f11-9a57-0f2b6c9d1e44"

// shop is a merchant at a fake Klarna, with one order.
type shop struct {
	*om.Client
	t         testing.TB
	fake      *fakeklarna.TestServer
	transport *klarna.Client
	calls     recorder
	id        string // of the order
	captureID string // of its last capture, nobody without one
	refundID  string
	keys      int
}

// recorder keeps the calls that were made.
type recorder struct {
	mu       sync.Mutex
	requests []*http.Request
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.requests = append(r.requests, req)
	r.mu.Unlock()
	return http.DefaultTransport.RoundTrip(req)
}

func bodyOf(r *http.Request) string {
	if r.GetBody == nil {
		return ""
	}
	b, _ := r.GetBody()
	text, _ := io.ReadAll(b)
	return string(text)
}

func newShop(t testing.TB, o fakeklarna.Options) *shop {
	t.Helper()
	s := &shop{t: t, fake: fakeklarna.NewServer(t, o)}
	var err error
	s.transport, err = klarna.NewClient(klarna.Config{BaseURL: s.fake.URL, Username: "demo", Password: "demo", Transport: &s.calls})
	if err != nil {
		t.Fatal(err)
	}
	s.Client = om.NewClient(s.transport, om.Klarna)
	return s
}

// sale is a shop with an order of two mugs and freight, 347.00 SEK, in a state.
func sale(t testing.TB, state string) *shop {
	t.Helper()
	s := newShop(t, fakeklarna.Options{CloseRefunded: state == "CLOSED"})
	s.sell(state)
	return s
}

func mugs(quantity int64) klarna.OrderLine {
	line := klarna.OrderLine{
		Type: klarna.Physical, Reference: "MUG-1", Name: "Mugg", Quantity: quantity, UnitPrice: 14900, TaxRate: 2500, QuantityUnit: "pcs",
	}
	line.TotalAmount = line.UnitPrice * 2
	line.TotalTaxAmount = line.TotalAmount / 5
	if quantity == 1 {
		line.TotalAmount, line.TotalTaxAmount = 14900, 2980
	}
	return line
}

var freight = klarna.OrderLine{
	Type: klarna.ShippingFee, Reference: "mailboat", Name: "Postbåt", Quantity: 1, UnitPrice: 4900, TaxRate: 2500, TotalAmount: 4900, TotalTaxAmount: 980,
}

// sell makes an order and brings it to a state.
func (s *shop) sell(state string) {
	s.t.Helper()
	email, method := "eva@example.com", "pay_later"
	switch state {
	case "PENDING":
		email = "eva+pend-accept-30@example.com"
	case "REJECTED":
		email = "eva+pend-reject-30@example.com"
	case "raise denied":
		email = "eva+denied-raise@example.com"
	case "by card":
		method = "card"
	}
	order, err := kco.NewClient(s.transport).CreateOrder(s.t.Context(), kco.Content{
		Sale: klarna.Sale{
			PurchaseCountry: "SE", PurchaseCurrency: "SEK", Locale: "sv-SE",
			Lines: klarna.Lines{OrderAmount: 34700, OrderTaxAmount: 6940, OrderLines: []klarna.OrderLine{mugs(2), freight}},
		},
		MerchantData: "v1.x.y",
		MerchantURLs: kco.MerchantURLs{
			Terms: "https://s.example/terms", Checkout: "https://s.example/checkout", Confirmation: "https://s.example/thanks", Push: "https://s.example/push",
		},
	}, kco.Prefill{})
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := s.fake.Shopper(order.OrderID, fakeklarna.Action{Type: map[string]string{"email": email}, Buy: &fakeklarna.Buy{Method: method}})
	if err != nil || out.Refused != nil {
		s.t.Fatal(out, err)
	}
	s.id, s.captureID, s.refundID = order.OrderID, nobody, nobody
	s.enter(state)
	s.calls.requests = nil
}

// enter brings the order to a state.
func (s *shop) enter(state string) {
	s.t.Helper()
	switch state {
	case "PART_CAPTURED":
		s.must(s.capture(10000))
	case "EXPIRED", "EXPIRED, partly captured":
		if state != "EXPIRED" {
			s.must(s.capture(10000))
		}
		s.fake.Advance(29 * 24 * time.Hour)
	case "CAPTURED":
		s.must(s.capture(34700))
	case "captured in two":
		s.must(s.capture(10000))
		s.must(s.capture(24700))
	case "CANCELLED":
		_, err := s.Cancel(s.t.Context(), s.id, s.key())
		s.must(err)
	case "REJECTED":
		s.fake.Advance(31 * time.Minute)
	case "refunded", "CLOSED":
		s.must(s.capture(34700))
		s.must(s.refund(34700))
	case "", "AUTHORIZED", "PENDING", "raise denied", "by card":
	default:
		s.t.Fatalf("no state %q", state)
	}
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// key is an idempotency key that was not used before.
func (s *shop) key() string {
	s.keys++
	return fmt.Sprintf("key-%d", s.keys)
}

func (s *shop) capture(amount int64) error {
	id, _, err := s.Capture(s.t.Context(), s.id, om.CaptureRequest{CapturedAmount: money.Amount(amount)}, s.key())
	if err == nil {
		s.captureID = id
	}
	return err
}

func (s *shop) refund(amount int64) error {
	id, _, err := s.Refund(s.t.Context(), s.id, om.RefundRequest{RefundedAmount: money.Amount(amount)}, s.key())
	if err == nil {
		s.refundID = id
	}
	return err
}

// managed is the order as Klarna has it.
func (s *shop) managed() fakeklarna.ManagedOrder {
	s.t.Helper()
	m, ok := s.fake.Managed(s.id)
	if !ok {
		s.t.Fatalf("klarna does not know order %s", s.id)
	}
	return m
}

// amounts are status, order amount, captured, refunded, remaining.
func (s *shop) amounts() string {
	m := s.managed()
	return fmt.Sprintf("%s %d/%d/%d/%d", m.Status, m.OrderAmount, m.CapturedAmount, m.RefundedAmount, m.RemainingAuthorizedAmount)
}

// sent are the calls made since the order came to its state: method and path
// below the order, with names for the IDs.
func (s *shop) sent() []string {
	var sent []string
	for _, r := range s.calls.requests {
		path := r.URL.Path[strings.Index(r.URL.Path, "/ordermanagement"):]
		path = strings.TrimPrefix(path, "/ordermanagement/v1/orders/"+s.id)
		path = strings.NewReplacer(s.captureID, "{capture}", s.refundID, "{refund}").Replace(path)
		sent = append(sent, r.Method+" "+path)
	}
	return sent
}
