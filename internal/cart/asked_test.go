package cart_test

import (
	"testing"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// The merchant's server is asked about the shop's own carts, whatever campaigns do to them.
func TestQuestionOfOwnCart(t *testing.T) {
	sold := *skerry.Version().Shop
	sold.Hooks.Delivery = &settings.Hook{}
	pricer := cart.Pricer{Published: publish.Fixed(publish.NewVersion(1, &sold, skerry.Version().Catalog))}
	for _, code := range []string{"", "LANTERN25"} {
		c := cart.Contents{Country: "SE", Locale: "sv-SE", DiscountCode: code, Lines: []cart.Line{{SKU: "MUG-1", Quantity: 2}}}
		quote, err := pricer.Quote(c)
		if err != nil {
			t.Fatal(err)
		}
		question, due := quote.Question(c)
		if !due || question.Country != "SE" || len(question.Lines) != 1 || question.Lines[0].ID != "MUG-1" {
			t.Errorf("code %q: %t, %+v", code, due, question)
		}
		c.Asked = question.Answered([]cart.BasketOption{}, nil)
		if quote, _ = pricer.Quote(c); !quote.NoDelivery {
			t.Errorf("code %q: what it says does not count", code)
		}
		if _, due := quote.Question(c); due {
			t.Errorf("code %q: asked twice", code)
		}
	}
}
