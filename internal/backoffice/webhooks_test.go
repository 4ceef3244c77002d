package backoffice_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/until"
)

// Staff see what an endpoint was told and what it answered, send again, one or all since a
// time, and switch it on; who may look can do none of it.
func TestWebhooks(t *testing.T) {
	var status, calls atomic.Int64
	status.Store(500)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(endpoint.Close)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), 0o600); err != nil {
		t.Fatal(err)
	}
	told := *skerry.Version().Shop
	told.Webhooks = []settings.Webhook{{ID: "shop", URL: endpoint.URL + "/?key=hunter2", Events: []string{"order.created"}, SecretFile: secret}}
	o := newOfficeOf(t, shoptest.Options{Version: publish.NewVersion(1, &told, skerry.Version().Catalog)})
	o.Beside(o.Events.Run)
	o.Beside(o.Deliveries.Run)
	rows := func(where string) int64 { return o.Number("select count(*) from event_deliveries where " + where) }
	until.Holds(t, "the receiver has begun", func() bool { return o.Number("select count(*) from event_cursors") == 1 })
	sold := o.buy()
	until.Holds(t, "the first try has failed", func() bool { return rows("problem = 'answered 500'") == 1 })

	const page = "/admin/webhooks/shop"
	ada, bo := o.clerk("ada"), o.clerk("bo")
	list := ada.look("/admin/webhooks")
	if text := list.Find("table").Text(); !strings.Contains(text, "shop") || !strings.Contains(text, "order.created") || list.Find(`nav a[href="/admin/webhooks"]`).Length() != 1 {
		t.Errorf("the list: %s", text)
	}
	one := ada.look(page)
	if strings.Contains(one.Find("html").Text(), "hunter2") {
		t.Error("the page has the query of the address")
	}
	if text := one.Find("main").Text(); !strings.Contains(text, "answered 500; next try") || !strings.Contains(text, "order.created") || one.Find(`a[href="/admin/orders/`+sold.Number+`"]`).Length() != 1 {
		t.Errorf("the endpoint: %s", text)
	}
	if waiting, taken := ada.look(page+"?state=waiting").Find(".stocks tbody form").Length(), ada.look(page+"?state=delivered").Find(".stocks tbody form").Length(); waiting != 1 || taken != 0 {
		t.Errorf("%d wait, %d are delivered", waiting, taken)
	}
	again, _ := one.Find(`.stocks tbody form`).Attr("action")
	for _, path := range []string{again, page + "/again", page + "/on"} {
		if got := bo.Submit(path, url.Values{"since": {"2026-01-01T00:00"}}); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s by who may look: %d", path, got.StatusCode)
		}
	}
	if bo.look(page).Find("main form").Length() != 0 {
		t.Error("who may look sees a form")
	}

	status.Store(204)
	if got := ada.Submit(again, nil); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("again: %d %s", got.StatusCode, got.Text)
	}
	until.Holds(t, "it is delivered", func() bool { return rows("done_at is not null and due_at is null") == 1 })
	before := calls.Load()
	for _, typed := range []url.Values{{"since": {"yesterday"}}, {}} {
		if got := ada.Submit(page+"/again", typed); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %d", typed, got.StatusCode)
		}
	}
	for path, since := range map[string]string{again: "", page + "/again": "2026-11-20T09:15"} { // a session that has ended
		o.forgets("shopd:staff:*")
		u, err := url.Parse(ada.Submit(path, url.Values{"since": {since}, "all": {"1"}}).Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		in := ada.SignIn("ada", password, u.Query().Get("return_to"))
		got := ada.look(in.Header.Get("Location"))
		got.says("main", "You were signed out before this was sent. Nothing was done yet.")
		if typed := got.Find("[name=since]").AttrOr("value", ""); since != "" && typed != since || got.Has("[name=all][checked]").Length() != 1 {
			t.Errorf("%s: since %q comes back", path, typed)
		}
	}
	since := time.Now().Add(-26 * time.Hour).Format("2006-01-02T15:04")
	if got := ada.Submit(page+"/again", url.Values{"since": {since}, "all": {"1"}}); got.StatusCode != http.StatusSeeOther {
		t.Errorf("all again: %d", got.StatusCode)
	}
	until.Holds(t, "all are told again", func() bool { return calls.Load() == before+1 && rows("done_at is not null") == 1 })

	status.Store(410)
	o.buy()
	until.Holds(t, "it is off", func() bool { return o.Number("select count(*) from webhook_endpoints") == 1 })
	if text := ada.look(page).Find("main").Text(); !strings.Contains(text, "Switched off since") || !strings.Contains(text, "it answered 410") {
		t.Errorf("off: %s", text)
	}
	p := browsertest.Open(t, browsertest.Options{})
	o.enter(p)
	for name, path := range map[string]string{"webhooks": "/admin/webhooks", "webhook that is off": page} {
		p.Go(o.URL + path)
		audit(p, name)
		fits(t, p, name)
	}
	if got := ada.Submit(page+"/on", nil); got.StatusCode != http.StatusSeeOther || o.Number("select count(*) from webhook_endpoints") != 0 {
		t.Errorf("on: %d", got.StatusCode)
	}
	p.Go(o.URL + page)
	audit(p, "webhook")
	fits(t, p, "webhook")
	if got := ada.Get("/admin/webhooks/other"); got.StatusCode != http.StatusNotFound {
		t.Errorf("another endpoint: %d", got.StatusCode)
	}
	for _, query := range []string{"?state=x", "?before=x", "?before=-1"} {
		if got := ada.Get(page + query); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", query, got.StatusCode)
		}
	}
}
