package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// idleRow is a shop while so many clients, each of which has made a request, keep their
// connections open and are silent.
type idleRow struct {
	Wanted  int       `json:"wanted"`
	Clients int       `json:"clients"` // fewer where the machine allows no more files
	Shop    footprint `json:"shop"`
	// By client, against the row before it all: none.
	RSSEach   float64 `json:"rss_bytes_per_client"`
	HeapEach  float64 `json:"heap_bytes_per_client"`
	StackEach float64 `json:"stack_bytes_per_client"`
	FilesEach float64 `json:"file_descriptors_per_client"`
	// The time of GET /cart of somebody else, against a shop without clients.
	Other timing `json:"other"`
}

// spareFiles are file descriptors that a process needs beside those of its clients.
const spareFiles = 200

// filesAllowed is how many files a process may open: Go programs, this one and shopd,
// raise their limit at their start as far as the machine lets them.
func filesAllowed() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	return int(min(limit.Cur, 1<<30)), nil
}

// measureIdle opens more and more clients, up to each of the counts, and measures the
// shop with them. without is another shop like it, which gets none.
func measureIdle(ctx context.Context, s, without *site, counts []int, rounds int) (rows []idleRow, err error) {
	files, err := filesAllowed()
	if err != nil {
		return nil, err
	}
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	// A first request of each kind makes what is made once.
	if _, err := otherClients(ctx, s, without, rounds); err != nil {
		return nil, err
	}
	none, err := footprintOf(ctx, s.client, s.shop)
	if err != nil {
		return nil, err
	}
	for _, wanted := range counts {
		for len(open) < min(wanted, files-spareFiles) {
			conn, err := idleClient(ctx, s, len(open))
			if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.EADDRNOTAVAIL) {
				files = len(open) + spareFiles
				break
			}
			if err != nil {
				return nil, s.shop.failed(fmt.Sprintf("idle client %d: %v", len(open)+1, err))
			}
			open = append(open, conn)
		}
		row := idleRow{Wanted: wanted, Clients: len(open)}
		if row.Shop, err = footprintOf(ctx, s.client, s.shop); err != nil {
			return nil, err
		}
		each := func(now, before int64) float64 { return float64(now-before) / float64(len(open)) }
		row.RSSEach, row.HeapEach = each(row.Shop.RSS, none.RSS), each(row.Shop.Heap, none.Heap)
		row.StackEach, row.FilesEach = each(row.Shop.Stacks, none.Stacks), each(row.Shop.Files, none.Files)
		if row.Other, err = otherClients(ctx, s, without, rounds); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, stillOpen(open)
}

// idleClient loads a shopper's cart and keeps the connection.
func idleClient(ctx context.Context, s *site, n int) (net.Conn, error) {
	at, err := url.Parse(s.shop.ready["storefront"])
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", at.Port()))
	if err != nil {
		return nil, err
	}
	if err := func() error {
		_ = conn.SetDeadline(time.Now().Add(readyTime))
		if _, err := fmt.Fprintf(conn, "GET /cart HTTP/1.1\r\nHost: %s\r\nCookie: shopd=%s\r\n\r\n", at.Host, copyToken(n%s.copies)); err != nil {
			return err
		}
		res, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK || res.Close {
			return fmt.Errorf("answered %s, connection closed: %v", res.Status, res.Close)
		}
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// stillOpen fails when the shop has closed one of the connections meanwhile.
func stillOpen(open []net.Conn) error {
	for i, conn := range open {
		_ = conn.SetReadDeadline(time.Now().Add(time.Microsecond))
		if _, err := conn.Read(make([]byte, 1)); !isTimeout(err) {
			return fmt.Errorf("the connection of idle client %d of %d did not stay open: %w", i+1, len(open), err)
		}
	}
	return nil
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// otherClients compares GET /cart at a shop with idle clients with one without.
func otherClients(ctx context.Context, s, without *site, rounds int) (timing, error) {
	took := make([][]time.Duration, 2)
	for round := range rounds {
		for k := range 2 {
			at := (k + round) % 2
			to := []*site{without, s}[at]
			for j := range turn {
				one, err := to.timed(ctx, growthRequests[0], round*turn+j)
				if err != nil {
					return timing{}, err
				}
				took[at] = append(took[at], one)
			}
		}
	}
	timings, err := against(took)
	if err != nil {
		return timing{}, err
	}
	return timings[1], nil
}
