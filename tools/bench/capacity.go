package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// setup is a shop that whole purchases are made in, by so many shoppers at a time.
type setup struct {
	name     string
	shops    int // processes of shopd
	sqlite   bool
	careless bool // PostgreSQL does not wait for its disk
	shoppers int
	latency  time.Duration // of each call of Klarna's
}

// baseSetup is the one that the others are compared with.
const baseSetup = 1

// capacityOptions are what a run may be told.
type capacityOptions struct {
	setups         []setup
	rounds         int
	warm, duration time.Duration
}

// capacityRow is what one setup carries.
type capacityRow struct {
	Setup            string    `json:"setup"`
	Shoppers         int       `json:"shoppers_at_a_time"`
	Purchases        int       `json:"purchases"`
	PerSecond        float64   `json:"purchases_per_second"`
	PerSecondByRound []float64 `json:"purchases_per_second_by_round"`
	Ratio            float64   `json:"ratio"` // of purchases a second, to one shopd with PostgreSQL
	Lowest           float64   `json:"ratio_lowest"`
	Highest          float64   `json:"ratio_highest"`
	Requests         float64   `json:"requests_per_second"` // to shopd, Klarna's too
	P50              float64   `json:"page_p50_ms"`
	P99              float64   `json:"page_p99_ms"`
	CPU              cpuShares `json:"cpu_ms_per_purchase"`
	Again            int       `json:"tried_again"`
	RSS              int64     `json:"shopd_rss_bytes"` // the largest
}

// capacityReport is what a run has measured.
type capacityReport struct {
	Cores   int           `json:"cores"`
	Go      string        `json:"go"`
	System  string        `json:"system"`
	Rounds  int           `json:"rounds"`
	Seconds string        `json:"seconds"` // of load per round and setup
	Rows    []capacityRow `json:"rows"`
}

// runCapacity does what the command line of bench capacity asks for.
func runCapacity(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench capacity", flag.ContinueOnError)
	flags.SetOutput(stderr)
	shopd := flags.String("shopd", "", "the shopd to measure (default: built from this source)")
	out := flags.String("out", "", "file to write all figures to, as JSON")
	shoppers := flags.Int("shoppers", 16, "shoppers at a time; each begins anew when he has bought")
	waiting := flags.Int("waiting", 64, "shoppers at a time where Klarna takes its time; far more than the machine has work for get a 503, which fails the run")
	latency := flags.Duration("latency", 300*time.Millisecond, "how long each of its calls takes there")
	short := flags.Bool("short", false, "all setups in some seconds: shows that they work, measures nothing")
	var o capacityOptions
	flags.IntVar(&o.rounds, "rounds", 3, "rounds; in each all setups are measured, one after the other")
	flags.DurationVar(&o.duration, "duration", 15*time.Second, "load in each round, on each setup")
	flags.DurationVar(&o.warm, "warm", 8*time.Second, "load before that, which does not count")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *short {
		*shoppers, *waiting, *latency, o.rounds, o.duration, o.warm = 2, 4, 10*time.Millisecond, 1, 100*time.Millisecond, 50*time.Millisecond
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	case min(*shoppers, *waiting, o.rounds) < 1 || min(o.duration, o.warm) <= 0:
		return errors.New("shoppers, waiting, rounds, duration and warm must be above 0")
	}
	o.setups = []setup{
		{name: "one shopd, SQLite", shops: 1, shoppers: *shoppers, sqlite: true},
		{name: "one shopd, PostgreSQL", shops: 1, shoppers: *shoppers},
		{name: "three shopd, PostgreSQL", shops: 3, shoppers: *shoppers},
		{name: "one shopd, PostgreSQL with fsync off", shops: 1, shoppers: *shoppers, careless: true},
		{name: fmt.Sprintf("one shopd, PostgreSQL, Klarna takes %d ms", latency.Milliseconds()), shops: 1, shoppers: *waiting, latency: *latency},
	}
	dir, err := os.MkdirTemp("", "shopd-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path, err := shopdBinary(ctx, *shopd, dir)
	if err != nil {
		return err
	}
	report, err := o.measure(ctx, path, stderr)
	if err != nil {
		return err
	}
	if *out != "" {
		if err := writeJSON(*out, report); err != nil {
			return err
		}
	}
	return report.table(stdout)
}

// measure takes the setups by turns and tells on stderr how far it is.
func (o capacityOptions) measure(ctx context.Context, shopd string, stderr io.Writer) (capacityReport, error) {
	report := capacityReport{Cores: runtime.NumCPU(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Rounds: o.rounds, Seconds: o.duration.String()}
	samples := make([][]sold, len(o.setups))
	for round := range o.rounds {
		for i, of := range o.setups {
			_, _ = fmt.Fprintf(stderr, "%s, round %d\n", of.name, round+1)
			got, err := o.round(ctx, shopd, of)
			if err != nil {
				return report, fmt.Errorf("%s: %w", of.name, err)
			}
			samples[i] = append(samples[i], got)
		}
	}
	for i, of := range o.setups {
		row := rowOf(samples[i])
		row.Setup, row.Shoppers = of.name, of.shoppers
		report.Rows = append(report.Rows, row)
	}
	base := report.Rows[baseSetup]
	for i := range report.Rows {
		row := &report.Rows[i]
		var byRound []float64
		for k, of := range row.PerSecondByRound {
			byRound = append(byRound, ratio(of, base.PerSecondByRound[k]))
		}
		row.Ratio, row.Lowest, row.Highest = ratio(row.PerSecond, base.PerSecond), slices.Min(byRound), slices.Max(byRound)
	}
	return report, nil
}

// rowOf sums up the rounds of a setup.
func rowOf(rounds []sold) (row capacityRow) {
	pages, seconds, requests := newHistogram(), 0.0, 0.0
	for _, r := range rounds {
		pages.Merge(r.pages)
		row.Purchases, row.Again, seconds, requests = row.Purchases+r.purchases, row.Again+r.again, seconds+r.seconds, requests+r.requests
		row.PerSecondByRound = append(row.PerSecondByRound, float64(r.purchases)/r.seconds)
		row.CPU = row.CPU.plus(r.used, 1)
		row.RSS = max(row.RSS, r.rss)
	}
	row.CPU = cpuShares{}.plus(row.CPU, 1/float64(row.Purchases))
	row.PerSecond, row.Requests = float64(row.Purchases)/seconds, requests/seconds
	row.P50, row.P99 = float64(pages.ValueAtQuantile(50))/1000, float64(pages.ValueAtQuantile(99))/1000
	return row
}

// table prints the report as it is in docs/performance.md.
func (report capacityReport) table(w io.Writer) error {
	lines := []string{
		fmt.Sprintf("%d cores, %s, %s, %d rounds of %s each, by turns:\n", report.Cores, report.System, report.Go, report.Rounds, report.Seconds),
		"| | shoppers at a time | purchases/s | ratio (rounds) | tried again | requests/s | page p50 | page p99 | CPU of a purchase: shopd | Redis | PostgreSQL | fake Klarna | load | memory of a shopd |",
		"|" + strings.Repeat("---|", 14),
	}
	for _, r := range report.Rows {
		lines = append(lines, fmt.Sprintf("| %s | %d | %.1f | %.2f (%.2f to %.2f) | %d | %.0f | %.0f ms | %.0f ms | %.1f ms | %.1f ms | %.1f ms | %.1f ms | %.1f ms | %d MB |",
			r.Setup, r.Shoppers, r.PerSecond, r.Ratio, r.Lowest, r.Highest, r.Again, r.Requests, r.P50, r.P99,
			r.CPU.Shop, r.CPU.Redis, r.CPU.Postgres, r.CPU.Fake, r.CPU.Load, r.RSS/1e6))
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}
