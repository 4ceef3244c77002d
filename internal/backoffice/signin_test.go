package backoffice_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/shop/shoptest"
)

// hash is of a password.
const hash = "$2a$04$kZYd2bmUqHnucHDybQk/3OSwZrOgNyGC6zCz2u.I0GIs2oyetlf1y"

func TestSignIn(t *testing.T) {
	o := newOffice(t)
	for _, tt := range []struct {
		name, user, word string
		status           int
		text             string
	}{
		{"right", "ada", password, http.StatusSeeOther, ""},
		{"wrong password", "ada", "wrong horse", http.StatusUnprocessableEntity, "Name or password is wrong."},
		{"unknown name", "eve", password, http.StatusUnprocessableEntity, "Name or password is wrong."},
		{"another case", "ADA", password, http.StatusUnprocessableEntity, "Name or password is wrong."},
		{"no password", "ada", "", http.StatusUnprocessableEntity, "Name or password is wrong."},
		{"nothing", "", "", http.StatusUnprocessableEntity, "Name or password is wrong."},
		{"a hash's own text", "ada", hash, http.StatusUnprocessableEntity, "wrong"},
		{"a password that bcrypt would cut", "bo", strings.Repeat("x", 73), http.StatusUnprocessableEntity, "A password has at most 72 bytes."},
		{"a very long password of nobody", "eve", strings.Repeat("x", 10_000), http.StatusUnprocessableEntity, "A password has at most 72 bytes."},
		{"a tag as the name", `"><script>`, "zebra", http.StatusUnprocessableEntity, "wrong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := o.Browser()
			got := v.SignIn(tt.user, tt.word, "")
			if got.StatusCode != tt.status || !strings.Contains(got.Text, tt.text) {
				t.Errorf("got %d %s, want %d with %q", got.StatusCode, got.Text, tt.status, tt.text)
			}
			if signedIn := v.Cookie("shopd-staff") != ""; signedIn != (tt.status == http.StatusSeeOther) {
				t.Errorf("has a session: %v", signedIn)
			}
			if strings.Contains(got.Text, `"><script>`) || tt.word != "" && strings.Contains(got.Text, tt.word) {
				t.Error("the page has the password, or a name unescaped")
			}
		})
	}
	if log := o.Log.String(); strings.Contains(log, password) || strings.Contains(log, "wrong horse") {
		t.Errorf("the log has a password:\n%s", log)
	}
}

// Who cannot be known from the answer cannot be known from its time: an unknown name, and one whose
// hash is cheap, take as long as the team's most expensive hash, here a tenth of a second.
func TestEachNameCostsTheSame(t *testing.T) {
	o := newOffice(t)
	o.URL = o.serve("kim:view:$2a$11$kZYd2bmUqHnucHDybQk/3OSwZrOgNyGC6zCz2u.I0GIs2oyetlf1y\n" + shoptest.Staff)
	// In turns, so that a machine that is busy for a while is busy for all of them; an address has 20 tries.
	least := map[string]time.Duration{}
	for range 4 {
		for _, name := range []string{"kim", "nobody", "ada"} {
			start := time.Now()
			o.Browser().SignIn(name, "x", "")
			if took := time.Since(start); least[name] == 0 || took < least[name] {
				least[name] = took
			}
		}
	}
	for name, took := range least {
		if took < least["kim"]/3 {
			t.Errorf("%s takes %v, the most expensive name %v", name, took, least["kim"])
		}
	}
	// However many try at once, one password is checked at a time.
	start := time.Now()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { o.Browser().SignIn("invented"+strconv.Itoa(i), "x", "") })
	}
	wg.Wait()
	if took := time.Since(start); took < 4*min(least["kim"], least["nobody"], least["ada"]) {
		t.Errorf("six tries at once take %v, one %v", took, least)
	}
}

// Nobody can lock a colleague out: a browser with which one has signed in before has tries of its own,
// as long as the password is the same. It opens nothing without the password, and nobody else's name.
func TestKnownBrowser(t *testing.T) {
	o := newOffice(t)
	ada, bo, stranger := o.clerk("ada"), o.clerk("bo"), o.Browser()
	status := func(b *shoptest.Browser, name, word string) int {
		t.Helper()
		return b.SignIn(name, word, "").StatusCode
	}
	for i := range 30 { // more than names and address have
		status(stranger, []string{"ada", "bea", "invented" + strconv.Itoa(i)}[i%3], "wrong")
	}
	if got := status(stranger, "ada", password); got != http.StatusTooManyRequests {
		t.Fatalf("a stranger who has tried too often: %d", got)
	}
	ada.Submit("/admin/sign-out", nil)
	if got := status(ada.Browser, "bea", password); got != http.StatusTooManyRequests {
		t.Errorf("another name from the browser that ada has used: %d", got)
	}
	if got := status(ada.Browser, "ada", "wrong"); got != http.StatusUnprocessableEntity {
		t.Errorf("a wrong password from the known browser: %d", got)
	}
	if got := status(ada.Browser, "ada", password); got != http.StatusSeeOther {
		t.Fatalf("the right password from the known browser: %d", got)
	}
	cookies := o.BrowserAt(o.serve(strings.Replace(shoptest.Staff, "$2a$04$kZYd", "$2a$04$ZSNP", 1)))
	var known string
	at, _ := url.Parse(o.URL)
	for _, c := range ada.Client.Jar.Cookies(at) {
		if strings.HasPrefix(c.Name, "shopd-staff-known-") {
			known = c.Name + "=" + c.Value
		}
	}
	cookies.Header.Set("Cookie", known)
	if got := status(cookies, "ada", "x"); known == "" || got != http.StatusTooManyRequests {
		t.Errorf("with another password the browser %q is still known: %d", known, got)
	}
	last := 0
	for range 6 {
		last = status(ada.Browser, "ada", "wrong")
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("a known browser may try for ever: %d", last)
	}
	log := o.Log.String()
	for _, part := range []string{"signed in", "wrong name or password", "too many tries"} {
		if !strings.Contains(log, part) {
			t.Errorf("the log has no %q", part)
		}
	}
	if strings.Contains(log, "invented") {
		t.Error("the log has what somebody typed as a name")
	}
	page := strings.Join(bo.look("/admin/log").texts("tbody tr"), "\n")
	if !strings.Contains(page, "adaSign-in Wrong name or password") || !strings.Contains(page, "adaSign-inSigned in") {
		t.Errorf("the audit: %s", page)
	}
}

func TestReturnTo(t *testing.T) {
	o := newOffice(t)
	sale := o.sale(1)
	for _, tt := range []struct{ name, returnTo, want string }{
		{"a page", "/admin/orders/" + sale.Number, "/admin/orders/" + sale.Number},
		{"a list", "/admin/?status=CAPTURED&page=x", "/admin/?status=CAPTURED&page=x"},
		{"nothing", "", "/admin/"},
		{"another site", "https://evil.example/admin/", "/admin/"},
		{"another site without scheme", "//evil.example/admin/", "/admin/"},
		{"backslashes", `/\evil.example`, "/admin/"},
		{"backslashes after the start", `/admin/\evil.example`, "/admin/"},
		{"script", "javascript:alert(1)//admin/", "/admin/"},
		{"out of the office", "/admin/../checkout", "/admin/"},
		{"out of the office, escaped", "/admin/%2e%2e/checkout", "/admin/"},
		{"the shop", "/cart", "/admin/"},
		{"a name that begins so", "/administrator", "/admin/"},
		{"the sign-out", "/admin/sign-out", "/admin/"},
		{"a new line", "/admin/\r\nSet-Cookie: a=b", "/admin/"},
		{"credentials", "https://ada@shop.example/admin/", "/admin/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := o.Browser()
			got := v.SignIn("ada", password, tt.returnTo)
			if location := got.Header.Get("Location"); got.StatusCode != http.StatusSeeOther || location != tt.want {
				t.Errorf("got %d to %q, want %q", got.StatusCode, location, tt.want)
			}
			page := v.Get("/admin/sign-in?" + url.Values{"return_to": {tt.returnTo}}.Encode())
			if location := page.Header.Get("Location"); location != tt.want {
				t.Errorf("who is signed in is led to %q, want %q", location, tt.want)
			}
		})
	}
}

// The page that was asked for comes after the sign-in; after a form it is the form's.
func TestComesBack(t *testing.T) {
	o := newOffice(t)
	sale := o.sale(1)
	for _, tt := range []struct{ name, method, path, want string }{
		{"a page", http.MethodGet, "/admin/orders/" + sale.Number + "?x=1", "/admin/orders/" + sale.Number + "?x=1"},
		{"a form without a page", http.MethodPost, "/admin/search", "/admin/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := o.Browser()
			got := v.Form(tt.method, tt.path, nil)
			page := v.Get(got.Header.Get("Location"))
			if !strings.Contains(page.Text, `name="return_to" value="`+tt.want+`"`) {
				t.Errorf("%d to %q, which has no %q:\n%s", got.StatusCode, got.Header.Get("Location"), tt.want, page.Text)
			}
		})
	}
}

// The token changes with the sign-in, whatever the browser had before; a token that
// somebody else has put there opens nothing.
func TestSessionFixation(t *testing.T) {
	o := newOffice(t)
	planted := "shopd-staff=planted-by-somebody-else"
	v := o.Browser()
	v.Header.Set("Cookie", planted)
	if got := v.SignIn("ada", password, ""); got.StatusCode != http.StatusSeeOther || v.Cookie("shopd-staff") == "" || strings.Contains(planted, v.Cookie("shopd-staff")) {
		t.Fatalf("%d with the token %q", got.StatusCode, v.Cookie("shopd-staff"))
	}
	thief := o.Browser()
	thief.Header.Set("Cookie", planted)
	if got := thief.Get("/admin/"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the planted token opens the orders: %d", got.StatusCode)
	}
	first := o.clerk("ada")
	before := first.Cookie("shopd-staff")
	first.SignIn("ada", password, "")
	thief.Header.Set("Cookie", "shopd-staff="+before)
	if got := thief.Get("/admin/"); first.Cookie("shopd-staff") == before || got.StatusCode != http.StatusSeeOther {
		t.Errorf("the token before the second sign-in opens the orders: %d", got.StatusCode)
	}
}

func TestSignOut(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	token := ada.Cookie("shopd-staff")
	if got := ada.Get("/admin/sign-out"); got.StatusCode == http.StatusSeeOther && got.Header.Get("Location") == "/admin/sign-in" {
		t.Error("a GET signs out")
	}
	if got := ada.Submit("/admin/sign-out", nil); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/admin/sign-in" {
		t.Fatalf("sign out: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	if left, err := o.Client.Keys(t.Context(), "shopd:staff:*").Result(); err != nil || len(left) > 0 {
		t.Errorf("sessions left: %v %v", left, err)
	}
	thief := o.Browser()
	thief.Header.Set("Cookie", "shopd-staff="+token)
	if got := thief.Get("/admin/"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the old token opens the orders: %d", got.StatusCode)
	}
	if page := ada.Get("/admin/sign-in"); strings.Contains(page.Text, "without activity") {
		t.Error("who has signed out is told of inactivity")
	}
}

// A session that ended by itself is told so; who is no longer in the team, or has another
// password, is out at once, on every replica that knows it.
func TestSignedOut(t *testing.T) {
	o := newOffice(t)
	t.Run("idle", func(t *testing.T) {
		ada := o.clerk("ada")
		rdb := o.Client
		for _, key := range rdb.Keys(t.Context(), "shopd:staff:*").Val() {
			rdb.Del(t.Context(), key)
		}
		got := ada.Get("/admin/")
		if page := ada.Get(got.Header.Get("Location")); !strings.Contains(page.Text, "You were signed out after 30 minutes without activity.") {
			t.Errorf("%d %s", page.StatusCode, page.Text)
		}
	})
	for name, team := range map[string]string{
		"removed":      strings.Split(shoptest.Staff, "\n")[1],
		"new password": strings.Replace(shoptest.Staff, "$2a$04$kZYd", "$2a$04$ZSNP", 1),
	} {
		t.Run(name, func(t *testing.T) {
			ada, bo := o.clerk("ada"), o.clerk("bo")
			replica := o.serve(team)
			for who, want := range map[clerk]int{ada: http.StatusSeeOther, bo: http.StatusOK} {
				moved := o.BrowserAt(replica)
				moved.Header.Set("Cookie", "shopd-staff="+who.Cookie("shopd-staff"))
				if got := moved.Get("/admin/"); got.StatusCode != want {
					t.Errorf("got %d, want %d", got.StatusCode, want)
				}
			}
			if got := ada.Get("/admin/"); got.StatusCode != http.StatusSeeOther {
				t.Errorf("the session lives on at the other replica: %d", got.StatusCode)
			}
		})
	}
}

// Tries are counted together by all replicas, and also when they come at once.
func TestThrottle(t *testing.T) {
	o := newOffice(t)
	replicas := []string{o.URL, o.serve(shoptest.Staff)}
	tries := make([]int, 40)
	var wg sync.WaitGroup
	for i := range tries {
		v := o.BrowserAt(replicas[i%2])
		v.Header.Set("X-Forwarded-For", "203.0.113."+string(rune('1'+i%5))) // five addresses, eight tries of each
		wg.Go(func() { tries[i] = v.SignIn("ada", "wrong", "").StatusCode })
	}
	wg.Wait()
	count := map[int]int{}
	for _, status := range tries {
		count[status]++
	}
	if count[http.StatusUnprocessableEntity] != 5 || count[http.StatusTooManyRequests] != 35 {
		t.Errorf("answers %v, want 5 times 422 and 35 times 429", count)
	}
	got := o.Browser().SignIn("ada", password, "")
	if got.StatusCode != http.StatusTooManyRequests || !strings.Contains(got.Text, "Too many tries. Wait 5 minutes.") || got.Header.Get("Retry-After") == "" {
		t.Errorf("the right password while there is none: %d %q %s", got.StatusCode, got.Header.Get("Retry-After"), got.Text)
	}
	if got := o.Browser().SignIn("bo", password, ""); got.StatusCode != http.StatusSeeOther {
		t.Errorf("another name waits too: %d", got.StatusCode)
	}
	rdb := o.Client
	keys := rdb.Keys(t.Context(), "shopd:{signin}:*").Val()
	for _, key := range keys {
		if ttl := rdb.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > 5*time.Minute {
			t.Errorf("%s lives %v", key, ttl)
		}
		if strings.Contains(key, "ada") || strings.Contains(key, "203.0") {
			t.Errorf("%s says who", key)
		}
		rdb.PExpire(t.Context(), key, 50*time.Second)
	}
	if got := o.Browser().SignIn("ada", password, ""); !strings.Contains(got.Text, "Wait 1 minute.") {
		t.Errorf("%d %s", got.StatusCode, got.Text)
	}
	rdb.Del(t.Context(), keys...)
	if got := o.Browser().SignIn("ada", password, ""); got.StatusCode != http.StatusSeeOther {
		t.Errorf("after the wait: %d", got.StatusCode)
	}
}

// One address runs out of tries, however many names it uses. What a client puts in
// X-Forwarded-For itself does not count, only what the proxy adds.
func TestThrottleByAddress(t *testing.T) {
	o := newOffice(t)
	status := map[int]int{}
	for i := range 25 {
		v := o.Browser()
		v.Header.Set("X-Forwarded-For", "198.51.100."+string(rune('0'+i%10))+", 203.0.113.7")
		status[v.SignIn("name"+string(rune('a'+i)), "x", "").StatusCode]++
	}
	if status[http.StatusUnprocessableEntity] != 20 || status[http.StatusTooManyRequests] != 5 {
		t.Errorf("answers %v", status)
	}
	v := o.Browser()
	v.Header.Set("X-Forwarded-For", "203.0.113.8")
	if got := v.SignIn("ada", password, ""); got.StatusCode != http.StatusSeeOther {
		t.Errorf("another address: %d", got.StatusCode)
	}
}

// Signing in does not use up tries: a busy office shares an address.
func TestThrottleForgivesSuccess(t *testing.T) {
	o := newOffice(t)
	for range 25 {
		if got := o.Browser().SignIn("ada", password, ""); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d %s", got.StatusCode, got.Text)
		}
	}
}

// Without Redis nobody signs in and nobody is let in.
func TestWithoutRedis(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	o.Redis.Stop()
	for name, got := range map[string]shoptest.Answer{
		"sign-in": o.Browser().SignIn("ada", password, ""), "a page": ada.Get("/admin/"), "sign-out": ada.Submit("/admin/sign-out", nil),
	} {
		if got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got.Text, "Nothing has changed.") || got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.Text)
		}
	}
}
