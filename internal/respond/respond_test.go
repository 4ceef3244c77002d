package respond_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/respond"
)

func request(t *testing.T, body string) *http.Request {
	t.Helper()
	ctx := observe.About(t.Context(), observe.Subject{RequestID: "7Q2K"})
	return httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(body))
}

func TestJSONError(t *testing.T) {
	rec := httptest.NewRecorder()
	respond.JSONError(rec, request(t, ""), http.StatusServiceUnavailable, "busy", "Wait.", map[string]any{"cart_revision": 7})
	want := `{"cart_revision":7,"error":{"code":"busy","message":"Wait.","request_id":"7Q2K"}}`
	if d := cmp.Diff(want, rec.Body.String()); d != "" || rec.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", rec.Code, d)
	}
	h := rec.Header()
	if h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("header = %v", h)
	}
}

func TestPage(t *testing.T) {
	page := templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "<p>hello</p>")
		return errors.Join(err, ctx.Err())
	})
	t.Run("whole page", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the browser has left: still no error
		rec := httptest.NewRecorder()
		rec.Header().Set("Cache-Control", "max-age=60")
		respond.Page(rec, request(t, "").WithContext(ctx), http.StatusNotFound, page)
		if rec.Code != http.StatusNotFound || rec.Body.String() != "<p>hello</p>" {
			t.Errorf("got %d %q", rec.Code, rec.Body)
		}
		h := rec.Header()
		if h.Get("Content-Type") != "text/html; charset=utf-8" || h.Get("Cache-Control") != "max-age=60" {
			t.Errorf("header = %v", h)
		}
	})
	t.Run("broken template sends nothing", func(t *testing.T) {
		rec := httptest.NewRecorder()
		defer func() {
			if recover() == nil || rec.Body.Len() > 0 {
				t.Errorf("no panic, or half a page: %q", rec.Body)
			}
		}()
		respond.Page(rec, request(t, ""), http.StatusOK, templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
			_, _ = io.WriteString(w, "half a page")
			return errors.New("broken")
		}))
	})
}

func TestDecodeJSON(t *testing.T) {
	type line struct {
		SKU      string `json:"sku"`
		Quantity *int   `json:"quantity"`
	}
	type message struct {
		OrderID string `json:"order_id"`
		Lines   []line `json:"lines"`
	}
	for _, tt := range []struct {
		name, body string
		status     int    // 0: accepted
		text       string // in the message
	}{
		{"full", ` {"order_id":"o","lines":[{"sku":"MUG-1","quantity":2}]} ` + "\n", 0, ""},
		{"nothing", `{}`, 0, ""},
		{"empty body", ``, 400, "object"},
		{"null", `null`, 400, "object"},
		{"array", `[]`, 400, "object"},
		{"unknown member", `{"price":1}`, 400, `"price"`},
		{"unknown nested member", `{"lines":[{"price":1}]}`, 400, `"price"`},
		{"trailing object", `{}{}`, 400, "after"},
		{"trailing garbage", `{}x`, 400, "after"},
		{"wrong type", `{"order_id":5}`, 400, `"order_id" must not be a number`},
		{"wrong nested type", `{"lines":[{"quantity":"2"}]}`, 400, `quantity`},
		{"fraction", `{"lines":[{"quantity":1.5}]}`, 400, "quantity"},
		{"overflow", `{"lines":[{"quantity":99999999999999999999}]}`, 400, "quantity"},
		{"truncated", `{"order_id":"o"`, 400, "valid JSON"},
		{"too large", `{"order_id":"` + strings.Repeat("x", 1000) + `"}`, 413, "large"},
		{"white space without end", strings.Repeat(" ", 1000), 413, "large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got message
			err := respond.DecodeJSON(httptest.NewRecorder(), request(t, tt.body), &got, 200)
			if tt.status == 0 {
				if err != nil {
					t.Errorf("error = %v", err)
				}
				return
			}
			bad, ok := errors.AsType[*respond.BadRequest](err)
			if !ok || bad.Status != tt.status || !strings.Contains(bad.Message, tt.text) {
				t.Errorf("error = %#v, want status %d and %q", err, tt.status, tt.text)
			}
		})
	}
}

func TestParseForm(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"good", form, "sku=MUG-1&quantity=2", 0},
		{"good, with a charset", form + ";charset=UTF-8", "sku=MUG-1&quantity=2", 0},
		{"bad escape", form, "sku=%zz", 400},
		{"too large", form, "sku=" + strings.Repeat("x", 1000), 413},
		{"JSON", "application/json", `{"quantity":2}`, 415},
		{"another kind of form", "multipart/form-data; boundary=x", "--x--", 415},
		{"no type", "", "sku=MUG-1&quantity=2", 415},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, tt.body)
			r.Header.Set("Content-Type", tt.contentType)
			err := respond.ParseForm(httptest.NewRecorder(), r, 200)
			bad, _ := errors.AsType[*respond.BadRequest](err)
			if got := statusOf(bad); got != tt.status {
				t.Errorf("error = %v, want status %d", err, tt.status)
			}
			if tt.status == 0 && r.PostForm.Get("quantity") != "2" {
				t.Errorf("form = %v", r.PostForm)
			}
		})
	}
}

func statusOf(bad *respond.BadRequest) int {
	if bad == nil {
		return 0
	}
	return bad.Status
}

func TestAllowStyleAttributes(t *testing.T) {
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Security-Policy", "default-src 'self'")
	respond.AllowStyleAttributes(rec)
	want := "default-src 'self'; style-src-attr 'unsafe-inline'"
	if got := rec.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("CSP = %q, want %q", got, want)
	}
}

func TestAllowOrigins(t *testing.T) {
	for _, tt := range []struct {
		name    string
		origins []string
		want    string
	}{
		{"none", nil, "default-src 'self'; frame-src https://a; connect-src 'self' https://a; img-src 'self'; style-src 'self'"},
		{"two", []string{"https://b", "https://*.c"}, "default-src 'self'; frame-src https://a https://b https://*.c; " +
			"connect-src 'self' https://a https://b https://*.c; img-src 'self' https://b https://*.c; style-src 'self'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			rec.Header().Set(respond.CSP, "default-src 'self'; frame-src https://a; connect-src 'self' https://a; img-src 'self'; style-src 'self'")
			respond.AllowOrigins(rec, tt.origins, "frame-src", "connect-src", "img-src")
			if diff := cmp.Diff(tt.want, rec.Header().Get(respond.CSP)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
