package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is the result of a run, as it is written as JSON.
type report struct {
	V       int    `json:"v"`
	Cores   int    `json:"cores"`
	Go      string `json:"go"`
	System  string `json:"system"` // operating system and architecture
	Workers int    `json:"workers"`
	Rounds  int    `json:"rounds"`
	Seconds string `json:"seconds"` // of load per round and side
	Rows    []row  `json:"rows"`
}

// row is one benchmark with one latency of Klarna's.
type row struct {
	Benchmark string `json:"benchmark"` // "a"
	Name      string `json:"name"`
	LatencyMS int64  `json:"latency_ms"` // added to each call of Klarna's
	Shopd     side   `json:"shopd"`
	Baseline  side   `json:"baseline"`
	Ratios    ratios `json:"ratios"`
}

// side is what one server did.
type side struct {
	Requests         int64     `json:"requests"`
	Seconds          float64   `json:"seconds"`
	PerSecond        float64   `json:"requests_per_second"`
	P50              float64   `json:"p50_us"`
	P99              float64   `json:"p99_us"`
	CPU              float64   `json:"cpu_us_per_request"`          // of the server itself
	RedisCPU         float64   `json:"redis_cpu_us_per_request"`    // of redis-server
	PostgresCPU      float64   `json:"postgres_cpu_us_per_request"` // of all its processes
	FakeCPU          float64   `json:"fake_cpu_us_per_request"`     // of the fake Klarna
	Allocations      float64   `json:"allocations_per_request"`
	KlarnaCalls      float64   `json:"klarna_calls_per_request"`
	BytesToServer    float64   `json:"bytes_to_server_per_request"`
	BytesFromServer  float64   `json:"bytes_from_server_per_request"`
	PerSecondByRound []float64 `json:"requests_per_second_by_round"`
}

// ratios are shopd's figures divided by the baseline's.
type ratios struct {
	PerSecond   float64 `json:"requests_per_second"`
	Lowest      float64 `json:"requests_per_second_lowest"` // of the rounds
	Highest     float64 `json:"requests_per_second_highest"`
	P50         float64 `json:"p50"`
	P99         float64 `json:"p99"`
	CPU         float64 `json:"cpu"`
	Allocations float64 `json:"allocations"`
	Bytes       float64 `json:"bytes"`          // from the server
	P99Later    float64 `json:"p99_difference"` // not divided: ms that shopd's p99 is above the baseline's
}

// sideOf sums up the rounds of one side.
func sideOf(rounds []sample) side {
	times, used, seconds := newHistogram(), counters{}, 0.0
	var out side
	for _, r := range rounds {
		times.Merge(r.times)
		used, seconds = used.plus(counters{}, r.used), seconds+r.seconds
		out.PerSecondByRound = append(out.PerSecondByRound, float64(r.times.TotalCount())/r.seconds)
	}
	n := float64(times.TotalCount())
	us := func(d time.Duration) float64 { return float64(d.Microseconds()) / n }
	out.Requests, out.Seconds, out.PerSecond = times.TotalCount(), seconds, n/seconds
	out.P50, out.P99 = float64(times.ValueAtQuantile(50)), float64(times.ValueAtQuantile(99))
	out.CPU, out.RedisCPU, out.PostgresCPU, out.FakeCPU = us(used.Own), us(used.Redis), us(used.Postgres), us(used.Fake)
	out.Allocations, out.KlarnaCalls = used.Allocations/n, used.Calls/n
	out.BytesToServer, out.BytesFromServer = float64(used.Sent)/n, float64(used.Received)/n
	return out
}

// ratio is a / b, 0 where nothing was measured: a short run can use less
// processor time than the kernel counts.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func ratiosOf(a, b side) ratios {
	var byRound []float64
	for i := range a.PerSecondByRound {
		byRound = append(byRound, ratio(a.PerSecondByRound[i], b.PerSecondByRound[i]))
	}
	return ratios{
		PerSecond: ratio(a.PerSecond, b.PerSecond), Lowest: slices.Min(byRound), Highest: slices.Max(byRound),
		P50: ratio(a.P50, b.P50), P99: ratio(a.P99, b.P99), CPU: ratio(a.CPU, b.CPU), Allocations: ratio(a.Allocations, b.Allocations),
		Bytes: ratio(a.BytesFromServer, b.BytesFromServer), P99Later: (a.P99 - b.P99) / 1000,
	}
}

// newReport is a report without rows.
func newReport(o options) report {
	return report{
		V: 1, Cores: runtime.NumCPU(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Workers: o.workers, Rounds: o.rounds, Seconds: o.duration.String(),
	}
}

// What is wanted: so much of the baseline's requests per second while Klarna takes no time,
// and a p99 at most so many ms later while it takes some.
var (
	targetShares = map[string]float64{"a": 0.65, "b": 0.65, "c": 0.65, "e": 0.6}
	targetLater  = 5.0
)

// target says whether a row reaches what is wanted of it; "" = nothing is.
func (r row) target() string {
	share, wanted := targetShares[r.Benchmark]
	reached := r.Ratios.PerSecond >= share
	if r.LatencyMS > 0 {
		reached = r.Ratios.P99Later <= targetLater
	}
	switch {
	case !wanted:
		return ""
	case reached:
		return "reached"
	default:
		return "missed"
	}
}

// table prints the ratios, shopd / baseline.
func (r report) table(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "shopd / baseline, %d cores, %s, %s, %d connections, %d rounds of %s each, interleaved\n\n",
		r.Cores, r.System, r.Go, r.Workers, r.Rounds, r.Seconds); err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	lines := []string{"\tlatency\trequests/s\t(rounds)\tp50\tp99\tp99 later\tCPU\tallocations\tbytes\tcalls\tredis CPU\tpostgres CPU\ttarget\t"}
	for _, row := range r.Rows {
		q := row.Ratios
		lines = append(lines, fmt.Sprintf("%s %s\t%d ms\t%.2f\t%.2f-%.2f\t%.2f\t%.2f\t%+.1f ms\t%.2f\t%.0f / %.0f\t%.0f / %.0f\t%.0f\t%.2f\t%.2f\t%s\t",
			row.Benchmark, row.Name, row.LatencyMS, q.PerSecond, q.Lowest, q.Highest, q.P50, q.P99, q.P99Later, q.CPU,
			row.Shopd.Allocations, row.Baseline.Allocations, row.Shopd.BytesFromServer, row.Baseline.BytesFromServer,
			row.Shopd.KlarnaCalls, ratio(row.Shopd.RedisCPU, row.Shopd.CPU), ratio(row.Shopd.PostgresCPU, row.Shopd.CPU), row.target()))
	}
	lines = append(lines, "")
	if _, err := io.WriteString(out, strings.Join(lines, "\n")); err != nil {
		return err
	}
	return out.Flush()
}

// writeJSON stores a report.
func writeJSON(file string, report any) error {
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644) //nolint:gosec // figures, for all to read
}

// readReport reads a report that was written.
func readReport(file string) (report, error) {
	var r report
	text, err := os.ReadFile(file) //nolint:gosec // who compares names the file
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", file, err)
	}
	if r.V != 1 || len(r.Rows) == 0 {
		return r, errors.New(file + " is no report of this benchmark")
	}
	return r, nil
}

// compare prints how shopd's ratios have changed: new / old.
func compare(w io.Writer, before, after report) error {
	if _, err := fmt.Fprintf(w, "ratios new / old; old: %d cores, new: %d cores\n\n", before.Cores, after.Cores); err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	lines := []string{"\tlatency\trequests/s\tp50\tp99\tCPU\tallocations\tbytes\t"}
	for _, now := range after.Rows {
		i := slices.IndexFunc(before.Rows, func(r row) bool { return r.Benchmark == now.Benchmark && r.LatencyMS == now.LatencyMS })
		if i < 0 {
			lines = append(lines, fmt.Sprintf("%s %s\t%d ms\tnew\t\t\t\t\t\t", now.Benchmark, now.Name, now.LatencyMS))
			continue
		}
		a, b := now.Ratios, before.Rows[i].Ratios
		lines = append(lines, fmt.Sprintf("%s %s\t%d ms\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t", now.Benchmark, now.Name, now.LatencyMS,
			ratio(a.PerSecond, b.PerSecond), ratio(a.P50, b.P50), ratio(a.P99, b.P99),
			ratio(a.CPU, b.CPU), ratio(a.Allocations, b.Allocations), ratio(a.Bytes, b.Bytes)))
	}
	lines = append(lines, "")
	if _, err := io.WriteString(out, strings.Join(lines, "\n")); err != nil {
		return err
	}
	return out.Flush()
}
