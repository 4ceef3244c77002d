package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// footprint is what a process takes of its machine, in bytes and counts.
type footprint struct {
	RSS        int64 `json:"rss_bytes"`   // resident memory, by the kernel
	Heap       int64 `json:"heap_bytes"`  // in use, by the Go runtime, after a collection
	Stacks     int64 `json:"stack_bytes"` // of goroutines
	Goroutines int64 `json:"goroutines"`
	Files      int64 `json:"file_descriptors"`
}

const (
	heapMetric       = "go_memstats_heap_inuse_bytes"
	stackMetric      = "go_memstats_stack_inuse_bytes"
	goroutinesMetric = "go_goroutines"
)

// footprintOf measures a shopd process that rests.
func footprintOf(ctx context.Context, c *client, p *process) (footprint, error) {
	ops := p.ready["ops"]
	// The profile collects garbage first: what remains is held.
	if _, err := c.do(ctx, request{method: http.MethodGet, url: ops + "/debug/pprof/heap?gc=1", status: http.StatusOK}); err != nil {
		return footprint{}, err
	}
	values, err := metrics(ctx, c, ops, heapMetric, stackMetric, goroutinesMetric)
	if err != nil {
		return footprint{}, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.pid()))
	if err != nil {
		return footprint{}, err
	}
	f := footprint{
		Heap: int64(values[heapMetric]), Stacks: int64(values[stackMetric]), Goroutines: int64(values[goroutinesMetric]), Files: int64(len(files)),
	}
	f.RSS, err = rss(p.pid())
	return f, err
}

// rss is the resident memory of a process in bytes.
func rss(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", pid)
}
