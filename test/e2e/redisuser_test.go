package e2e_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// redisUser is the command of docs/operations.md that makes shopd's user of Redis.
func redisUser(t *testing.T, password string) []any {
	t.Helper()
	line := regexp.MustCompile(`(?m)^    (ACL SETUSER shopd .* >)PASSWORD( .*)$`).FindStringSubmatch(read(t, "../../docs/operations.md"))
	if line == nil {
		t.Fatal("docs/operations.md has no command that makes a user")
	}
	var command []any
	for word := range strings.FieldsSeq(line[1] + password + line[2]) {
		command = append(command, word)
	}
	return command
}

// A shop whose user of Redis may do no more than docs/operations.md says sells, and is
// refused no command of Redis.
func TestRedisUser(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		nodes int
		start func(testing.TB) *redistest.Server
	}{
		{"one Redis", 1, func(t testing.TB) *redistest.Server {
			return redistest.StartServerWith(t, "--appendonly", "yes", "--appendfsync", "always")
		}},
		{"cluster", 3, redistest.Cluster},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := deployOn(t, tt.start(t), 1, fakeklarna.Options{})
			address := strings.TrimPrefix(d.shops[0].ready["storefront"], "http://")
			d.shops[0].kill()
			refused := 0
			for i := range tt.nodes {
				if err := d.redis.Node(i).Do(t.Context(), redisUser(t, "secret-of-redis")...).Err(); err != nil {
					t.Fatal(err)
				}
				refused -= errorCount(t, d.redis.Node(i), "NOPERM")
			}
			d.env = map[string]string{"SHOPD_REDIS_URL": strings.Replace(d.redis.URL, "://", "://shopd:secret-of-redis@", 1)}
			d.shops[0] = d.start(address)

			c := d.buyer()
			id := c.open(d.shops[0])
			if got := c.send(d.shops[0], "POST", "/checkout/update", `{"lines":[{"sku":"MUG-1","quantity":3}]}`, ""); got.status != http.StatusOK {
				t.Errorf("update: got %+v", got)
			}
			if out, err := d.fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil || out.Refused != nil {
				t.Fatalf("buy: %+v, %v", out, err)
			}
			if got := c.send(d.shops[0], "GET", "/checkout/confirmation?order_id="+id, "", ""); got.status != http.StatusOK {
				t.Errorf("confirmation: got %+v", got)
			}
			managed, _ := d.fake.Managed(id)
			number := managed.MerchantReference1
			if number == "" {
				t.Fatal("Klarna was told no number")
			}
			ada := &client{t: t}
			ada.send(d.shops[0], "POST", "/admin/sign-in", url.Values{"name": {"ada"}, "password": {shoptest.Password}}.Encode(), "")
			for _, page := range []string{"/admin/", "/admin/orders/" + number, "/admin/inspect?q=" + id} {
				if got := ada.send(d.shops[0], "GET", page, "", ""); got.status != http.StatusOK || !strings.Contains(got.body, number) {
					t.Errorf("%s: got %d without order %q", page, got.status, number)
				}
			}
			if got := ada.send(d.shops[0], "GET", "/admin/doctor", "", ""); got.status != http.StatusOK || !strings.Contains(got.body, "throws nothing away") || strings.Count(got.body, "t takes writes") != tt.nodes {
				t.Errorf("the doctor says nothing of Redis: got %d", got.status)
			}
			for i := range tt.nodes {
				refused += errorCount(t, d.redis.Node(i), "NOPERM")
			}
			if log := d.shops[0].logged(); refused != 0 || strings.Contains(log, "NOPERM") {
				t.Errorf("Redis refused %d commands; the shop says\n%s", refused, log)
			}
			user, err := redisconn.Open(d.env["SHOPD_REDIS_URL"])
			if err != nil {
				t.Fatal(err)
			}
			defer user.Close()
			for _, command := range [][]any{{"KEYS", "shopd:*"}, {"CONFIG", "SET", "appendonly", "no"}, {"GET", "elsewhere"}, {"FLUSHALL"}} {
				if err := user.Do(t.Context(), command...).Err(); !redis.HasErrorPrefix(err, "NOPERM") {
					t.Errorf("%v: got %v, want that it is refused", command, err)
				}
			}
		})
	}
}
