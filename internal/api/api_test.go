package api

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/redistest"
)

// echo is a call of the tests': it counts how often it is made.
type echo struct {
	mu    sync.Mutex
	calls int
	err   error
	wait  chan struct{} // not nil: it ends when this is closed
}

type echoInput struct {
	ID   string `path:"id" pattern:"^[a-z]{1,8}$"`
	Body struct {
		Quantity int               `json:"quantity" minimum:"1" maximum:"99"`
		Text     string            `json:"text,omitempty" maxLength:"20"`
		More     map[string]string `json:"more,omitempty"`
	}
}

type echoOutput struct {
	Status int
	Body   struct {
		Calls int `json:"calls"`
	}
}

func (e *echo) do(ctx context.Context, _ *echoInput) (*echoOutput, error) {
	e.mu.Lock()
	e.calls++
	n, err, wait := e.calls, e.err, e.wait
	e.mu.Unlock()
	if wait != nil {
		<-wait
	}
	out := &echoOutput{Status: http.StatusCreated}
	out.Body.Calls = n
	return out, err
}

func serve(t *testing.T, d *db.DB) (*httptest.Server, *echo) {
	t.Helper()
	keys, err := ParseKeys(KeyLine("all", "all", "sk_all") + "\n" + KeyLine("two", "orders,stock", "sk_two") + "\n\n")
	if err != nil {
		t.Fatal(err)
	}
	a := &API{Keys: func() Keys { return keys }, DB: d, Redis: redistest.StartServer(t).Client(), PublicURL: "https://shop.example", Logger: slog.New(slog.DiscardHandler)}
	made := new(echo)
	r := chi.NewRouter()
	r.Route(Path, func(r chi.Router) {
		a.Routes(r)
		on := huma.NewAPI(a.config(), &adapter{a, r})
		register(a, on, permission.Checkout, huma.Operation{OperationID: "echo", Method: http.MethodPut, Path: Path + "/echo/{id}"}, made.do)
		register(a, on, permission.Refund, huma.Operation{
			OperationID: "once", Method: http.MethodPost, Path: Path + "/once/{id}", Metadata: map[string]any{idempotent: always},
		}, made.do)
		register(a, on, permission.Stock, huma.Operation{OperationID: "panic", Method: http.MethodGet, Path: Path + "/panic"},
			func(context.Context, *struct{}) (*echoOutput, error) { panic("a test") })
	})
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return s, made
}

type got struct {
	*http.Response
	text    string
	problem Problem
}

func send(t *testing.T, s *httptest.Server, method, path, key, body string, headers ...string) got {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	g := got{Response: res, text: string(text)}
	if res.StatusCode >= 400 {
		if err := json.Unmarshal(text, &g.problem); err != nil || res.Header.Get("Content-Type") != "application/problem+json" || g.problem.Status != res.StatusCode ||
			g.problem.Title == "" || g.problem.Detail == "" || g.problem.Code == "" {
			t.Errorf("%s %s: %d is no problem: %v\n%s", method, path, res.StatusCode, res.Header, text)
		}
	}
	return g
}

// Who may call what, and what a call that cannot be used is answered.
func TestCalls(t *testing.T) {
	s, made := serve(t, dbtest.SQLite(t))
	const good = `{"quantity": 1}`
	for _, tt := range []struct {
		name, method, path, key, body string
		status                        int
		code                          Code
		location                      string
	}{
		{"good", "PUT", "/v1/echo/a", "sk_all", good, 201, "", ""},
		{"no key", "PUT", "/v1/echo/a", "", good, 401, CodeUnauthorized, ""},
		{"a wrong key", "PUT", "/v1/echo/a", "sk_al", good, 401, CodeUnauthorized, ""},
		{"an address that is not, without a key", "GET", "/v1/nothing", "", "", 401, CodeUnauthorized, ""},
		{"an address that is not", "GET", "/v1/nothing", "sk_two", "", 404, CodeNotFound, ""},
		{"another method", "DELETE", "/v1/echo/a", "sk_two", "", 405, CodeMethodNotAllowed, ""},
		{"without the scope", "PUT", "/v1/echo/a", "sk_two", good, 403, CodeForbidden, ""},
		{"no body", "PUT", "/v1/echo/a", "sk_all", "", 400, CodeBadRequest, ""},
		{"no JSON", "PUT", "/v1/echo/a", "sk_all", `{"quantity": hunter2`, 400, CodeBadRequest, ""},
		{"two values", "PUT", "/v1/echo/a", "sk_all", good + good, 400, CodeBadRequest, ""},
		{"an unknown member", "PUT", "/v1/echo/a", "sk_all", `{"quantity": 1, "colour": "hunter2"}`, 422, CodeInvalid, "body.colour"},
		{"a member in another case", "PUT", "/v1/echo/a", "sk_all", `{"Quantity": 1}`, 422, CodeInvalid, "body"},
		{"a missing member", "PUT", "/v1/echo/a", "sk_all", `{}`, 422, CodeInvalid, "body"},
		{"a wrong type", "PUT", "/v1/echo/a", "sk_all", `{"quantity": "hunter2"}`, 422, CodeInvalid, "body.quantity"},
		{"too small", "PUT", "/v1/echo/a", "sk_all", `{"quantity": 0}`, 422, CodeInvalid, "body.quantity"},
		{"no whole number", "PUT", "/v1/echo/a", "sk_all", `{"quantity": 1.5}`, 422, CodeInvalid, "body.quantity"},
		{"too long", "PUT", "/v1/echo/a", "sk_all", `{"quantity": 1, "text": "hunter2hunter2hunter2"}`, 422, CodeInvalid, "body.text"},
		{"a control character", "PUT", "/v1/echo/a", "sk_all", `{"quantity": 1, "text": "a\u0000b"}`, 400, CodeBadRequest, "body"},
		{"no object", "PUT", "/v1/echo/a", "sk_all", `[]`, 422, CodeInvalid, "body"},
		{"a path that is not", "PUT", "/v1/echo/Hunter2", "sk_all", good, 422, CodeInvalid, "path.id"},
		{"a query that is not", "PUT", "/v1/echo/a?b=hunter2", "sk_all", good, 422, CodeInvalid, "query.b"},
		{"large", "PUT", "/v1/echo/a", "sk_all", `{"quantity": 1, "text": "` + strings.Repeat("x", bodyLimit) + `"}`, 413, CodeTooLarge, ""},
		{"a panic", "GET", "/v1/panic", "sk_all", "", 500, CodeInternal, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := made.calls
			g := send(t, s, tt.method, tt.path, tt.key, tt.body)
			if g.StatusCode != tt.status || g.problem.Code != tt.code {
				t.Fatalf("got %d %s, want %d %s\n%s", g.StatusCode, g.problem.Code, tt.status, tt.code, g.text)
			}
			if strings.Contains(strings.ToLower(g.text), "hunter2") {
				t.Errorf("the value that was sent is in %s", g.text)
			}
			if len(g.problem.Errors) > 0 && g.problem.Errors[0].Location != tt.location || len(g.problem.Errors) == 0 && g.StatusCode == 422 {
				t.Errorf("errors %+v, want one at %q", g.problem.Errors, tt.location)
			}
			if g.StatusCode >= 400 && made.calls != before {
				t.Error("the call was made")
			}
			if (g.Header.Get("WWW-Authenticate") != "") != (g.StatusCode == 401) {
				t.Errorf("WWW-Authenticate is %q", g.Header.Get("WWW-Authenticate"))
			}
		})
	}
	if g := send(t, s, "PUT", "/v1/echo/a", "sk_all", good, "Content-Type", "text/plain"); g.StatusCode != 415 || g.problem.Code != CodeUnsupportedType {
		t.Errorf("another type: %d %s", g.StatusCode, g.text)
	}
	made.err = errors.New("hunter2")
	if g := send(t, s, "PUT", "/v1/echo/a", "sk_all", good); g.StatusCode != 503 || g.problem.Code != CodeUnavailable || g.Header.Get("Retry-After") == "" || strings.Contains(g.text, "hunter2") {
		t.Errorf("a fault: %d %s", g.StatusCode, g.text)
	}
}

// patient notes for how long the server waits for a body, and for an answer.
type patient struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func (p *patient) SetReadDeadline(at time.Time) error  { p.read = at; return nil }
func (p *patient) SetWriteDeadline(at time.Time) error { p.write = at; return nil }

// The largest body of a call may be on its way for long enough, of who has a key.
func TestTimeOfBody(t *testing.T) {
	s, _ := serve(t, dbtest.SQLite(t))
	for key, long := range map[string]bool{"sk_all": true, "sk_none": false} {
		p := &patient{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/v1/catalog", strings.NewReader("products: []"))
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("Content-Type", "application/yaml")
		start := time.Now()
		s.Config.Handler.ServeHTTP(p, r)
		if got := p.read.Sub(start) >= time.Minute && p.write.Sub(start) >= time.Minute+callTime; got != long {
			t.Errorf("%s: %d, read within %v, answered within %v", key, p.Code, p.read.Sub(start), p.write.Sub(start))
		}
	}
}

// A key may make so many calls a minute, for all that it asks.
func TestLimit(t *testing.T) {
	s, _ := serve(t, dbtest.SQLite(t))
	for range otherCalls {
		if g := send(t, s, "GET", "/v1/nothing", "sk_two", ""); g.StatusCode != 404 {
			t.Fatalf("got %d", g.StatusCode)
		}
	}
	g := send(t, s, "GET", "/v1/nothing", "sk_two", "")
	if g.StatusCode != 429 || g.problem.Code != CodeTooManyRequests || g.Header.Get("Retry-After") == "" || g.Header.Get("Retry-After") == "0" {
		t.Errorf("got %d, Retry-After %q, %s", g.StatusCode, g.Header.Get("Retry-After"), g.text)
	}
	if g := send(t, s, "GET", "/v1/nothing", "sk_all", ""); g.StatusCode != 404 {
		t.Errorf("another key got %d", g.StatusCode)
	}
	if (Key{Scopes: []permission.Holder{"checkout"}}).perMinute() != 6000 || (Key{Scopes: []permission.Holder{permission.All}}).perMinute() != 6000 {
		t.Error("the scope checkout has not 6,000 calls")
	}
}

// A call with an Idempotency-Key is made once, whatever happens to its answer.
func TestOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, made := serve(t, d)
		const good = `{"quantity": 1}`
		post := func(key, path, body string) got {
			t.Helper()
			return send(t, s, "POST", path, "sk_all", body, "Idempotency-Key", key)
		}
		want := func(g got, status int, code Code, replayed bool) {
			t.Helper()
			if g.StatusCode != status || g.problem.Code != code || (g.Header.Get("Idempotency-Replayed") == "true") != replayed {
				t.Errorf("got %d %s, replayed %q; want %d %s, %v\n%s", g.StatusCode, g.problem.Code, g.Header.Get("Idempotency-Replayed"), status, code, replayed, g.text)
			}
		}
		for _, key := range []string{"", "a b", strings.Repeat("k", 65), "ä"} {
			want(post(key, "/v1/once/a", good), 400, CodeKeyMissing, false)
		}
		first := post("k1", "/v1/once/a", good)
		want(first, 201, "", false)
		again := post("k1", "/v1/once/a", good)
		want(again, 201, "", true)
		if again.text != first.text || made.calls != 1 || again.Header.Get("Content-Type") != first.Header.Get("Content-Type") {
			t.Errorf("got %q, then %q, of %d calls", first.text, again.text, made.calls)
		}
		want(post("k1", "/v1/once/a", `{"quantity": 2}`), 409, CodeKeyReused, false)
		want(post("k1", "/v1/once/b", good), 409, CodeKeyReused, false)
		want(post("k2", "/v1/once/a", `{"quantity": 0}`), 422, CodeInvalid, false)
		want(post("k2", "/v1/once/a", `{"quantity": 0}`), 422, CodeInvalid, true)

		made.err = errors.New("a fault")
		want(post("k3", "/v1/once/a", good), 503, CodeUnavailable, false)
		made.err = nil
		want(post("k3", "/v1/once/a", good), 201, "", false)

		made.wait = make(chan struct{})
		var running sync.WaitGroup
		running.Go(func() { want(post("k4", "/v1/once/a", good), 201, "", false) })
		for made.number() < 4 {
			time.Sleep(time.Millisecond)
		}
		g := post("k4", "/v1/once/a", good)
		want(g, 409, CodeInProgress, false)
		if g.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		close(made.wait)
		running.Wait()
		want(post("k4", "/v1/once/a", good), 201, "", true)

		// A process that was killed: the lease ends, and the same call begins again. Another
		// does not.
		ctx, now := t.Context(), time.Now()
		if _, had, err := begin(ctx, d, "x", "k", []byte{1}, now); had != nil || err != nil {
			t.Fatal(had, err)
		}
		if _, _, err := begin(ctx, d, "x", "k", []byte{1}, now.Add(callLease-time.Second)); !errors.Is(err, errUnderWay) {
			t.Errorf("within the lease: %v", err)
		}
		if _, _, err := begin(ctx, d, "x", "k", []byte{2}, now.Add(callLease+time.Second)); !errors.Is(err, errReused) {
			t.Errorf("another call after the lease: %v", err)
		}
		c, had, err := begin(ctx, d, "x", "k", []byte{1}, now.Add(callLease+time.Second))
		if had != nil || err != nil {
			t.Fatal(had, err)
		}
		// The answer stands and falls with what the call has done.
		undone := errors.New("undone")
		if err := d.Tx(ctx, func(tx *sql.Tx) error { return errors.Join(c.keep(ctx, tx, answer{Status: 204}), undone) }); !errors.Is(err, undone) {
			t.Fatal(err)
		}
		if err := c.giveUp(ctx); err != nil {
			t.Fatal(err)
		}
		if c, had, err = begin(ctx, d, "x", "k", []byte{1}, now.Add(callLease+2*time.Second)); had != nil || err != nil {
			t.Fatal(had, err)
		}
		if err := d.Tx(ctx, func(tx *sql.Tx) error { return c.keep(ctx, tx, answer{Status: 204}) }); err != nil {
			t.Fatal(err)
		}
		if _, had, err = begin(ctx, d, "x", "k", []byte{1}, now.Add(time.Hour)); had == nil || had.Status != 204 || err != nil {
			t.Errorf("got %+v, %v", had, err)
		}
		// A day later the key is free.
		if _, had, err = begin(ctx, d, "x", "k", []byte{2}, now.Add(callLease+2*time.Second+answerLife)); had != nil || err != nil {
			t.Errorf("a day later: %+v, %v", had, err)
		}
		if err := (&API{DB: d}).sweep(ctx, now.Add(3*answerLife)); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := d.Read.QueryRowContext(ctx, "select count(*) from api_calls").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d answers are kept, %v", n, err)
		}
	})
}

func (e *echo) number() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls
}

// Of many callers at once with one key one makes the call.
func TestOnceAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, made := serve(t, d)
		var running sync.WaitGroup
		for range 20 {
			running.Go(func() {
				g := send(t, s, "POST", "/v1/once/a", "sk_all", `{"quantity": 1}`, "Idempotency-Key", "k")
				if g.StatusCode != 201 && g.problem.Code != CodeInProgress {
					t.Errorf("got %d %s", g.StatusCode, g.text)
				}
			})
		}
		running.Wait()
		if made.calls != 1 {
			t.Errorf("made %d times", made.calls)
		}
	})
}

// The document needs no key; its codes are all that there are.
func TestDocument(t *testing.T) {
	s, _ := serve(t, dbtest.SQLite(t))
	for path, version := range map[string]string{"/v1/openapi.json": `"openapi":"3.1.0"`, "/v1/openapi-3.0.json": `"openapi":"3.0.3"`} {
		g := send(t, s, "GET", path, "", "")
		if g.StatusCode != 200 || !strings.Contains(g.text, version) || !strings.Contains(g.text, `"https://shop.example"`) {
			t.Errorf("%s: %d\n%s", path, g.StatusCode, g.text)
		}
	}
}

func TestKeys(t *testing.T) {
	hash := strings.TrimPrefix(KeyLine("n", "all", "k"), "n:all:")
	for name, text := range map[string]string{
		"two parts": "n:all", "an unknown scope": "n:all,read:" + hash, "no scope": "n::" + hash, "a short hash": "n:all:" + hash[1:],
		"no hash": "n:all:" + strings.Repeat("z", 64), "a name twice": "n:all:" + hash + "\nn:stock:" + hash, "a bad name": "a b:all:" + hash, "no name": ":all:" + hash,
	} {
		if _, err := ParseKeys(text); err == nil || strings.Contains(err.Error(), hash) {
			t.Errorf("%s: %v", name, err)
		}
	}
	key, line, err := NewKey("warehouse", "orders,fulfil")
	if err != nil || !strings.HasPrefix(key, "sk_") || strings.Contains(line, key) {
		t.Fatal(key, line, err)
	}
	keys, err := ParseKeys(line)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+key)
	if k, ok := keys.of(r); !ok || k.Name != "warehouse" || !k.may(permission.Fulfil) || k.may(permission.Refund) {
		t.Error(k, ok)
	}
	for _, tt := range []struct{ name, scopes, want string }{
		{"a b", "all", "a name has"}, {"a:b", "all", "a name has"}, {"a", "orders:read", `"orders:read" is no scope: they are`}, {"a", "", `"" is no scope`},
	} {
		if _, _, err := NewKey(tt.name, tt.scopes); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("a key %q of %q: %v, want %q", tt.name, tt.scopes, err, tt.want)
		}
	}
}
