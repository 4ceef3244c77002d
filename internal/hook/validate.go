package hook

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/observe"
)

// purchase is what is asked about a purchase: what is bought, what it costs, where it goes.
type purchase struct {
	cart.Question
	OrderNumber    string       `json:"order_number,omitempty"` // of a checkout session
	OrderAmount    money.Amount `json:"order_amount"`
	OrderTaxAmount money.Amount `json:"order_tax_amount"`
	Delivery       *chosen      `json:"delivery_option"` // null: nothing is shipped, or a line is the delivery
}

type chosen struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Price       money.Amount `json:"price"`
	PickupPoint *point       `json:"pickup_point"`
}

type point struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Verdict is whether a purchase may go on.
type Verdict struct {
	OK bool
	// Message is what the shopper reads where it may not, by language; empty: the merchant's
	// server has said nothing.
	Message i18n.Text
}

const maxMessage = 500 // bytes

// Validate asks whether a cart with this quote may be bought. Without a good answer it is as
// the shop file says.
func (h *Hooks) Validate(ctx context.Context, c cart.Cart, q cart.Quote) Verdict {
	of := q.Version.Shop.Hooks.Validate
	if h == nil || of == nil {
		return Verdict{OK: true}
	}
	ctx = observe.About(ctx, observe.Subject{CartID: c.ID})
	about, _ := q.Question(c.Contents)
	question := purchase{Question: about, OrderAmount: q.OrderAmount, OrderTaxAmount: q.OrderTaxAmount}
	if c.Basket != nil {
		question.OrderNumber = c.Basket.OrderNumber
	}
	if o := q.Shipping; o != nil {
		question.Delivery = &chosen{ID: o.ID, Name: o.Name, Price: o.Price}
		if o.Location.ID != "" {
			question.Delivery.PickupPoint = &point{o.Location.ID, o.Location.Name}
		}
	}
	var answer struct {
		OK      *bool           `json:"ok"`
		Message json.RawMessage `json:"message"`
	}
	if err := h.ask(ctx, observe.HookValidate, *of, question, &answer, func() error {
		if answer.OK == nil {
			return bad("it has no ok")
		}
		return nil
	}); err != nil {
		return Verdict{OK: of.Approve}
	}
	if *answer.OK {
		return Verdict{OK: true}
	}
	h.Logger.InfoContext(ctx, "purchase refused by the merchant's server")
	return Verdict{Message: h.texts(ctx, answer.Message)}
}

// texts are those of a refusal's message that a shopper can read. One that does not fit is left
// out: it makes no yes of a no.
func (h *Hooks) texts(ctx context.Context, message json.RawMessage) i18n.Text {
	var said map[i18n.Lang]any
	fit := len(message) == 0 || json.Unmarshal(message, &said) == nil
	texts := i18n.Text{}
	for lang, one := range said {
		if text, ok := one.(string); ok && strings.TrimSpace(text) != "" && len(text) <= maxMessage {
			texts[lang] = text
		} else {
			fit = false
		}
	}
	if !fit {
		h.Logger.WarnContext(ctx, "a text of the merchant's server is not shown: it is none, empty or too long", "hook", string(observe.HookValidate))
	}
	return texts
}
