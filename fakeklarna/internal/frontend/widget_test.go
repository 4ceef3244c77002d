package frontend_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
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

// send makes a request to the fake and returns what it answered.
func (h *payShop) send(method, path, body string, header map[string]string) (int, http.Header, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.fake.URL+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(answer)
}

func TestWidgetLibraryIsServed(t *testing.T) {
	h := newPayShop(t)
	status, header, body := h.send("GET", "/kp/lib/v1/api.js", "", nil)
	if status != http.StatusOK || !strings.Contains(body, "klarnaAsyncCallback") {
		t.Fatalf("%d %s", status, body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff",
		"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if status, _, _ := h.send("GET", "/kp/lib/v1/api.js", "", map[string]string{"If-None-Match": header.Get("ETag")}); status != http.StatusNotModified {
		t.Errorf("asked again: %d, want 304", status)
	}
}

func TestWidgetPages(t *testing.T) {
	h := newPayShop(t)
	for _, page := range []string{"/kp/widget", "/kp/dialog"} {
		t.Run(page, func(t *testing.T) {
			status, header, body := h.send("GET", page, "", nil)
			if got := header.Get("Content-Security-Policy"); status != http.StatusOK || !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
				t.Errorf("%d, policy %q", status, got)
			}
			doc := faketest.Parse(t, body)
			if got := doc.Inline(); len(got) > 0 {
				t.Errorf("inline: %v", got)
			}
			for _, e := range slices.Concat(doc.Find("link"), doc.Find("script")) {
				asset := strings.TrimPrefix(e.Attribute("href")+e.Attribute("src"), "..")
				if status, header, _ := h.send("GET", asset, "", nil); status != http.StatusOK || !strings.Contains(header.Get("Cache-Control"), "immutable") {
					t.Errorf("%s: %d", asset, status)
				}
			}
		})
	}
}

func TestWidgetNeedsTheSessionsToken(t *testing.T) {
	h := newPayShop(t)
	own, other := h.session(nil), h.session(nil)
	const scheme = "KlarnaPayments "
	for _, tt := range []struct {
		name, id, auth string
		want           int
	}{
		{"own token", own.SessionID, scheme + own.ClientToken, 200},
		{"another session's", own.SessionID, scheme + other.ClientToken, 401},
		{"none", own.SessionID, "", 401},
		{"without its scheme", own.SessionID, own.ClientToken, 401},
		{"without its signature", own.SessionID, scheme + own.ClientToken[:strings.LastIndex(own.ClientToken, ".")+1], 401},
		{"the merchant's credentials", own.SessionID, "Basic ZGVtbzpkZW1v", 401},
		{"unknown session", "00000000-0000-0000-0000-000000000000", scheme + own.ClientToken, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for method, body := range map[string]string{"GET": "", "POST": `{"load":{}}`} {
				status, header, answer := h.send(method, "/kp/sessions/"+tt.id, body, map[string]string{"Authorization": tt.auth})
				if status != tt.want || header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s = %d, want %d; %v", method, status, tt.want, header)
				}
				if tt.want != 200 && answer != "" {
					t.Errorf("%s answered %q", method, answer)
				}
				if header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s may be read by other sites", method)
				}
			}
		})
	}
	t.Run("expired session", func(t *testing.T) {
		h.fake.Advance(49 * time.Hour)
		if status, _, _ := h.send("GET", "/kp/sessions/"+own.SessionID, "", map[string]string{"Authorization": scheme + own.ClientToken}); status != http.StatusUnauthorized {
			t.Errorf("status = %d, want 401", status)
		}
	})
}

func TestWidgetActions(t *testing.T) {
	h := newPayShop(t)
	for _, tt := range []struct {
		name, body string
		want       int
		answer     string // what it must contain
	}{
		{"load", `{"load":{"category":"pay_later"}}`, 200, `"outcome":{"approved":false,"show_form":true}`},
		{"approved", `{"authorize":{"category":"pay_later"}}`, 200, `"outcome":{"approved":true,"show_form":true,"authorization_token":"`},
		{"closed", `{"authorize":{"category":"pay_later","decision":"close"}}`, 200, `"outcome":{"approved":false,"show_form":true`},
		{"not JSON", `load`, 400, ""},
		{"nothing", `{}`, 400, ""},
		{"an unknown decision", `{"authorize":{"decision":"perhaps"}}`, 400, ""},
		{"a field that is none", `{"authorize":{"typed":{"shoe_size":"43"}}}`, 400, ""},
		{"too large", `{"load":{"data":{"merchant_data":"` + strings.Repeat("x", 1<<20) + `"}}}`, 400, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			made := h.session(told("ada@example.com"))
			status, _, answer := h.send("POST", "/kp/sessions/"+made.SessionID, tt.body, map[string]string{"Authorization": "KlarnaPayments " + made.ClientToken})
			if status != tt.want || !strings.Contains(answer, tt.answer) {
				t.Errorf("%d %s, want %d %s", status, answer, tt.want, tt.answer)
			}
		})
	}
}

// What the dialog asks for in each market, and how parts add up.
func TestWidgetSession(t *testing.T) {
	h := newPayShop(t)
	full := told("ada@example.com")["billing_address"].(map[string]any)
	german := maps.Clone(full)
	german["country"], german["postal_code"] = "DE", "10115"
	for _, tt := range []struct {
		name    string
		more    map[string]any
		missing string
		methods string // each with its parts
	}{
		{"Sweden, nothing told", nil, "email given_name family_name street_address postal_code city phone",
			"pay_later 447 kr, pay_now 447 kr, pay_over_time 149 kr+149 kr+149 kr"},
		{"all told", told("ada@example.com"), "", "pay_later 447 kr, pay_now 447 kr, pay_over_time 149 kr+149 kr+149 kr"},
		{"Germany", map[string]any{"purchase_country": "DE", "purchase_currency": "EUR", "billing_address": german}, "date_of_birth",
			"pay_later 447,00 €, pay_now 447,00 €, pay_over_time 149,00 €+149,00 €+149,00 €"},
		{"Germany, born", map[string]any{"purchase_country": "DE", "purchase_currency": "EUR", "billing_address": german, "customer": map[string]any{"date_of_birth": "1980-01-02"}}, "",
			"pay_later 447,00 €, pay_now 447,00 €, pay_over_time 149,00 €+149,00 €+149,00 €"},
		{"a German company", map[string]any{"purchase_country": "DE", "purchase_currency": "EUR", "billing_address": german, "customer": map[string]any{"type": "organization"}}, "organization_name",
			"pay_later 447,00 €"},
		{"a Swedish company", map[string]any{"customer": map[string]any{"type": "organization"}}, "email organization_name organization_registration_id given_name family_name street_address postal_code city phone",
			"pay_later 447 kr"},
		{"United States", map[string]any{"purchase_country": "US", "purchase_currency": "USD", "locale": "en-US", "order_tax_amount": 0, "order_amount": 1000,
			"order_lines": []any{map[string]any{"name": "Mug", "quantity": 1, "unit_price": 1000, "total_amount": 1000}}},
			"email given_name family_name street_address postal_code city region phone",
			"pay_later $10.00, pay_now $10.00, pay_over_time $3.34+$3.33+$3.33"},
		{"only what is paid at once", told("ada+red@example.com"), "", "pay_now 447 kr"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			made := h.session(tt.more)
			_, _, body := h.send("GET", "/kp/sessions/"+made.SessionID, "", map[string]string{"Authorization": "KlarnaPayments " + made.ClientToken})
			var got struct {
				Session struct {
					Methods []struct {
						ID    string
						Parts []struct {
							AmountText string `json:"amount_text"`
						}
					}
					Missing []struct{ Name string }
				}
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			var missing, methods []string
			for _, f := range got.Session.Missing {
				missing = append(missing, f.Name)
			}
			for _, m := range got.Session.Methods {
				var parts []string
				for _, p := range m.Parts {
					parts = append(parts, strings.ReplaceAll(p.AmountText, "\u00a0", " "))
				}
				methods = append(methods, m.ID+" "+strings.Join(parts, "+"))
			}
			if diff := cmp.Diff(tt.missing, strings.Join(missing, " ")); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.methods, strings.Join(methods, ", ")); diff != "" {
				t.Errorf("methods (-want +got):\n%s", diff)
			}
		})
	}
}

// Every text of the widget exists in every language with the same placeholders,
// and is used; every text that is used exists.
func TestWidgetTexts(t *testing.T) {
	var own, frame map[string]map[string]string
	for name, into := range map[string]*map[string]map[string]string{"widget-texts.json": &own, "texts.json": &frame} {
		data, err := os.ReadFile("../web/assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, into); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"da", "de", "en", "fi", "nb", "nl", "sv"}, slices.Sorted(maps.Keys(own))); diff != "" {
		t.Errorf("languages (-want +got):\n%s", diff)
	}
	placeholder := regexp.MustCompile(`\{\d\}`)
	for language, of := range own {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(own["en"])), slices.Sorted(maps.Keys(of))); diff != "" {
			t.Errorf("%s: keys (-en +%s):\n%s", language, language, diff)
		}
		for key, text := range of {
			got, want := placeholder.FindAllString(text, -1), placeholder.FindAllString(own["en"][key], -1)
			slices.Sort(got) // word order differs
			if !slices.Equal(got, want) || text == "" {
				t.Errorf("%s %s: %q has placeholders %v, want %v", language, key, text, got, want)
			}
		}
	}
	var source strings.Builder
	for _, pattern := range []string{"../web/widget*.html", "../web/assets/widget*.js"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	methods, fields := []string{"pay_later", "pay_now", "pay_over_time"}, []string{"email", "given_name", "family_name", "street_address", "postal_code", "city", "region", "phone", "date_of_birth"}
	used := []string{"error_postal_code_like"}
	for _, name := range methods {
		used = append(used, name+"_note")
	}
	for _, name := range fields {
		used = append(used, name, "error_"+name)
	}
	for _, pattern := range []string{`'([a-z_]+)'`, `data-text="([a-z_]+)"`} {
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(source.String(), -1) {
			used = append(used, found[1])
		}
	}
	for key := range own["en"] {
		if !slices.Contains(used, key) {
			t.Errorf("text %s is not used", key)
		}
	}
	for _, found := range regexp.MustCompile(`(?:\bt\('|data-text=")([a-z_]+)['"]`).FindAllStringSubmatch(source.String(), -1) {
		if own["en"][found[1]] == "" && frame["en"][found[1]] == "" {
			t.Errorf("there is no text %s", found[1])
		}
	}
	for _, key := range used[:1+len(methods)+2*len(fields)] {
		if own["en"][key] == "" && frame["en"][key] == "" {
			t.Errorf("there is no text %s", key)
		}
	}
}
