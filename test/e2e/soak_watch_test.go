package e2e_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// figures are what a process uses.
type figures struct {
	heap       int64 // bytes that are in use after a garbage collection
	goroutines int64
	files      int64 // open file descriptors, connections among them
}

var (
	heapInUse      = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)
	goroutineCount = regexp.MustCompile(`(?m)^go_goroutines (\S+)$`)
	openFiles      = regexp.MustCompile(`(?m)^process_open_fds (\S+)$`)
)

// figures asks a process, which collects its garbage first.
func (p *process) figures() figures {
	p.t.Helper()
	heap, metrics := p.ops("/debug/pprof/heap?gc=1&debug=1"), p.ops("/metrics")
	return figures{p.number(heapInUse, heap), p.number(goroutineCount, metrics), p.number(openFiles, metrics)}
}

// ops is what a process serves to its operators.
func (p *process) ops(path string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.ready["ops"]+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Close = true // it shall not count
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Errorf("%s: %v", path, err)
		return ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Errorf("%s: %v", path, err)
	}
	return string(body)
}

func (p *process) number(what *regexp.Regexp, text string) int64 {
	p.t.Helper()
	found := what.FindStringSubmatch(text)
	if found == nil {
		p.t.Errorf("a process does not tell %s", what)
		return 0
	}
	n, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		p.t.Error(err)
	}
	return int64(n)
}

// What a process may use more at the end than after a third of the time: what
// it keeps is bounded, so it has all of it by then. Connections that nobody uses
// stay open for a minute or two.
const (
	heapGrowth   = 1.5
	heapSlack    = 8 << 20 // bytes: a heap of a few MB is not measured to the byte
	perRequester = 6       // goroutines and files for each of those who ask at once
	restSlack    = 100
)

// bounded demands that a process has not grown since an earlier look.
func (p *process) bounded(name string, before figures, requesters int) {
	p.t.Helper()
	after := p.figures()
	p.t.Logf("%s: heap %.1f MiB after a third, × %.2f at the end; goroutines %d, %d; files %d, %d", name, float64(before.heap)/(1<<20),
		float64(after.heap)/float64(max(before.heap, 1)), before.goroutines, after.goroutines, before.files, after.files)
	if limit := int64(heapGrowth*float64(before.heap)) + heapSlack; after.heap > limit {
		p.t.Errorf("%s: the heap grew from %d to %d bytes", name, before.heap, after.heap)
	}
	rest := int64(perRequester*requesters + restSlack)
	if after.goroutines > rest || after.files > rest {
		p.t.Errorf("%s: %d goroutines and %d open files for %d who ask", name, after.goroutines, after.files, requesters)
	}
}

// stop tells a process to end as its operators do, and waits until it has.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
	select {
	case <-p.ended:
	case <-time.After(40 * time.Second):
		p.t.Error("a process that was told to stop does not")
		p.kill()
	}
	if state := p.cmd.ProcessState; state != nil && state.ExitCode() != 0 {
		p.t.Errorf("a process that was told to stop ended with %d", state.ExitCode())
	}
}

// keys demands that whatever Redis has begins with our name, and ends by itself.
func (d *deployment) keys(ctx context.Context) (kinds map[string]int) {
	d.t.Helper()
	rdb := d.redis.Client()
	kinds = map[string]int{}
	scan := rdb.Scan(ctx, 0, "*", 1000).Iterator()
	for scan.Next(ctx) {
		key := scan.Val()
		kind := kindOf(key)
		kinds[kind]++
		life, err := rdb.PTTL(ctx, key).Result()
		switch {
		case err != nil:
			d.t.Fatal(err)
		case !strings.HasPrefix(key, "shopd:"):
			d.t.Errorf("a key is not ours: %s", kind)
		case life == -1:
			d.t.Errorf("a key has no end: %s", kind)
		}
	}
	if err := scan.Err(); err != nil {
		d.t.Fatal(err)
	}
	return kinds
}

var ids = regexp.MustCompile(`[A-Za-z0-9_=-]{12,}|SK-[A-Z0-9]{4}-[A-Z0-9]{4}`)

// kindOf is a key without the ID in it.
func kindOf(key string) string { return ids.ReplaceAllString(key, "*") }

// table is counts by name as lines, each indented.
func table[N int | int64](counts map[string]N) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "\n  %8d  %s", counts[name], name)
	}
	return b.String()
}
