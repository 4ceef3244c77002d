package settings_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/settings"
)

const hooks = `
hooks:
  delivery: {url: "https://www.shop.example/delivery", secret_file: /run/secrets/hook}
  validate: {url: "https://www.shop.example/validate?a=b", secret_file: /run/secrets/hook, timeout: 2500ms, on_failure: approve}
`

func TestHooks(t *testing.T) {
	shop, _, err := settings.Read(settings.Source{File: []byte(hookShop + hooks)})
	if err != nil {
		t.Fatal(err)
	}
	delivery := settings.Hook{URL: "https://www.shop.example/delivery", SecretFile: "/run/secrets/hook", Timeout: 1500 * time.Millisecond}
	validate := settings.Hook{URL: "https://www.shop.example/validate?a=b", SecretFile: "/run/secrets/hook", Timeout: 2500 * time.Millisecond, Approve: true}
	if *shop.Hooks.Delivery != delivery || *shop.Hooks.Validate != validate || !shop.Markets[0].ShippingOptions[0].AskPoints {
		t.Errorf("%+v, %+v", shop.Hooks.Delivery, shop.Hooks.Validate)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"no default on failure", ", on_failure: approve", "", "hooks.validate.on_failure: is missing"},
		{"another word", "on_failure: approve", "on_failure: maybe", "none of: refuse, approve"},
		{"too long", "2500ms", "4s", "hooks.validate.timeout: is more than 3s"},
		{"no time", "2500ms", "soon", `hooks.validate.timeout: "soon" is not a time such as 2s or 1500ms`},
		{"delivery has its time", `/run/secrets/hook}`, `/run/secrets/hook, timeout: 1s}`, "hooks.delivery.timeout"},
		{"no secret", ", secret_file: /run/secrets/hook}", "}", "hooks.delivery.secret_file: is missing"},
		{"a user", "https://www.shop.example/delivery", "https://a:b@www.shop.example/delivery", "hooks.delivery.url"},
		{"another scheme", "https://www.shop.example/delivery", "ftp://www.shop.example/delivery", "hooks.delivery.url"},
		{"points without the hook", "  delivery: {url: \"https://www.shop.example/delivery\", secret_file: /run/secrets/hook}\n", "", "needs hooks.delivery"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := settings.Read(settings.Source{File: []byte(hookShop + strings.Replace(hooks, c.old, c.new, 1))})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// Where a name is not a whole path it is not found beside the shop file, as all other files are.
func TestSecretFile(t *testing.T) {
	file := hookShop + strings.Replace(hooks, "/run/secrets/hook,", "secret,", 1) + `webhooks: [{id: erp, url: "https://www.shop.example/events", secret_file: conf/secret}]
`
	_, warnings, err := settings.Read(settings.Source{File: []byte(file)})
	if err != nil || len(warnings) != 2 || !strings.Contains(warnings[0], "hooks.validate.secret_file: is looked for in the directory in which shopd is started") ||
		!strings.Contains(warnings[1], "webhooks[0].secret_file: is looked for") {
		t.Errorf("%v %q", err, warnings)
	}
}

const hookShop = `name: Shop
contact: {email: hello@shop.example}
pages: {terms: "https://www.shop.example/terms"}
markets:
  - country: SE
    currency: SEK
    locales: [sv-SE]
    tax: {standard: 25}
    delivery: [{id: agent, name: Ombud, price: 4900, pickup_points: hook}]
`
