package shoptest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Browser is a browser without JavaScript. It keeps cookies and does not follow redirects.
type Browser struct {
	T      testing.TB
	Base   string // scheme://host, before each path
	Client *http.Client
	Header http.Header // sent with each request
}

// Answer is an answer that was read to its end.
type Answer struct {
	*http.Response
	Text string // its body
}

// Browser opens a browser at the world's first process, in Swedish.
func (w *World) Browser() *Browser { w.T.Helper(); return w.BrowserAt(w.URL) }

// BrowserAt opens a browser at another process.
func (w *World) BrowserAt(base string) *Browser {
	w.T.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.T.Fatal(err)
	}
	return &Browser{T: w.T, Base: base, Header: http.Header{"Accept-Language": {"sv-SE"}}, Client: &http.Client{
		Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Try sends a request; contentType and body may be "".
func (b *Browser) Try(ctx context.Context, method, path, contentType, body string) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, b.Base+path, strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	maps.Copy(r.Header, b.Header)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return b.send(r)
}

func (b *Browser) send(r *http.Request) (Answer, error) {
	res, err := b.Client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return Answer{res, string(text)}, err
}

// Do is Try, but an error ends the test.
func (b *Browser) Do(method, path, contentType, body string) Answer {
	b.T.Helper()
	got, err := b.Try(b.T.Context(), method, path, contentType, body)
	if err != nil {
		b.T.Fatal(err)
	}
	return got
}

// Get requests a page.
func (b *Browser) Get(path string) Answer { b.T.Helper(); return b.Do(http.MethodGet, path, "", "") }

// Post sends a form; fields are names and values.
func (b *Browser) Post(path string, fields ...string) Answer {
	b.T.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.Submit(path, form)
}

// Submit sends a form.
func (b *Browser) Submit(path string, form url.Values) Answer {
	b.T.Helper()
	return b.Form(http.MethodPost, path, form)
}

// FormType is the Content-Type of a form.
const FormType = "application/x-www-form-urlencoded"

// Form sends a form by any method. form may be nil.
func (b *Browser) Form(method, path string, form url.Values) Answer {
	b.T.Helper()
	return b.Do(method, path, FormType, form.Encode())
}

// Update sends an update like the open checkout page.
func (b *Browser) Update(body string) Answer {
	b.T.Helper()
	return b.Do(http.MethodPost, "/checkout/update", "application/json", body)
}

// Add puts goods in the cart and fails the test when that is refused.
func (b *Browser) Add(sku, quantity string) {
	b.T.Helper()
	if got := b.Post("/cart/lines", "sku", sku, "quantity", quantity); got.StatusCode != http.StatusSeeOther {
		b.T.Fatalf("add %s: %d\n%s", sku, got.StatusCode, got.Text)
	}
}

// JSON reads a page as JSON into a value.
func (b *Browser) JSON(path string, into any) {
	b.T.Helper()
	r, err := http.NewRequestWithContext(b.T.Context(), http.MethodGet, b.Base+path, nil)
	if err != nil {
		b.T.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	got, err := b.send(r)
	if err = errors.Join(err, json.Unmarshal([]byte(got.Text), into)); err != nil {
		b.T.Fatalf("%s: %s: %v", path, got.Text, err)
	}
}

// Cookie returns the value of a cookie, "" without it.
func (b *Browser) Cookie(name string) string {
	b.T.Helper()
	u, err := url.Parse(b.Base)
	if err != nil {
		b.T.Fatal(err)
	}
	for _, c := range b.Client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// SignIn sends the sign-in form and returns the answer.
func (b *Browser) SignIn(name, word, returnTo string) Answer {
	b.T.Helper()
	return b.Post("/admin/sign-in", "name", name, "password", word, "return_to", returnTo)
}

// Staff returns the browser of a signed-in member of staff, ada or bo.
func (w *World) Staff(name string) *Browser {
	w.T.Helper()
	b := w.Browser()
	if got := b.SignIn(name, Password, ""); got.StatusCode != http.StatusSeeOther {
		w.T.Fatalf("sign in: %d %s", got.StatusCode, got.Text)
	}
	return b
}
