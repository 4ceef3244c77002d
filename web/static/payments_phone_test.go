package static_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/web/templates"
)

// On a phone the order is folded. What the shop says of a line opens it and is read out, whatever was asked; of a purchase
// that it stopped, it stands at the button too, each time.
func TestPaymentsNotesOnAPhone(t *testing.T) {
	english := i18n.Voice{Lang: i18n.English}
	sold := templates.LastGone(english, "MUG-1", "Enamel mug", "/checkout")
	const soldOut = "Someone else bought the last one: Enamel mug. Nothing has been charged. Remove it to continue."
	gone := templates.Gone(english, "MUG-1", "Enamel mug", "/checkout")
	stopped := func(u *till, w http.ResponseWriter, _ *http.Request) {
		u.writeOrder(w, http.StatusConflict, false, map[string]any{"error": map[string]string{"code": "sold_out", "message": soldOut, "request_id": "r"}})
	}
	for _, tt := range []struct {
		name string
		page templates.PaymentsPage
		note templates.Note
		play func(u *till, p *payer)
		says string
		stop string // the note at the button
	}{
		{"sold out when it is approved", templates.OneStep, sold, func(u *till, p *payer) {
			u.answers = []answer{stopped, stopped}
			p.buy()
			p.Wait("the refusal", `() => document.querySelector("[data-note=expired]")`)
			p.rests()
			p.MustEval(`() => { document.querySelector("[data-note=expired]").remove(); document.getElementById("live-alert").replaceChildren(); }`)
			p.buy()
			p.rests()
		}, soldOut, soldOut},
		{"sold out on the second page", templates.Details, sold, func(u *till, p *payer) {
			u.answers = []answer{stopped}
			p.buy()
			p.reviewed()
			p.buy()
			p.rests()
		}, soldOut, soldOut},
		{"withdrawn, told with a way of delivery", templates.OneStep, gone, func(_ *till, p *payer) {
			p.choose("[value=express]")
			p.rests()
		}, "No longer sold: Enamel mug. It is not part of the total. Remove it from your cart.", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := newTill(t, tt.page)
			u.ways = []templates.DeliveryOption{{ID: "post", Chosen: true}, {ID: "express"}}
			p := u.openIn(t, browsertest.Open(t, browsertest.Options{Phone: true}), "")
			p.Expect("Failed to load resource")
			if p.MustEval(`() => document.querySelector("details.ord").open`).Bool() {
				t.Fatal("the order is not folded")
			}
			u.mu.Lock()
			u.notes = []templates.Note{tt.note}
			u.mu.Unlock()
			tt.play(u, p)
			p.Wait("the note at the line", `() => document.querySelector("[data-sku] .note")?.checkVisibility()`)
			if got := strings.Join(strings.Fields(p.MustEval(`() => document.getElementById("live-alert").textContent`).Str()), " "); got != tt.says {
				t.Errorf("read out: %q, want %q", got, tt.says)
			}
			if tt.stop != "" {
				p.wantNote("expired", tt.stop)
			}
		})
	}
}
