package ordermanagement_test

import (
	"errors"
	"slices"
	"testing"

	om "github.com/shopd/shopd/internal/ordermanagement"
)

func TestPlatformOf(t *testing.T) {
	for host, want := range map[string]om.Platform{
		"api.kustom.co": om.Kustom, "api.playground.kustom.co": om.Kustom, "API.KUSTOM.CO": om.Kustom, "kustom.co": om.Kustom,
		"api.klarna.com": om.Klarna, "api.notkustom.co": om.Klarna, "kustom.co.example": om.Klarna, "127.0.0.1": om.Klarna, "": om.Klarna,
	} {
		if got := om.PlatformOf(host); got != want {
			t.Errorf("PlatformOf(%q) = %q, want %q", host, got, want)
		}
	}
	for name, known := range map[string]bool{"klarna": true, "kustom": true, "": false, "Kustom": false} {
		if p, err := om.ParsePlatform(name); (err == nil) != known || known && string(p) != name {
			t.Errorf("ParsePlatform(%q) = %q, %v", name, p, err)
		}
	}
}

// Kustom does not have three of the operations; they are not sent there. All
// others are the same.
func TestKustom(t *testing.T) {
	missing := []string{"trigger send out", "extend due date", "due date options"}
	all := append(slices.Clone(operations), operation{name: "due date options", state: "CAPTURED"})
	for _, op := range all {
		t.Run(op.name, func(t *testing.T) {
			s := sale(t, op.state)
			s.Client = om.NewClient(s.transport, om.Kustom)
			var err error
			if op.do == nil {
				_, err = s.GetDueDateOptions(t.Context(), s.id, s.captureID)
			} else {
				_, err = op.do(s, s.key())
			}
			want := slices.Contains(missing, op.name)
			if errors.Is(err, om.ErrNotOffered) != want || !want && err != nil {
				t.Errorf("got %v, want not offered: %v", err, want)
			}
			if sent := len(s.calls.requests) > 0; sent == want {
				t.Errorf("sent: %v", sent)
			}
		})
	}
	if p := om.NewClient(nil, om.Kustom).Platform(); p != om.Kustom {
		t.Errorf("platform %q", p)
	}
	if p := om.NewClient(nil, om.Klarna).Platform(); p != om.Klarna {
		t.Errorf("platform %q, want Klarna's by default", p)
	}
}

// What may be done is not the same on both.
func TestRules(t *testing.T) {
	klarna, kustom := om.Klarna.Rules(), om.Kustom.Rules()
	if !klarna.DueDates || !klarna.SendOut || !klarna.RefundExpired || klarna.RefundClosed || klarna.ExtendDays != 180 ||
		!klarna.ExtendSince.IsZero() || len(klarna.ExtendNotIn) > 0 || len(klarna.ExtendNotBy) > 0 {
		t.Errorf("klarna: %+v", klarna)
	}
	if kustom.DueDates || kustom.SendOut || kustom.RefundExpired || !kustom.RefundClosed || kustom.ExtendDays != 90 ||
		kustom.ExtendSince.Format("2006-01-02") != "2025-09-25" || !slices.Equal(kustom.ExtendNotIn, []string{"ES", "FR", "IT", "PT"}) ||
		!slices.Contains(kustom.ExtendNotBy, "SWISH") || slices.Contains(kustom.ExtendNotBy, "INVOICE") {
		t.Errorf("kustom: %+v", kustom)
	}
}
