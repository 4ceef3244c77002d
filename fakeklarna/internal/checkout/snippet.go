package checkout

import (
	"encoding/json"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/web"
)

// renderSnippet returns the html_snippet of an order: a container with one
// inline script that makes the stub of window._klarnaCheckout and loads the
// rest from base, the fake's address as browsers know it. token lets the
// browser act on this order.
// Source: docs.kustom.co, Best practices (rendering the snippet).
func renderSnippet(o *Order, base, token, merchantName string) string {
	var out strings.Builder
	err := web.Pages().ExecuteTemplate(&out, "snippet.html", map[string]any{
		"Order":        o,
		"OrderURL":     base + "/kco/checkout/orders/" + o.OrderID,
		"AuthHeader":   TokenScheme + token,
		"MerchantName": merchantName,
		"GUIOptions":   GUIOptions(o),
		"Country":      Alpha3(o.PurchaseCountry),
		"Base":         base,
		"BootstrapSrc": base + "/kcoc/" + web.Version + "/checkout.bootstrap.js",
		"Texts":        web.Texts()[web.LangOf(o.Locale)],
	})
	if err != nil {
		panic(err) // the template does not fit its data: a mistake in this file
	}
	return out.String()
}

// GUIOptions returns the order's gui.options, never nil.
func GUIOptions(o *Order) []string {
	var gui struct {
		Options []string `json:"options"`
	}
	if err := json.Unmarshal(o.GUI, &gui); err != nil || gui.Options == nil {
		return []string{}
	}
	return gui.Options
}

// TokenScheme precedes the order's token in the snippet's AUTH_HEADER.
const TokenScheme = "KlarnaCheckout "
