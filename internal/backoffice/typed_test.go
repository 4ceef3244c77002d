package backoffice_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// keysOf returns the keys of Redis that match.
func (o *office) keysOf(pattern string) []string {
	o.T.Helper()
	keys, err := o.Client.Keys(o.T.Context(), pattern).Result()
	if err != nil {
		o.T.Fatal(err)
	}
	return keys
}

// forgets deletes the keys of Redis that match, as time does.
func (o *office) forgets(pattern string) {
	o.T.Helper()
	for _, key := range o.keysOf(pattern) {
		if err := o.Client.Del(o.T.Context(), key).Err(); err != nil {
			o.T.Fatal(err)
		}
	}
}

// What staff have typed comes back after they had to sign in again: on each page where
// something is typed, once, for who typed it. It is in no address, and nowhere in the clear.
func TestTypedComesBack(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, other := d.buy(), d.buy()
	secret := "Hemligagatan 7"
	for _, tc := range []struct {
		name, page string
		send       func(c clerk) (path string, form url.Values)
		shows      map[string]string // by selector: a value, or a text
	}{
		{"the form of a capture", "/capture", func(c clerk) (string, url.Values) {
			return c.sends(c.open(o, "capture"), "what", "lines", mugField, "3", "description", secret)
		}, map[string]string{"[name='" + mugField + "']": "3", "[name=description]": secret}},
		{"the question of a capture", "/capture", func(c clerk) (string, url.Values) {
			question := c.submit(c.open(o, "capture"), "what", "lines", mugField, "2", "description", secret)
			return c.sends(question)
		}, map[string]string{"[name='" + mugField + "']": "2", "[name=description]": secret}},
		{"the references", "/references", func(c clerk) (string, url.Values) {
			return c.sends(c.open(o, "references"), "reference2", secret)
		}, map[string]string{"[name=reference2]": secret}},
		{"an address", "/shipping-address", func(c clerk) (string, url.Values) {
			return c.sends(c.open(o, "shipping-address"), "street", secret, "city", "")
		}, map[string]string{"[name=street]": secret, "[name=city]": ""}},
		{"a form that was wrong", "/shipping-info", func(c clerk) (string, url.Values) {
			return c.sends(c.open(o, "shipping-info"), "carrier", secret, "link", "no link")
		}, map[string]string{"[name=carrier]": secret}},
		{"a cancel, where nothing is typed", "/cancel", func(c clerk) (string, url.Values) {
			return c.sends(c.open(o, "cancel"))
		}, map[string]string{"h1": "Cancel"}},
		{"the stock", "/admin/stock/MUG-1", func(c clerk) (string, url.Values) {
			return c.sends(c.look("/admin/stock/MUG-1"), "what", "more", "quantity", "12", "reason", secret)
		}, map[string]string{"[name=what] [selected]": "There are more, by", "[name=quantity]": "12", "[name=reason]": secret}},
		{"ticked orders", "/admin/bulk", func(clerk) (string, url.Values) {
			return "/admin/bulk", url.Values{"action": {"capture"}, "order": {o.OrderID, other.OrderID}}
		}, map[string]string{"h1": "of 2 orders?", "main": o.Number}},
		{"ticked orders, confirmed", "/admin/bulk", func(clerk) (string, url.Values) {
			return "/admin/bulk/start", url.Values{"action": {"capture"}, "order": {o.OrderID, other.OrderID}, "key": {"6f6d4b1c-2f6e-4ad1-8f2f-5b3a5c9a7f10"}}
		}, map[string]string{"h1": "of 2 orders?"}},
		{"a note", "", func(c clerk) (string, url.Values) {
			return "/admin/orders/" + o.Number, url.Values{"key": {"6f6d4b1c-2f6e-4ad1-8f2f-5b3a5c9a7f11"}, "note": {secret}}
		}, map[string]string{"#f-note": secret, "main": "Here is what you typed."}},
		{"a question before personal data goes", "/erase", func(c clerk) (string, url.Values) {
			return "/admin/orders/" + o.Number + "/erase", url.Values{"x": {secret}}
		}, map[string]string{"main": "is not possible"}},
		{"that a flag is dealt with", "", func(clerk) (string, url.Values) {
			return "/admin/orders/" + o.Number + "/flag", url.Values{"done": {"oversold"}}
		}, map[string]string{"main": "You were signed out before this was sent."}},
		{"a sync", "/admin/inspect", func(c clerk) (string, url.Values) {
			return "/admin/inspect/sync", url.Values{"cart": {o.OrderID}}
		}, map[string]string{"[name=q]": o.OrderID, "main": "Nothing was done yet."}},
		{"a search", "/admin/", func(clerk) (string, url.Values) {
			return "/admin/search", url.Values{"q": {o.Number}}
		}, map[string]string{"[name=q]": o.Number}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			page := tc.page
			if !strings.HasPrefix(page, "/admin/") {
				page = "/admin/orders/" + o.Number + page
			}
			ada := d.clerk("ada")
			path, form := tc.send(ada)
			d.forgets("shopd:staff:*")
			led := ada.Submit(path, form)
			to := led.Header.Get("Location")
			if led.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/admin/sign-in?return_to=") || strings.Contains(to, "Hemliga") {
				t.Fatalf("sent without a session: %d to %q", led.StatusCode, to)
			}
			ada.look(to).says("main", "Sign in within 15 minutes, and you get back what you typed.")
			for _, key := range d.keysOf("shopd:staff_*") {
				if text := d.Client.Get(t.Context(), key).Val(); strings.Contains(text, "Hemliga") || strings.Contains(text, o.Number) {
					t.Errorf("%s says in the clear what was typed", key)
				}
			}
			u, _ := url.Parse(to)
			in := ada.SignIn("ada", password, u.Query().Get("return_to"))
			if in.StatusCode != http.StatusSeeOther {
				t.Fatalf("sign-in: %d", in.StatusCode)
			}
			ada.look("/admin/stock") // another page does not take it
			got := ada.look(in.Header.Get("Location"))
			for got.StatusCode == http.StatusSeeOther {
				got = ada.look(got.Header.Get("Location"))
			}
			for selector, want := range tc.shows {
				found := got.Find(selector)
				value, has := found.Attr("value")
				if _, choice := found.Attr("selected"); choice || !has {
					value = found.Text()
				}
				if found.Length() == 0 || value != want && !strings.Contains(value, want) || want == "" && value != "" {
					t.Errorf("%s says %q, want %q\n%s", selector, value, want, got.part("main"))
				}
			}
			if n := len(d.keysOf("shopd:staff_form:*")); n != 0 {
				t.Errorf("%d forms are still kept", n)
			}
			if again := ada.look(page); strings.Contains(again.Text, "Hemliga") {
				t.Error("the form is filled a second time")
			}
		})
	}
	d.amounts(o, all, 0, 0)
	d.amounts(other, all, 0, 0)
}

// sends returns the request of a page's form with some fields changed.
func (c clerk) sends(p page, fields ...string) (path string, form url.Values) {
	c.T.Helper()
	return p.action(), p.fields(fields...)
}

// Nothing comes back for anybody but who typed it, nor when it is too late; and only a
// browser of somebody who was signed in can leave a form behind.
func TestTypedIsNobodyElses(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o := d.buy()
	page := "/admin/orders/" + o.Number + "/capture"
	const note = "Here is what you typed."
	for _, tc := range []struct {
		name    string
		between func(c clerk) // after the form was opened
		after   func(c clerk) // after it was sent
		in      string        // who signs in
		kept    int           // forms, before the sign-in
		back    bool
	}{
		{"the same person", func(clerk) { d.forgets("shopd:staff:*") }, nil, "ada", 1, true},
		{"somebody else", func(clerk) { d.forgets("shopd:staff:*") }, nil, "bea", 1, false},
		{"somebody who may not", func(clerk) { d.forgets("shopd:staff:*") }, nil, "bo", 1, false},
		{"too late", func(clerk) { d.forgets("shopd:staff:*") }, func(clerk) { d.forgets("shopd:staff_form:*") }, "ada", 1, false},
		{"signed out", func(c clerk) { c.send("POST", "/admin/sign-out", nil) }, nil, "ada", 0, false},
		{"another browser", func(c clerk) { d.forgets("shopd:staff:*") }, func(c clerk) { *c.Browser = *d.Browser() }, "ada", 1, false},
		{"from another site", func(c clerk) { d.forgets("shopd:staff:*"); c.Header.Set("Sec-Fetch-Site", "cross-site") }, func(c clerk) { c.Header.Del("Sec-Fetch-Site") }, "ada", 0, false},
		{"a token that never was", func(c clerk) {
			*c.Browser = *d.Browser()
			c.Header.Set("Cookie", "shopd-staff=made-up")
		}, func(c clerk) { c.Header.Del("Cookie") }, "ada", 0, false},
		{"nobody", func(c clerk) { *c.Browser = *d.Browser() }, nil, "ada", 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d.forgets("shopd:staff_form:*")
			c := d.clerk("ada")
			path, form := c.sends(c.open(o, "capture"), "description", "typed by ada")
			tc.between(c)
			c.Submit(path, form)
			if got := len(d.keysOf("shopd:staff_form:*")); got != tc.kept {
				t.Errorf("%d forms are kept, want %d", got, tc.kept)
			}
			if tc.after != nil {
				tc.after(c)
			}
			if in := c.SignIn(tc.in, password, page); in.StatusCode != http.StatusSeeOther {
				t.Fatalf("sign-in: %d", in.StatusCode)
			}
			got := c.look(page)
			if back := strings.Contains(got.Text, "typed by ada"); back != tc.back || strings.Contains(got.Text, note) != tc.back {
				t.Errorf("it came back: %t, want %t", back, tc.back)
			}
		})
	}
}

// What was typed for an order that has changed meanwhile comes back with what changed.
func TestTypedForAChangedOrder(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o := d.buy()
	ada := d.clerk("ada")
	path, form := ada.sends(ada.open(o, "capture"), "what", "lines", mugField, "1", "description", "typed by ada")
	d.forgets("shopd:staff:*")
	ada.Submit(path, form)
	d.clerk("bea").act(o, "capture", "what", "lines", mugField, "2")
	ada.SignIn("ada", password, "")
	got := ada.look("/admin/orders/" + o.Number + "/capture")
	if got.Find("[name=description]").AttrOr("value", "") != "typed by ada" || !strings.Contains(got.part("main"), "bea") {
		t.Errorf("%d %s", got.StatusCode, got.part("main"))
	}
}
