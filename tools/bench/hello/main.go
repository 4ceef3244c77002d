// Command hello is the least that a Go web server can be: what the start of shopd
// is measured against. It says on stdout where it listens and answers every request.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	if err := run(os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it listens until it is killed
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "ready http://%s\n", l.Addr())
	srv := http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "hello\n")
		}),
	}
	return srv.Serve(l)
}
