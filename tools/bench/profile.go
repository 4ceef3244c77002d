package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// profile starts a processor profile of shopd that lasts as long as the load,
// and returns what waits for it and stores it as LETTER-LATENCY.pprof. Of
// benchmarks that come in bursts it has what makes them ready too.
func (s *stage) profile(ctx context.Context, b benchmark, server *process, latency time.Duration) (finish func() error) {
	if s.o.profile == "" || server != s.shopdProcess {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		got, err := s.fake.c.do(ctx, request{
			method: http.MethodGet, status: http.StatusOK,
			url: fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", server.ready["ops"], max(1, int(s.o.duration.Seconds()))),
		})
		if err == nil {
			file := filepath.Join(s.o.profile, fmt.Sprintf("%s-%s.pprof", b.id, latency))
			err = os.WriteFile(file, got.body, 0o644) //nolint:gosec // for all to read
		}
		done <- err
	}()
	return func() error { return <-done }
}
