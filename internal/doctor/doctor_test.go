package doctor_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/doctor"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/webhook"
)

// server answers with a handler, at an address.
func server(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// closed is an address at which nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(nil)
	s.Close()
	return s.URL
}

// merchant is a doctor's shop with one endpoint and a hook at an address.
func merchant(t *testing.T, d *doctor.Doctor, w *shoptest.World, at, secret string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	version := *w.Published.Now()
	changed := *version.Shop
	changed.Webhooks = []settings.Webhook{{ID: "erp", URL: at, Events: []string{"*"}, SecretFile: file}}
	changed.Hooks.Validate = &settings.Hook{URL: at, SecretFile: file, Timeout: time.Second}
	version.Shop = &changed
	d.Published = publish.Fixed(&version)
	d.Webhooks = webhook.New(w.DB, d.Published, "http://shop.example", slog.New(slog.DiscardHandler), nil)
}

const goodSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// Each thing is broken once, and is told of with what to do; nothing else is wrong then, and no
// secret is said.
func TestDoctor(t *testing.T) {
	w := shoptest.Serve(t, shoptest.Options{Config: func(c *shop.Config) { c.Mail = &mail.Shown{} }})
	client := func(d *doctor.Doctor, base, password string) {
		t.Helper()
		var err error
		if d.Klarna, err = klarna.NewClient(klarna.Config{BaseURL: base, Username: "demo", Password: password}); err != nil {
			t.Fatal(err)
		}
	}
	ours := func(r *http.Request) (nonce string) { // what the shop itself would be asked
		if nonce = r.URL.Query().Get("nonce"); nonce == "" {
			var said struct{ Nonce string }
			_ = json.NewDecoder(r.Body).Decode(&said)
			nonce = said.Nonce
		}
		return nonce
	}
	set := func(t *testing.T, name, value string) {
		t.Helper()
		was, err := w.Client.ConfigGet(t.Context(), name).Result()
		if err == nil {
			err = w.Client.ConfigSet(t.Context(), name, value).Err()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.Client.ConfigSet(context.Background(), name, was[name]) })
	}
	as := func(t *testing.T, d *doctor.Doctor, rules ...any) { // a user of Redis, after all rights
		t.Helper()
		if err := w.Client.Do(t.Context(), append([]any{"ACL", "SETUSER", "few", "reset", "on", ">few", "~*", "+@all"}, rules...)...).Err(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.Client.Do(context.Background(), "ACL", "DELUSER", "few") })
		options := *w.Client.(*redis.Client).Options()
		options.Username, options.Password = "few", "few"
		d.Redis = redis.NewClient(&options)
		t.Cleanup(func() { _ = d.Redis.Close() })
	}
	for _, tt := range []struct {
		name   string
		broken func(t *testing.T, d *doctor.Doctor)
		want   []string // of each what must be said, with its part before the colon
	}{
		{"nothing", func(*testing.T, *doctor.Doctor) {}, nil},
		{"the password", func(_ *testing.T, d *doctor.Doctor) { client(d, w.Fake.URL, "hunter2") },
			[]string{"klarna: refuses our credentials for checkout", "klarna: refuses our credentials for ordermanagement"}},
		{"Klarna is away", func(t *testing.T, d *doctor.Doctor) { client(d, closed(t), "demo") },
			[]string{"klarna: does not answer for checkout", "klarna: does not answer for ordermanagement"}},
		{"the account", func(t *testing.T, d *doctor.Doctor) {
			client(d, server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }), "demo")
		}, []string{"klarna: forbids what we ask of checkout", "klarna: forbids what we ask of ordermanagement"}},
		{"the clock of Klarna", func(t *testing.T, d *doctor.Doctor) {
			client(d, server(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
				w.WriteHeader(http.StatusNotFound)
			}), "demo")
		}, []string{"klarna: clock"}},
		{"the region", func(_ *testing.T, d *doctor.Doctor) { d.KlarnaHost = "api-oc.klarna.com" }, slices.Repeat([]string{"klarna: of another region"}, len(w.Published.Now().Shop.Markets))},
		{"nobody listens", func(t *testing.T, d *doctor.Doctor) { d.PublicURL = closed(t) }, []string{"public address: takes no connections"}},
		{"no such name", func(_ *testing.T, d *doctor.Doctor) { d.PublicURL = "http://shop.invalid" }, []string{"public address: leads nowhere"}},
		{"a redirect", func(t *testing.T, d *doctor.Doctor) {
			d.PublicURL = server(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://www.shop.example"+r.URL.Path, http.StatusMovedPermanently)
			})
		}, []string{"public address: redirects (301) to https://www.shop.example"}},
		{"another server", func(t *testing.T, d *doctor.Doctor) {
			d.PublicURL = server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
		}, []string{"public address: is not this shop"}},
		{"another shop", func(t *testing.T, d *doctor.Doctor) { d.PublicURL = server(t, http.NotFound) }, []string{"public address: is not this shop (404)"}},
		{"a certificate of nobody's", func(t *testing.T, d *doctor.Doctor) {
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			s.StartTLS()
			t.Cleanup(s.Close)
			d.PublicURL = s.URL
		}, []string{"public address: an authority that nobody knows"}},
		{"it does not answer in time", func(t *testing.T, d *doctor.Doctor) {
			d.Limit = 2 * time.Second
			d.PublicURL = server(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}, []string{"public address: does not answer in time"}},
		{"POSTs are blocked", func(t *testing.T, d *doctor.Doctor) {
			d.CallbackURL = server(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					w.WriteHeader(http.StatusForbidden)
					return
				}
				_ = json.NewEncoder(w).Encode(map[string]string{"proof": doctor.Proof(d.Signer, ours(r))})
			})
		}, []string{"callbacks: blocks a POST"}},
		{"Redis is away", func(t *testing.T, d *doctor.Doctor) {
			c := redis.NewClient(&redis.Options{Addr: strings.TrimPrefix(closed(t), "http://"), MaxRetries: -1})
			t.Cleanup(func() { _ = c.Close() })
			d.Redis = c
		}, []string{"redis: does not answer"}},
		{"Redis refuses TIME", func(t *testing.T, d *doctor.Doctor) {
			as(t, d, "-time")
			set(t, "maxmemory-policy", "allkeys-lru") // it is looked at all the same
		}, []string{"redis: carts disappear"}},
		{"Redis throws carts away", func(t *testing.T, _ *doctor.Doctor) { set(t, "maxmemory-policy", "allkeys-lru") }, []string{"redis: carts disappear"}},
		{"Redis is full", func(t *testing.T, _ *doctor.Doctor) { set(t, "maxmemory", "1mb") }, []string{"redis: takes no writes: OOM", "redis: its memory is full"}},
		{"Redis has no replica", func(t *testing.T, _ *doctor.Doctor) { set(t, "min-replicas-to-write", "1") }, []string{"redis: takes no writes: NOREPLICAS"}},
		{"Redis knows the user no more", func(t *testing.T, d *doctor.Doctor) {
			as(t, d)
			w.Client.Do(t.Context(), "ACL", "DELUSER", "few")
		}, []string{"redis: does not take the user or the password: WRONGPASS"}},
		{"Redis lets nothing be written", func(t *testing.T, d *doctor.Doctor) { as(t, d, "-@write") }, []string{"redis: takes no writes: NOPERM"}},
		{"Redis keeps our keys from us", func(t *testing.T, d *doctor.Doctor) { as(t, d, "resetkeys", "~other:*") }, []string{"redis: takes no writes: NOPERM"}},
		{"Redis is a replica", func(t *testing.T, _ *doctor.Doctor) {
			if err := w.Client.(*redis.Client).ReplicaOf(t.Context(), "127.0.0.1", "1").Err(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { w.Client.(*redis.Client).ReplicaOf(context.Background(), "NO", "ONE") })
		}, []string{"redis: takes no writes: READONLY"}},
		{"no database", func(_ *testing.T, d *doctor.Doctor) {
			d.DB, d.Published, d.DBProblem = nil, nil, errors.New("connect: refused")
		}, []string{"shop: what is published is not known without the database", "database: cannot be opened: connect: refused"}},
		{"old tables", func(t *testing.T, d *doctor.Doctor) {
			d.DB = dbtest.Open(t, db.Config{URL: dbtest.PostgresURL(t)})
			if _, err := d.DB.Exec(t.Context(), "delete from goose_db_version where version_id = $1", db.Schema()); err != nil {
				t.Fatal(err)
			}
		}, []string{"database: this version needs"}},
		{"no rights", func(t *testing.T, d *doctor.Doctor) {
			d.DB = dbtest.Open(t, db.Config{URL: dbtest.PostgresURL(t)})
			if _, err := d.DB.Exec(t.Context(), "revoke delete on orders from current_user"); err != nil {
				t.Fatal(err)
			}
		}, []string{"database: may not read and write orders"}},
		{"a database that is only read", func(t *testing.T, d *doctor.Doctor) {
			d.DB = dbtest.Open(t, db.Config{URL: dbtest.PostgresURL(t) + "&default_transaction_read_only=on"})
		}, []string{"database: takes no writes"}},
		{"nothing is published", func(_ *testing.T, d *doctor.Doctor) { d.Published, d.Unread = nil, publish.ErrNothing }, []string{"shop: nothing is published"}},
		{"what is published cannot be read", func(_ *testing.T, d *doctor.Doctor) { d.Published, d.Unread = nil, errors.New("permission denied") }, []string{"shop: what is published cannot be read: permission denied"}},
		{"no mail server, which may be meant", func(_ *testing.T, d *doctor.Doctor) { d.Mail = func() mail.Sender { return nil } }, nil},
		{"the mail server", func(t *testing.T, d *doctor.Doctor) {
			server, err := mail.ParseSMTP("smtps://user:hunter2@" + strings.TrimPrefix(closed(t), "http://"))
			if err != nil {
				t.Fatal(err)
			}
			d.Mail = func() mail.Sender { return server }
		}, []string{"mail: no connection"}},
		{"the merchant's server", func(t *testing.T, d *doctor.Doctor) { merchant(t, d, w, closed(t), goodSecret) },
			[]string{"webhooks: erp cannot be called", "hooks: validate cannot be asked"}},
		{"a secret", func(t *testing.T, d *doctor.Doctor) { merchant(t, d, w, w.URL, "whsec_hunter2") },
			[]string{"webhooks: the file with the secret", "hooks: the file with the secret"}},
		{"a secret that is not there", func(t *testing.T, d *doctor.Doctor) {
			merchant(t, d, w, w.URL, goodSecret)
			of := d.Published.Now().Shop
			of.Webhooks[0].SecretFile, of.Hooks.Validate.SecretFile = "nosuch", "nosuch"
		}, []string{"webhooks: erp cannot be called: nothing was sent: the file with the secret cannot be read: open /", "hooks: validate cannot be asked: nothing was sent: the file with the secret cannot be read: open /"}},
		{"an endpoint that is off", func(t *testing.T, d *doctor.Doctor) {
			merchant(t, d, w, w.URL, goodSecret)
			w.Exec("insert into webhook_endpoints (id, url, off_at, why) values ('erp', $1, 1, 'it answered 410')", w.URL)
			t.Cleanup(func() { _, _ = w.DB.Exec(context.Background(), "delete from webhook_endpoints") })
		}, []string{"webhooks: erp is switched off"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := *w.Doctor
			tt.broken(t, &d)
			var wrong []string
			for _, f := range d.Examine(t.Context()) {
				if (f.Do == "") != (f.Level == doctor.Right) {
					t.Errorf("%+v: what is not right says what to do, and nothing else does", f)
				}
				for _, secret := range []string{"hunter2", shoptest.Secret, d.Signer.CallbackToken(), goodSecret} {
					if strings.Contains(f.Says+f.Do, secret) {
						t.Errorf("a secret is said: %+v", f)
					}
				}
				// The databases of tests are fast, and not safe.
				if f.Level == doctor.Wrong && !strings.HasPrefix(f.Says, "fsync") && !strings.HasPrefix(f.Says, "full_page_writes") && !strings.HasPrefix(f.Says, "synchronous_commit") {
					wrong = append(wrong, f.About+": "+f.Says)
				}
			}
			if len(wrong) != len(tt.want) {
				t.Fatalf("wrong is\n%s\nwant %q", strings.Join(wrong, "\n"), tt.want)
			}
			for i, want := range tt.want {
				about, says, _ := strings.Cut(want, ": ")
				if !strings.HasPrefix(wrong[i], about+": ") || !strings.Contains(wrong[i], says) {
					t.Errorf("wrong is %q, want %q", wrong[i], want)
				}
			}
		})
	}
}
