package server_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/server"
	"github.com/shopd/shopd/internal/until"
)

// witness is a shop that writes down what it takes for a request.
type witness struct {
	mu   sync.Mutex
	seen []string
}

func (p *witness) Routes(r chi.Router) {
	take := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		line := r.Method + " " + r.URL.Path + " " + string(body)
		if err != nil {
			line = r.Method + " " + r.URL.Path + " broken"
			w.WriteHeader(http.StatusBadRequest)
		}
		p.mu.Lock()
		p.seen = append(p.seen, strings.TrimSpace(line))
		p.mu.Unlock()
		if r.URL.Path == "/large" {
			_, err := w.Write(make([]byte, 64<<20))
			p.mu.Lock()
			defer p.mu.Unlock()
			p.seen = append(p.seen, "written: "+strconv.FormatBool(err == nil))
		}
	}
	r.Get("/*", take)
	r.Post("/*", take)
}

func (p *witness) saw() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

// listening runs a server with a witness, and returns where the shop and its operation are.
func listening(t *testing.T, change func(*server.Server)) (p *witness, shop, ops string) {
	t.Helper()
	p = &witness{}
	s, _ := newServer(t, func(o *server.Options) { o.Storefront = p })
	if change != nil {
		change(s)
	}
	shop, ops, stop := start(t, s)
	t.Cleanup(func() {
		if err := stop(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("stop: %v", err)
		}
	})
	return p, strings.TrimPrefix(shop, "http://"), strings.TrimPrefix(ops, "http://")
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn.(*net.TCPConn)
}

// say sends bytes as they are, and returns the statuses of the answers until the server
// closes the connection.
func say(t *testing.T, address, text string) (statuses []int) {
	t.Helper()
	conn := dial(t, address)
	go func() { _, _ = io.WriteString(conn, text) }() // fails where the server closes early
	answers := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(answers, nil)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("the server does not close the connection")
		}
		if err != nil {
			return statuses
		}
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatalf("half an answer: %v", err)
		}
		statuses = append(statuses, res.StatusCode)
	}
}

// What a proxy in front may understand in another way than we do is refused, or ends its
// connection: nothing after it is taken for a request that the proxy has not seen.
func TestRequestSmuggling(t *testing.T) {
	const (
		smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
		end      = "GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	)
	for _, tt := range []struct {
		name, text string
		statuses   []int
		seen       []string
	}{
		{"two good ones", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi" + end, []int{200, 200}, []string{"POST /a hi", "GET /end"}},
		{"length and chunks", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, []int{200}, []string{"POST /a"}},
		{"chunks and length", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + smuggled, []int{200}, []string{"POST /a"}},
		{"chunks", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" + smuggled, []int{200}, []string{"POST /a hi"}},
		{"chunks of GET", "GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, []int{200}, []string{"GET /a"}},
		{"two lengths", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 0\r\n\r\nhi" + smuggled, []int{400}, nil},
		{"two lengths in one", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 0\r\n\r\nhi" + smuggled, []int{400}, nil},
		{"the same length twice", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi" + end, []int{200, 200}, []string{"POST /a hi", "GET /end"}},
		{"a signed length", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\nhi" + smuggled, []int{400}, nil},
		{"a negative length", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\nhi" + smuggled, []int{400}, nil},
		{"a hexadecimal length", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2\r\n\r\nhi" + smuggled, []int{400}, nil},
		{"a huge length", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nhi" + smuggled, []int{400}, nil},
		{"no length", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\nhi" + smuggled, []int{400}, nil},
		{"another encoding", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + smuggled, []int{501}, nil},
		{"identity", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi" + smuggled, []int{501}, nil},
		{"chunked twice", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, []int{501}, nil},
		{"chunked with a vertical tab", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" + smuggled, []int{400}, nil},
		{"space before the colon", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled, []int{400}, nil},
		{"a folded line", "GET /a HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n Content-Length: 5\r\n\r\n" + end, []int{200, 200}, []string{"GET /a", "GET /end"}}, // one line, as RFC 9112 has it
		{"a folded first line", "GET /a HTTP/1.1\r\n Host: x\r\n\r\n" + smuggled, []int{400}, nil},
		{"a bare CR", "GET /a HTTP/1.1\r\nHost: x\r\nX-A: 1\rContent-Length: 5\r\n\r\n" + smuggled, []int{400}, nil},
		{"a NUL", "GET /a HTTP/1.1\r\nHost: x\r\nX-A: \x00\r\n\r\n" + smuggled, []int{400}, nil},
		{"no colon", "GET /a HTTP/1.1\r\nHost: x\r\nX-A\r\n\r\n" + smuggled, []int{400}, nil},
		{"no name", "GET /a HTTP/1.1\r\nHost: x\r\n: 1\r\n\r\n" + smuggled, []int{400}, nil},
		{"a chunk's extension", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;a=\"1\"\r\nhi\r\n0\r\n\r\n" + smuggled, []int{200}, []string{"POST /a hi"}},
		{"a line end in a chunk's extension", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;\nhi\r\n0\r\n\r\n" + smuggled, []int{400}, []string{"POST /a broken"}},
		{"a chunk without a number", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhi\r\n0\r\n\r\n" + smuggled, []int{400}, []string{"POST /a broken"}},
		{"a chunk longer than it says", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n" + smuggled, []int{400}, []string{"POST /a broken"}},
		{"an overflowing chunk", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000002\r\nhi\r\n0\r\n\r\n" + smuggled, []int{400}, []string{"POST /a broken"}},
		{"a chunk's end by LF alone", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\nhi\n0\n\n" + smuggled, []int{400}, []string{"POST /a broken"}},
		{"a trailer that is a length", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 50\r\n\r\n" + smuggled, []int{200}, []string{"POST /a"}},
		{"no Host", "GET /a HTTP/1.1\r\n\r\n" + smuggled, []int{400}, nil},
		{"Host twice", "GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + smuggled, []int{400}, nil},
		{"a Host that is none", "GET /a HTTP/1.1\r\nHost: x/../y\x01\r\n\r\n" + smuggled, []int{400}, nil},
		{"a space in the address", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n" + smuggled, []int{400}, nil},
		{"HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + smuggled, []int{405}, nil},
		{"an upgrade to HTTP/2", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n" + end, []int{200, 200}, []string{"GET /a", "GET /end"}},
		{"HTTP/0.9", "GET /a\r\n\r\n" + smuggled, []int{400}, nil},
		{"HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n" + smuggled, []int{200}, []string{"GET /a"}},
		{"HTTP/1.0, kept alive", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + end, []int{200}, []string{"GET /a"}},
		{"HTTP/1.0 with chunks", "POST /a HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, []int{200}, []string{"POST /a"}},
		{"another site's address", "GET http://evil.example/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{200}, []string{"GET /a"}},
		{"CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n" + end, []int{405, 200}, []string{"GET /end"}},
		{"TRACE", "TRACE /a HTTP/1.1\r\nHost: x\r\nCookie: shopd=hush\r\nConnection: close\r\n\r\n", []int{405}, nil},
		{"a huge header", "GET /a HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 80<<10) + "\r\n\r\n" + smuggled, []int{431}, nil},
		{"many headers", "GET /a HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-A: 1\r\n", 12<<10) + "\r\n" + smuggled, []int{431}, nil},
		{"a large header", "GET /a HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 48<<10) + "\r\nConnection: close\r\n\r\n", []int{200}, []string{"GET /a"}},
		{"a body above the limit", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat(smuggled, 8000), []int{413}, nil},
		{"a body that is not waited for", "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\nhi" + smuggled, []int{417}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, shop, _ := listening(t, nil)
			if got := say(t, shop, tt.text); !slices.Equal(got, tt.statuses) {
				t.Errorf("answers %v, want %v", got, tt.statuses)
			}
			if got := p.saw(); !slices.Equal(got, tt.seen) {
				t.Errorf("requests %q, want %q", got, tt.seen)
			}
		})
	}
}

// Who sends or reads slowly loses the connection, and so does who says nothing.
func TestSlowClients(t *testing.T) {
	const idle = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	trickle := func(conn *net.TCPConn) {
		for range 200 {
			if _, err := io.WriteString(conn, "X-A: 1\r\n"); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	for _, tt := range []struct {
		name, text string
		then       func(*net.TCPConn)
		seen       []string // by the shop
		shopOnly   bool     // where it is the body that is late
	}{
		{name: "says nothing"},
		{name: "half a header", text: "GET /healthz HTTP/1.1\r\nHos"},
		{name: "a header in drops", text: "GET /healthz HTTP/1.1\r\nHost: x\r\n", then: trickle},
		{name: "stays after an answer", text: idle},
		{name: "stays after two answers", text: idle + idle},
		{name: "half a body", text: "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhi", seen: []string{"POST /a broken"}, shopOnly: true},
		{name: "half a chunk", text: "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhi", seen: []string{"POST /a broken"}, shopOnly: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, shop, ops := listening(t, func(s *server.Server) {
				if tt.shopOnly {
					s.HastenBodies(300 * time.Millisecond)
				} else {
					s.Hasten(300 * time.Millisecond)
				}
			})
			for _, address := range []string{shop, ops} {
				if tt.shopOnly && address == ops {
					continue
				}
				conn := dial(t, address)
				if _, err := io.WriteString(conn, tt.text); err != nil {
					t.Fatal(err)
				}
				if tt.then != nil {
					go tt.then(conn)
				}
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("the connection stays open")
				}
			}
			if got := p.saw(); !slices.Equal(got, tt.seen) {
				t.Errorf("requests %q, want %q", got, tt.seen)
			}
		})
	}
}

// An answer that nobody takes is given up.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	p, shop, _ := listening(t, func(s *server.Server) { s.HastenAnswers(300 * time.Millisecond) })
	conn := dial(t, shop)
	if _, err := io.WriteString(conn, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	until.Holds(t, "the server writes no more", func() bool { return len(p.saw()) >= 2 })
	if got, want := p.saw(), []string{"GET /large", "written: false"}; !slices.Equal(got, want) {
		t.Errorf("the shop saw %q, want %q", got, want)
	}
}

// Many connections that do nothing keep nobody else out, and go by themselves.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	_, shop, _ := listening(t, func(s *server.Server) { s.Hasten(3 * time.Second) })
	conns := make([]*net.TCPConn, 300)
	for i := range conns {
		conns[i] = dial(t, shop)
	}
	if got := say(t, shop, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !slices.Equal(got, []int{200}) {
		t.Errorf("beside them: %v", got)
	}
	for _, conn := range conns {
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a connection stays open")
		}
	}
}

// These are the limits of production, by which the tests above are shorter.
func TestTimeLimits(t *testing.T) {
	s, _ := newServer(t, nil)
	shop, ops := s.Servers()
	for _, tt := range []struct {
		name      string
		got, want time.Duration
	}{
		{"header", shop.ReadHeaderTimeout, 5 * time.Second}, {"header, ops", ops.ReadHeaderTimeout, 5 * time.Second},
		{"body", shop.ReadTimeout, 15 * time.Second}, {"body, ops", ops.ReadTimeout, 15 * time.Second},
		{"answer", shop.WriteTimeout, 30 * time.Second}, {"answer, ops", ops.WriteTimeout, 5 * time.Minute},
		{"idle", shop.IdleTimeout, 2 * time.Minute}, {"idle, ops", ops.IdleTimeout, 2 * time.Minute},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	for _, srv := range []*http.Server{shop, ops} {
		if srv.MaxHeaderBytes != 64<<10 || srv.Protocols != nil || srv.TLSNextProto != nil {
			t.Errorf("headers of %d bytes, protocols %v: want 64 KiB, and HTTP/1 alone", srv.MaxHeaderBytes, srv.Protocols)
		}
	}
}

// Another site's name that leads to the operation's listener gets nothing.
func TestOpsNames(t *testing.T) {
	_, _, ops := listening(t, nil)
	for host, want := range map[string]int{
		"127.0.0.1": 200, "10.1.2.3:8081": 200, "[::1]:8081": 200, "localhost:8081": 200, "shopd": 200, "shopd.default.svc:8081": 200, "ops.internal.": 200, "SHOP.LOCAL": 200,
		"evil.example": 421, "127.0.0.1.evil.example:8081": 421, "local.evil.com": 421, "evil.com.": 421,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ops+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != want {
			t.Errorf("%s: got %d, want %d", host, res.StatusCode, want)
		}
	}
}

// The operation's listener answers what a browser must not share with other sites.
func TestOpsHeaders(t *testing.T) {
	_, _, ops := listening(t, nil)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=1", "/healthz", "/readyz", "/nowhere"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ops+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'", "Server": "",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s %s: %q, want %q", path, name, got, want)
			}
		}
	}
}
