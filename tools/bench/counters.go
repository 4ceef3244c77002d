package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpu is the processor time that a process has used, by all its threads.
func (p *process) cpu() (time.Duration, error) {
	return cpuOf(p.pid())
}

// cpuOfAll is cpu with that of its children, which live on.
func (p *process) cpuOfAll() (time.Duration, error) {
	sum, err := p.cpu()
	if err != nil {
		return 0, err
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", p.pid()))
	for child := range strings.FieldsSeq(string(children)) {
		if pid, err := strconv.Atoi(child); err == nil {
			used, _ := cpuOf(pid) // it may have ended
			sum += used
		}
	}
	return sum, err
}

// cpuOf asks the clock that Linux has for each process, whose number clock_getcpuclockid(3)
// makes of the process's. It counts ns; /proc has hundredths of a second.
func cpuOf(pid int) (time.Duration, error) {
	const sched = 2
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &used); err != nil { //nolint:gosec // a process's number is below 2^22
		return 0, fmt.Errorf("the processor time of process %d: %w", pid, err)
	}
	return time.Duration(used.Nano()), nil
}

// metrics reads some of a server's counters; those with labels are summed up.
func metrics(ctx context.Context, c *client, url string, names ...string) (map[string]float64, error) {
	got, err := c.do(ctx, request{method: http.MethodGet, url: url + "/metrics", status: http.StatusOK})
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(got.body)); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if i := strings.LastIndex(lines.Text(), "} "); i >= 0 {
			series, value = lines.Text()[:i], lines.Text()[i+2:]
		}
		name, _, _ := strings.Cut(series, "{")
		if !slices.Contains(names, name) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("%s/metrics: %s: %w", url, name, err)
		}
		values[name] += n
	}
	return values, nil
}

// counters are what has been used up so far.
type counters struct {
	Own      time.Duration // processor time of the server that is measured
	Redis    time.Duration
	Postgres time.Duration
	Fake     time.Duration
	// Allocations of the server, and its calls to Klarna.
	Allocations, Calls float64
	// Sent and Received are bytes, as the clients see it.
	Sent, Received int64
}

// plus adds what was used between two moments.
func (c counters) plus(from, to counters) counters {
	return counters{
		c.Own + to.Own - from.Own, c.Redis + to.Redis - from.Redis, c.Postgres + to.Postgres - from.Postgres, c.Fake + to.Fake - from.Fake,
		c.Allocations + to.Allocations - from.Allocations, c.Calls + to.Calls - from.Calls,
		c.Sent + to.Sent - from.Sent, c.Received + to.Received - from.Received,
	}
}

const (
	mallocs       = "go_memstats_mallocs_total"
	shopdCalls    = "shopd_klarna_call_duration_seconds_count"
	baselineCalls = "bench_klarna_calls_total"
)
