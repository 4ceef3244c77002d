package frontend_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

func TestSnippetStructure(t *testing.T) {
	h := faketest.NewHost(t)
	o := h.Order(h.Create(map[string]any{
		"locale": "sv-SE", "gui": map[string]any{"options": []string{"minimal_confirmation"}}, "merchant_reference1": "</script>",
	}))
	doc := faketest.Parse(t, o.HTMLSnippet)
	// The container's style attribute, the style of the fallback, the one script.
	if diff := cmp.Diff([]string{"style", "style", "script"}, doc.Inline()); diff != "" {
		t.Errorf("inline scripts, styles and handlers (-want +got):\n%s", diff)
	}
	container := doc.One(t, "#klarna-checkout-container")
	if !strings.Contains(container.Attribute("style"), "overflow") {
		t.Errorf("style of the container = %q", container.Attribute("style"))
	}
	fallback := container.One(t, "#klarna-unsupported-page")
	for _, tag := range []string{"style", "h2", "button"} {
		fallback.One(t, tag)
	}
	if id := container.One(t, "script").Attribute("id"); id != "klarna-checkout-context" {
		t.Errorf("ID of the script = %q", id)
	}
	script := container.One(t, "script").Text()
	if !strings.Contains(script, "})(this, '_klarnaCheckout', 'klarna-checkout-container', document);") {
		t.Error("the script is not called with the arguments of Klarna's")
	}
	for name, want := range map[string]string{
		"ORDER_URL": h.Fake.URL + "/kco/checkout/orders/" + o.OrderID, "LOCALE": "sv-SE", "ORDER_STATUS": "checkout_incomplete",
		"MERCHANT_NAME": "Skerry", "PURCHASE_COUNTRY": "swe", "PURCHASE_CURRENCY": "SEK", "CLIENT_EVENT_HOST": h.Fake.URL,
	} {
		if got := setting(t, script, name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(script, `GUI_OPTIONS: ["minimal_confirmation"]`) {
		t.Error("GUI_OPTIONS are not the order's")
	}
	if !strings.Contains(container.One(t, "noscript").Text(), "JavaScript. Slå på det") {
		t.Error("not in the order's language")
	}
	other := faketest.Parse(t, h.Order(h.Create(nil)).HTMLSnippet).One(t, "script").Text()
	token := setting(t, script, "AUTH_HEADER")
	if !strings.HasPrefix(token, "KlarnaCheckout ") || token == setting(t, other, "AUTH_HEADER") {
		t.Errorf("AUTH_HEADER %q is not the order's own", token)
	}

	status, header, body := h.Get(setting(t, script, "BOOTSTRAP_SRC"), nil)
	if status != http.StatusOK || !strings.Contains(body, "klarna-checkout-iframe") ||
		!strings.HasPrefix(header.Get("Content-Type"), "text/javascript") || !strings.Contains(header.Get("Cache-Control"), "immutable") {
		t.Errorf("bootstrap: %d %v", status, header)
	}
	event := setting(t, script, "CLIENT_EVENT_HOST") + "/v1/checkout/snippet/load?sid=x&order_status=y&timestamp=1"
	if status, header, _ := h.Get(event, nil); status != http.StatusOK || header.Get("Content-Type") != "image/gif" {
		t.Errorf("client event: %d %v", status, header)
	}
}

// setting returns a string of the snippet's config.
func setting(t *testing.T, script, name string) string {
	t.Helper()
	match := regexp.MustCompile(name + `: (".*"),?\n`).FindStringSubmatch(script)
	if match == nil {
		t.Fatalf("no %s in %s", name, script)
	}
	var value string
	if err := json.Unmarshal([]byte(match[1]), &value); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}

func TestFrameNeedsTheOrdersToken(t *testing.T) {
	h := faketest.NewHost(t)
	id, other := h.Create(nil), h.Create(nil)
	token := func(id string) string {
		return setting(t, faketest.Parse(t, h.Order(id).HTMLSnippet).One(t, "script").Text(), "AUTH_HEADER")
	}
	own, foreign := token(id), token(other)
	for _, tt := range []struct {
		name, id, auth string
		want           int
	}{
		{"own token", id, own, 200},
		{"another order's", id, foreign, 401},
		{"none", id, "", 401},
		{"without its scheme", id, strings.TrimPrefix(own, "KlarnaCheckout "), 401},
		{"unknown order", "00000000-0000-0000-0000-000000000000", own, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, header, _ := h.Get(h.Fake.URL+"/kco/checkout/orders/"+tt.id, map[string]string{"Authorization": tt.auth})
			if status != tt.want || header.Get("Cache-Control") != "no-store" {
				t.Errorf("status = %d, want %d; %v", status, tt.want, header)
			}
		})
	}
	t.Run("expired order", func(t *testing.T) {
		h.Fake.Advance(49 * time.Hour)
		if status, _, body := h.Get(h.Fake.URL+"/kco/checkout/orders/"+id, map[string]string{"Authorization": own}); status != 404 || body != "" {
			t.Errorf("%d %q, want an empty 404", status, body)
		}
	})
}

func TestFrameActions(t *testing.T) {
	h := faketest.NewHost(t)
	id := h.Create(nil)
	auth := setting(t, faketest.Parse(t, h.Order(id).HTMLSnippet).One(t, "script").Text(), "AUTH_HEADER")
	for _, tt := range []struct {
		name, body string
		want       int
	}{
		{"typed", `{"type":{"email":"ada@example.com"}}`, 200},
		{"not JSON", `type`, 400},
		{"an unknown field", `{"type":{"shoe_size":"43"}}`, 400},
		{"too large", `{"type":{"city":"` + strings.Repeat("x", 70_000) + `"}}`, 400},
		{"a country that is none", `{"country":"XX"}`, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.Fake.URL+"/kco/checkout/orders/"+id+"/shopper", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", auth)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != tt.want {
				t.Errorf("status = %d, want %d", res.StatusCode, tt.want)
			}
		})
	}
	if diff := cmp.Diff(map[string]string{"email": "ada@example.com"}, h.Order(id).Fake.Typed); diff != "" {
		t.Errorf("typed (-want +got):\n%s", diff)
	}
}

// What the form asks for in each market; an order's country decides.
func TestFrameFields(t *testing.T) {
	for _, tt := range []struct {
		country, currency string
		more              map[string]any
		want              string // fields; optional ones with a question mark
		methods           string
	}{
		{"SE", "SEK", nil, "email postal_code given_name family_name street_address city phone", "pay_later card bank_account"},
		{"DE", "EUR", map[string]any{"options": map[string]any{"phone_mandatory": false}},
			"email postal_code given_name family_name street_name street_number city phone?", "pay_later card bank_account"},
		{"NL", "EUR", nil, "email postal_code given_name family_name street_name street_number house_extension? city phone", "pay_later card bank_account"},
		{"GB", "GBP", map[string]any{"options": map[string]any{"title_mandatory": true}},
			"email postal_code title given_name family_name street_address city phone", "pay_later card bank_account"},
		{"GB", "GBP", nil, "email postal_code title? given_name family_name street_address city phone", "pay_later card bank_account"},
		{"NO", "NOK", map[string]any{"options": map[string]any{"date_of_birth_mandatory": true}},
			"email postal_code date_of_birth given_name family_name street_address city phone", "pay_later card bank_account"},
		{"SE", "SEK", map[string]any{"options": map[string]any{"verify_national_identification_number": true, "date_of_birth_mandatory": true}},
			"email postal_code national_identification_number given_name family_name street_address city phone", "pay_later card bank_account"},
		{"DE", "EUR", map[string]any{"options": map[string]any{"national_identification_number_mandatory": true}},
			"email postal_code given_name family_name street_name street_number city phone", "pay_later card bank_account"},
		{"SE", "SEK", map[string]any{"options": map[string]any{"allowed_customer_types": []string{"organization"}, "date_of_birth_mandatory": true}},
			"email postal_code organization_name organization_registration_id given_name family_name street_address city phone", "pay_later card bank_account"},
		{"DE", "EUR", map[string]any{"customer": map[string]any{"type": "organization"}, "options": map[string]any{
			"allowed_customer_types": []string{"person", "organization"}, "show_vat_registration_number_field": true}},
			"email postal_code organization_name organization_registration_id? vat_id? given_name family_name street_name street_number city phone", "pay_later card bank_account"},
		{"US", "USD", map[string]any{"options": map[string]any{"allowed_customer_types": []string{"organization"}}},
			"email postal_code given_name family_name street_address city region phone", "pay_later card bank_account"},
		{"US", "USD", nil, "email postal_code given_name family_name street_address city region phone", "pay_later card bank_account"},
		{"SE", "EUR", map[string]any{"billing_countries": []string{"NO", "SE"}},
			"email postal_code country given_name family_name street_address city phone", "card"},
		{"IS", "EUR", nil, "email postal_code given_name family_name street_address city phone", "card"},
	} {
		t.Run(tt.country+" "+tt.currency, func(t *testing.T) {
			h := faketest.NewHost(t)
			more := map[string]any{"purchase_country": tt.country, "purchase_currency": tt.currency}
			maps.Copy(more, tt.more)
			o := h.Order(h.Create(more))
			auth := setting(t, faketest.Parse(t, o.HTMLSnippet).One(t, "script").Text(), "AUTH_HEADER")
			_, _, body := h.Get(h.Fake.URL+"/kco/checkout/orders/"+o.OrderID, map[string]string{"Authorization": auth})
			var frame struct {
				Fields []struct {
					Name, Group string
					Required    bool
				}
				Methods []struct{ ID string }
			}
			if err := json.Unmarshal([]byte(body), &frame); err != nil {
				t.Fatal(err)
			}
			var got, methods []string
			for _, f := range frame.Fields {
				switch {
				case f.Group == "shipping":
					continue
				case !f.Required:
					f.Name += "?"
				}
				got = append(got, f.Name)
			}
			for _, m := range frame.Methods {
				methods = append(methods, m.ID)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if got := strings.Join(methods, " "); got != tt.methods {
				t.Errorf("methods = %s, want %s", got, tt.methods)
			}
		})
	}
}

// A merchant's colour is taken where it can be seen.
func TestFrameColours(t *testing.T) {
	for _, tt := range []struct {
		name        string
		options     map[string]any
		light, dark map[string]string
		radius      int
	}{
		{"none", map[string]any{}, map[string]string{}, map[string]string{}, -1},
		{"a dark button", map[string]any{"color_button": "#0b3d2e", "color_button_text": "#ffffff", "radius_border": "5"},
			map[string]string{"button": "#0b3d2e", "button-text": "#ffffff"}, map[string]string{}, 5},
		{"a text that cannot be read on its button", map[string]any{"color_button": "#0b6e4f", "color_button_text": "#0b7e4f"},
			map[string]string{"button": "#0b6e4f", "button-text": "#ffffff"}, map[string]string{}, -1},
		{"a light button", map[string]any{"color_button": "#ffd84d", "radius_border": "99px"},
			map[string]string{}, map[string]string{"button": "#ffd84d", "button-text": "#000000"}, 24},
		{"links, headings and boxes", map[string]any{"color_link": "#8f8f9b", "color_header": "#12509e", "color_checkbox": "#8f8f9b"},
			map[string]string{"header": "#12509e", "checkbox": "#8f8f9b"}, map[string]string{"link": "#8f8f9b", "checkbox": "#8f8f9b"}, -1},
		{"a radius that is none", map[string]any{"radius_border": "1em"}, map[string]string{}, map[string]string{}, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := faketest.NewHost(t)
			o := h.Order(h.Create(map[string]any{"options": tt.options}))
			auth := setting(t, faketest.Parse(t, o.HTMLSnippet).One(t, "script").Text(), "AUTH_HEADER")
			_, _, body := h.Get(h.Fake.URL+"/kco/checkout/orders/"+o.OrderID, map[string]string{"Authorization": auth})
			var frame struct {
				Palettes map[string]map[string]string
				Radius   int
			}
			if err := json.Unmarshal([]byte(body), &frame); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]map[string]string{"light": tt.light, "dark": tt.dark}, frame.Palettes); diff != "" {
				t.Errorf("palettes (-want +got):\n%s", diff)
			}
			if frame.Radius != tt.radius {
				t.Errorf("radius = %d, want %d", frame.Radius, tt.radius)
			}
		})
	}
}

func TestFramePage(t *testing.T) {
	h := faketest.NewHost(t)
	_, header, body := h.Get(h.Fake.URL+"/kco/checkout/orders/any/frame", nil)
	if got := header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
		t.Errorf("policy = %s", got)
	}
	doc := faketest.Parse(t, body)
	if got := doc.Inline(); len(got) > 0 {
		t.Errorf("inline: %v", got)
	}
	for _, e := range slices.Concat(doc.Find("link"), doc.Find("script")) {
		address, err := url.JoinPath(h.Fake.URL, "/kco/checkout/orders/any/", e.Attribute("href")+e.Attribute("src"))
		if err != nil {
			t.Fatal(err)
		}
		if status, _, _ := h.Get(address, nil); status != http.StatusOK {
			t.Errorf("%s: %d", address, status)
		}
	}
}

// Every text exists in every language with the same placeholders, and is used.
func TestFrameTexts(t *testing.T) {
	var texts map[string]map[string]string
	data, err := os.ReadFile("../web/assets/texts.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &texts); err != nil {
		t.Fatal(err)
	}
	languages := slices.Sorted(maps.Keys(texts))
	if diff := cmp.Diff([]string{"da", "de", "en", "fi", "nb", "nl", "sv"}, languages); diff != "" {
		t.Errorf("languages (-want +got):\n%s", diff)
	}
	placeholders := regexp.MustCompile(`\{\d\}`)
	for language, of := range texts {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(texts["en"])), slices.Sorted(maps.Keys(of))); diff != "" {
			t.Errorf("%s: keys (-en +%s):\n%s", language, language, diff)
		}
		for key, text := range of {
			if got, want := placeholders.FindAllString(text, -1), placeholders.FindAllString(texts["en"][key], -1); !slices.Equal(got, want) || text == "" {
				t.Errorf("%s %s: %q has placeholders %v, want %v", language, key, text, got, want)
			}
		}
	}
	var sources strings.Builder
	for _, pattern := range []string{"../web/*.html", "../web/assets/*.js", "../checkout/fields.go", "../checkout/action.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(source)
		}
	}
	affixes := regexp.MustCompile(`^(error|approve)_|_(note|like)$|^external_`)
	for key := range texts["en"] {
		base := affixes.ReplaceAllString(key, "")
		if !regexp.MustCompile(`['"._}]` + base + `\b`).MatchString(sources.String()) {
			t.Errorf("text %s is not used", key)
		}
	}
}
