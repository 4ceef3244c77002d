package ordermanagement_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/klarna"
	om "github.com/shopd/shopd/internal/ordermanagement"
)

// Whatever happens to the first try of a change, the change is made once.
func TestChangesUnderFaults(t *testing.T) {
	for _, fault := range []struct {
		name string
		fakeklarna.Fault
	}{
		{"reply lost after the change", fakeklarna.Fault{DropReply: true}},
		{"reply lost twice", fakeklarna.Fault{DropReply: true, Count: 2}},
		{"connection reset before it", fakeklarna.Fault{Reset: true}},
		{"500", fakeklarna.Fault{Status: 500}},
		{"502", fakeklarna.Fault{Status: 502}},
		{"503 twice", fakeklarna.Fault{Status: 503, Count: 2}},
		{"504", fakeklarna.Fault{Status: 504}},
		{"409: another try is being worked on", fakeklarna.Fault{Status: 409}},
		{"429", fakeklarna.Fault{Status: 429}},
	} {
		for _, op := range operations {
			if moves := op.name == "capture" || op.name == "refund"; !moves && !fault.DropReply {
				continue // what moves no money is not asked in another way
			}
			t.Run(fault.name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				s := sale(t, op.state)
				s.fake.AddFault(fault.Fault)
				got, err := op.do(s, "a-key")
				if err != nil {
					t.Fatal(err)
				}
				tries := max(fault.Count, 1) + 1
				if got.Tries != tries || got.Status != op.status || got.CorrelationID != s.lastCorrelationID() {
					t.Errorf("answer %+v, want status %d after %d tries", got, op.status, tries)
				}
				for _, r := range s.calls.requests {
					if diff := cmp.Diff([]string{op.body, "a-key"}, []string{bodyOf(r), r.Header.Get("Klarna-Idempotency-Key")}); diff != "" {
						t.Errorf("body and key: %s", diff)
					}
				}
				s.wantOnce(op)
			})
		}
	}
}

// wantOnce checks that Klarna has made the change of an operation once.
func (s *shop) wantOnce(op operation) {
	s.t.Helper()
	if s.amounts() != op.after {
		s.t.Errorf("klarna has %s, want %s", s.amounts(), op.after)
	}
	m := s.managed()
	switch op.name {
	case "capture":
		if len(m.Captures) != 1 || m.Captures[0].CaptureID != s.captureID {
			s.t.Errorf("captures %+v, want only %q", m.Captures, s.captureID)
		}
	case "refund":
		if len(m.Refunds) != 1 || m.Refunds[0].RefundID != s.refundID {
			s.t.Errorf("refunds %+v, want only %q", m.Refunds, s.refundID)
		}
	case "add shipping info":
		if len(m.ShippingInfo) != 1 {
			s.t.Errorf("parcels %+v, want one", m.ShippingInfo)
		}
	case "add shipping info to capture":
		if len(m.Captures[0].ShippingInfo) != 1 {
			s.t.Errorf("parcels %+v, want one", m.Captures[0].ShippingInfo)
		}
	}
}

// A change that has no answer in all its tries is sent again with its key by
// whoever has kept it, also from another process: it is made once.
func TestLostForGood(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			s := sale(t, op.state)
			s.fake.AddFault(fakeklarna.Fault{DropReply: true, Count: 3})
			got, err := op.do(s, "a-key")
			if _, answered := errors.AsType[*klarna.Error](err); err == nil || answered {
				t.Fatalf("got %v, want no answer", err)
			}
			if got.Tries != 3 || !got.Unanswered || got.Status != 0 || got.CorrelationID != "" {
				t.Errorf("answer %+v, want three tries without one", got)
			}
			s.Client = om.NewClient(s.transport, om.Klarna)
			if _, err := op.do(s, "a-key"); err != nil {
				t.Fatal(err)
			}
			s.wantOnce(op)
		})
	}
}

// A change that Klarna does not take for the moment is refused in the end, with
// what Klarna said last; the key is good for the next attempt.
func TestNotNow(t *testing.T) {
	for _, status := range []int{409, 429, 500, 503} {
		s := sale(t, "AUTHORIZED")
		s.fake.AddFault(fakeklarna.Fault{Status: status, Count: 3})
		_, a, err := s.Capture(t.Context(), s.id, om.CaptureRequest{CapturedAmount: 34700}, "a-key")
		e, ok := errors.AsType[*klarna.Error](err)
		if !ok || e.Status != status || e.Refused() || a.Tries != 3 {
			t.Errorf("%d: got %v after %d tries, want that status after 3, not as a refusal", status, err, a.Tries)
		}
		if _, _, err := s.Capture(t.Context(), s.id, om.CaptureRequest{CapturedAmount: 34700}, "a-key"); err != nil {
			t.Errorf("%d: afterwards: %v", status, err)
		}
		if n := len(s.managed().Captures); n != 1 {
			t.Errorf("%d: %d captures, want 1", status, n)
		}
	}
}

// An answer of which only half arrives is no answer.
func TestHalfABody(t *testing.T) {
	s := sale(t, "refunded")
	for name, read := range map[string]func() error{
		"order":   func() error { _, err := s.GetOrder(t.Context(), s.id); return err },
		"options": func() error { _, err := s.GetDueDateOptions(t.Context(), s.id, s.captureID); return err },
	} {
		t.Run(name, func(t *testing.T) {
			for _, fault := range []fakeklarna.Fault{{Truncate: true}, {NotJSON: true}, {DropReply: true}, {Status: 503}} {
				s.fake.AddFault(fault)
				if err := read(); err != nil {
					t.Errorf("%+v once: %v", fault, err)
				}
			}
			if left := s.fake.Faults(); len(left) > 0 {
				t.Errorf("faults that hit nothing: %+v", left)
			}
			s.fake.AddFault(fakeklarna.Fault{Truncate: true, Count: 3})
			err := read()
			if _, answered := errors.AsType[*klarna.Error](err); err == nil || answered {
				t.Errorf("half a body three times: got %v, want an error that is no answer", err)
			}
		})
	}
}

// Of several at once with one key one is made; all are told the same.
func TestAtOnce(t *testing.T) {
	s := sale(t, "AUTHORIZED")
	s.fake.AddFault(fakeklarna.Fault{Method: http.MethodPost, Delay: fakeklarna.Duration(20 * time.Millisecond), Count: -1})
	ids := make([]string, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			id, _, err := s.Capture(t.Context(), s.id, om.CaptureRequest{CapturedAmount: 10000}, "a-key")
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
	}
	all.Wait()
	m := s.managed()
	if len(m.Captures) != 1 {
		t.Fatalf("%d captures, want 1", len(m.Captures))
	}
	for _, id := range ids {
		if id != m.Captures[0].CaptureID {
			t.Errorf("told of capture %q, want %s", id, m.Captures[0].CaptureID)
		}
	}
}

// Without a key a change would be made as often as it is sent: it is not sent.
func TestNoKey(t *testing.T) {
	for _, op := range operations {
		s := sale(t, op.state)
		before := s.managed()
		_, err := op.do(s, "")
		if rule, ok := errors.AsType[*klarna.RuleError](err); !ok || rule.Field != "idempotency key" || len(s.calls.requests) > 0 {
			t.Errorf("%s: got %v after %d calls, want a refusal before any", op.name, err, len(s.calls.requests))
		}
		if diff := cmp.Diff(before, s.managed()); diff != "" {
			t.Errorf("%s: %s", op.name, diff)
		}
	}
}
