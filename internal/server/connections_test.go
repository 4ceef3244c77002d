package server_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/shopd/shopd/internal/server"
)

// Connections that are silent, of browsers or of an attacker, give way to new ones; those with a request under way do not.
func TestConnectionsAreBounded(t *testing.T) {
	came, let := make(chan struct{}), make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			came <- struct{}{}
			<-let
		}
	}))
	bound, idle := server.BoundConnections(3), make(chan struct{}, 10)
	srv.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if bound(c, state); state == http.StateIdle {
			idle <- struct{}{}
		}
	}
	srv.Start()
	defer srv.Close()
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	dial := func() net.Conn {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		return c
	}
	send := func(c net.Conn, path string) {
		if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	answered := func(c net.Conn) bool {
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != http.StatusOK || res.Body.Close() != nil {
			return false
		}
		<-idle
		return true
	}
	closed := func(c net.Conn) bool {
		_, err := c.Read(make([]byte, 1))
		return err != nil && !errors.Is(err, net.ErrClosed)
	}
	working, kept, silent := dial(), dial(), dial()
	send(working, "/wait")
	<-came
	for _, c := range []net.Conn{silent, kept} { // kept was silent for less long
		send(c, "/")
		if !answered(c) {
			t.Fatal("no answer")
		}
	}
	fourth := dial()
	send(fourth, "/")
	if !answered(fourth) || !closed(silent) {
		t.Error("the fourth connection did not take the place of the one that was silent longest")
	}
	send(kept, "/")
	if !answered(kept) {
		t.Error("another one was closed as well")
	}
	close(let)
	if !answered(working) {
		t.Error("the request under way was cut off")
	}
}
