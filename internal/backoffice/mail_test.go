package backoffice_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// newMailing is an office of a shop like the demo, which shows its mails.
func newMailing(t testing.TB) (*office, *mail.Shown) {
	t.Helper()
	shown := &mail.Shown{}
	o := &office{shoptest.Serve(t, shoptest.Options{Config: func(c *shop.Config) {
		behindProxy(c)
		c.Mail = shown
	}})}
	return o, shown
}

// senderFunc is a mail.Sender.
type senderFunc func()

func (f senderFunc) Send(context.Context, *mail.Message) error {
	f()
	return nil
}

var mailKey = regexp.MustCompile(`name="key" value="([^"]+)"`)

// Staff look at a mail and send it again: the timeline says who, and names no address.
func TestMailAgain(t *testing.T) {
	o, shown := newMailing(t)
	s := o.buy("email", "rosen@kvist.example", "family_name", "Rosenkvist")
	b := o.Staff("ada")
	at := "/admin/orders/" + s.Number
	page := at + "/mails/order_placed"
	if got := b.Get(at); !strings.Contains(got.Text, `href="`+page+`"`) || strings.Contains(got.Text, page[:len(page)-len("order_placed")]+"order_shipped") {
		t.Error("the order's page does not offer the mails that fit")
	}
	got := b.Get(page)
	found := mailKey.FindStringSubmatch(got.Text)
	if got.StatusCode != http.StatusOK || found == nil || !strings.Contains(got.Text, "Thank you for your order ("+s.Number+")") || !strings.Contains(got.Text, page+"/body") {
		t.Fatalf("the mail: %d\n%s", got.StatusCode, got.Text)
	}
	for range 2 { // a form that is sent twice is one mail
		if got := b.Post(page, "key", found[1]); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != at {
			t.Fatalf("sent: %d %s", got.StatusCode, got.Text)
		}
	}
	if n := len(shown.List()); n != 1 {
		t.Errorf("%d mails were sent", n)
	}
	entries, err := o.Book.Audit(t.Context(), s.OrderID)
	if err != nil || entries[0].Event != order.AuditMail || entries[0].Staff != "ada" || entries[0].Source != order.ByStaff {
		t.Errorf("the audit: %+v, %v", entries[0], err)
	}
	if got := b.Get(at); !strings.Contains(got.Text, "sent a mail: order placed") {
		t.Error("the timeline does not say it")
	}
	if got := b.Get("/admin/mails"); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, s.Number) || strings.Contains(got.Text, "Rosenkvist") {
		t.Errorf("the list: %d\n%s", got.StatusCode, got.Text)
	}
	for path, want := range map[string]int{
		at + "/mails/order_shipped": 404, at + "/mails/order_refunded": 404, at + "/mails/zebra": 404, at + "/mails/": 404, "/admin/orders/SK-2222-2222/mails/order_placed": 404,
	} {
		if got := b.Get(path); got.StatusCode != want {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	for _, key := range []string{"", "x", "evt_1"} {
		if got := b.Post(page, "key", key); got.StatusCode != http.StatusBadRequest {
			t.Errorf("the key %q: %d", key, got.StatusCode)
		}
	}
	// A database that is gone when the mail is out: nobody is told that nothing has changed.
	o.Mailer.Sender = senderFunc(func() { o.Exec("alter table audit rename to audit_away") })
	key := uuid.NewString()
	if got := b.Post(page, "key", key); got.StatusCode != http.StatusServiceUnavailable || strings.Contains(got.Text, "Nothing ") || !strings.Contains(got.Text, "The mail has probably been sent.") {
		t.Errorf("not written down: %d %s", got.StatusCode, got.Text)
	}
	o.Exec("alter table audit_away rename to audit")
	o.Mailer.Sender = shown
	if got := b.Post(page, "key", key); got.StatusCode != http.StatusSeeOther || len(shown.List()) != 1 {
		t.Errorf("the same form: %d, %d mails", got.StatusCode, len(shown.List()))
	}
	if got := b.Get(at); !strings.Contains(got.Text, "no answer of the mail server yet") {
		t.Error("the timeline does not say that it is not known")
	}
	// Who may only look sees the mail, and sends none.
	bo := o.Staff("bo")
	if got := bo.Get(page); got.StatusCode != http.StatusOK || mailKey.MatchString(got.Text) {
		t.Errorf("one who may look: %d", got.StatusCode)
	}
	if got := bo.Post(page, "key", uuid.NewString()); got.StatusCode != http.StatusForbidden {
		t.Errorf("one who may look sends: %d", got.StatusCode)
	}
	if got := o.Browser().Get(page + "/body"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("a stranger: %d", got.StatusCode)
	}
	if n := len(shown.List()); n != 1 {
		t.Errorf("%d mails were sent", n)
	}
}

// The mail itself runs nothing, whatever was typed, and is shown in our frame alone.
func TestMailBody(t *testing.T) {
	o, _ := newMailing(t)
	s := o.buy("family_name", "<script>alert(1)</script>")
	got := o.Staff("ada").Get("/admin/orders/" + s.Number + "/mails/order_placed/body")
	policy := got.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "sandbox", "frame-ancestors 'self'", "form-action 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy lacks %s: %s", part, policy)
		}
	}
	if strings.Contains(policy, "script-src") || strings.Contains(got.Text, "<script") || !strings.Contains(got.Text, "&lt;script&gt;") || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("policy %s, %v", policy, got.Header)
	}
}

// A mail that is not sent says so, as the timeline does.
func TestMailNotSent(t *testing.T) {
	o := &office{shoptest.Serve(t, shoptest.Options{Config: func(c *shop.Config) {
		behindProxy(c)
		c.Mail, _ = mail.ParseSMTP("smtp://127.0.0.1:1")
	}})}
	s := o.buy()
	b := o.Staff("ada")
	page := "/admin/orders/" + s.Number + "/mails/order_placed"
	if got := b.Post(page, "key", uuid.NewString()); got.StatusCode != http.StatusBadGateway || !strings.Contains(got.Text, "could not be sent now") {
		t.Errorf("the server is away: %d", got.StatusCode)
	}
	if _, err := o.Book.Update(t.Context(), s.OrderID, func(o *order.Order) ([]order.AuditEntry, error) {
		o.BillingAddress.Email = "nobody"
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, got := range []shoptest.Answer{b.Get(page), b.Post(page, "key", uuid.NewString())} {
		if got.StatusCode != http.StatusConflict || !strings.Contains(got.Text, "nobody to write to") {
			t.Errorf("no address: %d", got.StatusCode)
		}
	}
	entries, err := o.Book.Audit(t.Context(), s.OrderID)
	entries = slices.DeleteFunc(entries, func(e order.AuditEntry) bool { return e.Event != order.AuditMail })
	if err != nil || len(entries) != 1 || entries[0].Result != order.Refused || entries[0].Staff != "ada" {
		t.Errorf("the audit: %+v, %v", entries, err)
	}
	if got := b.Get("/admin/orders/" + s.Number); !strings.Contains(got.Text, "tried to send a mail: order placed") {
		t.Error("the timeline does not say that it was not sent")
	}
	if got := b.Get("/admin/mails"); got.StatusCode != http.StatusNotFound {
		t.Errorf("the demo's page: %d", got.StatusCode)
	}
}

// The pages fit, are accessible, and the frame shows the mail.
func TestMailPages(t *testing.T) {
	o, _ := newMailing(t)
	s := o.buy()
	p := browsertest.Open(t, browsertest.Options{})
	o.enter(p)
	page := o.URL + "/admin/orders/" + s.Number + "/mails/order_placed"
	p.Go(page)
	if text := p.Frame("iframe.mail").MustElement("h1").MustText(); text != "Thank you for your order" {
		t.Errorf("the frame says %q", text)
	}
	audit(p, "mail")
	fits(t, p, "mail")
	p.MustElement(".act-confirm .btn").MustClick()
	p.Wait("the timeline", `() => document.body.textContent.includes("sent a mail: order placed")`)
	p.Go(o.URL + "/admin/mails")
	audit(p, "mails")
	fits(t, p, "mails")
}
