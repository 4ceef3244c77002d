// Command bench measures shopd against a baseline that does nothing but the same
// calls to Klarna, and prints ratios. See docs/performance.md.
//
//	bench [flags]              runs all benchmarks
//	bench -compare old.json    the same, and how it has changed
//	bench growth [flags]       how the shop does with more and more sessions and clients
//	bench capacity [flags]     how many purchases a second this machine carries
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are what a run may be told.
type options struct {
	shopd          string // path of a shopd binary; "" builds one
	only           string // letters of the benchmarks to run; "" runs all
	workers, burst int
	rounds         int
	warm, duration time.Duration
	latencies      []time.Duration
	out            string // file for the JSON; "" writes none
	before, after  string // files of reports to compare
	profile        string // folder for profiles of shopd; "" takes none
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) { // that has been printed
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run does what the command line asks for.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "baseline" {
		return serveBaseline(ctx, args[1:], stdout)
	}
	if len(args) > 0 && args[0] == "growth" {
		return runGrowth(ctx, args[1:], stdout, stderr)
	}
	if len(args) > 0 && args[0] == "capacity" {
		return runCapacity(ctx, args[1:], stdout, stderr)
	}
	o := options{latencies: []time.Duration{0, 50 * time.Millisecond}}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.shopd, "shopd", "", "the shopd to measure (default: built from this source)")
	flags.StringVar(&o.only, "only", "", "letters of the benchmarks to run, such as abc (default: all)")
	flags.IntVar(&o.workers, "connections", 16, "requests at a time, each on its own connection")
	flags.IntVar(&o.burst, "burst", 200, "shoppers who are made ready at a time, where a request cannot be sent twice")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds of each benchmark; in each shopd is measured, then the baseline")
	flags.DurationVar(&o.duration, "duration", 2500*time.Millisecond, "load in each round, on each side")
	flags.DurationVar(&o.warm, "warm", 500*time.Millisecond, "load before that, which does not count")
	flags.StringVar(&o.out, "out", "", "file to write all figures to, as JSON")
	flags.StringVar(&o.before, "compare", "", "file of an earlier run to compare with")
	flags.StringVar(&o.after, "with", "", "file of a later run, which is compared instead of running again")
	flags.StringVar(&o.profile, "profile", "", "folder to write processor profiles of shopd to; they cost a little")
	short := flags.Bool("short", false, "all benchmarks in some 10 s: shows that they work, measures nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *short {
		o.workers, o.burst, o.rounds, o.duration, o.warm = 4, 10, 1, 50*time.Millisecond, 20*time.Millisecond
		o.latencies[1] = 5 * time.Millisecond
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	case min(o.workers, o.burst, o.rounds) < 1 || o.duration <= 0:
		return errors.New("connections, burst, rounds and duration must be above 0")
	}
	return o.run(ctx, stdout, stderr)
}

func (o options) run(ctx context.Context, stdout, stderr io.Writer) error {
	var before, after report
	var err error
	if o.before != "" {
		if before, err = readReport(o.before); err != nil {
			return err
		}
	}
	if o.after != "" {
		after, err = readReport(o.after)
	} else {
		after, err = o.measure(ctx, stderr)
	}
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := writeJSON(o.out, after); err != nil {
			return err
		}
	}
	if err := after.table(stdout); err != nil || o.before == "" {
		return err
	}
	_, _ = fmt.Fprintln(stdout)
	return compare(stdout, before, after)
}

// measure runs the benchmarks and tells on stderr how far it is.
func (o options) measure(ctx context.Context, stderr io.Writer) (report, error) {
	result := newReport(o)
	dir, err := os.MkdirTemp("", "shopd-bench")
	if err != nil {
		return result, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if o.shopd, err = shopdBinary(ctx, o.shopd, dir); err != nil {
		return result, err
	}
	for _, b := range benchmarks {
		if o.only != "" && !strings.Contains(o.only, b.id) {
			continue
		}
		for _, latency := range o.latencies {
			if b.calls == 0 && latency > 0 {
				continue // Klarna is not called
			}
			var shopd, baseline []sample
			for round := range o.rounds {
				_, _ = fmt.Fprintf(stderr, "%s %s, %s, round %d\n", b.id, b.name, latency, round+1)
				a, b, err := o.round(ctx, b, latency)
				if err != nil {
					return result, err
				}
				shopd, baseline = append(shopd, a), append(baseline, b)
			}
			r := row{Benchmark: b.id, Name: b.name, LatencyMS: latency.Milliseconds(), Shopd: sideOf(shopd), Baseline: sideOf(baseline)}
			r.Ratios = ratiosOf(r.Shopd, r.Baseline)
			result.Rows = append(result.Rows, r)
		}
	}
	if len(result.Rows) == 0 {
		return result, fmt.Errorf("-only %q names no benchmark", o.only)
	}
	return result, nil
}

// round measures shopd and then the baseline, with processes that are new.
func (o options) round(ctx context.Context, b benchmark, latency time.Duration) (shopd, baseline sample, err error) {
	r, err := newRig(o.shopd)
	if err != nil {
		return shopd, baseline, err
	}
	defer r.close()
	s, err := newStage(ctx, o, r)
	if err != nil {
		return shopd, baseline, err
	}
	if shopd, err = s.measure(ctx, b, s.shopdProcess, b.shopd, latency); err != nil {
		return shopd, baseline, fmt.Errorf("%s, shopd: %w", b.name, err)
	}
	if err = s.fake.reset(ctx); err != nil {
		return shopd, baseline, err
	}
	if baseline, err = s.measure(ctx, b, s.proxyProcess, b.baseline, latency); err != nil {
		return shopd, baseline, fmt.Errorf("%s, baseline: %w", b.name, err)
	}
	return shopd, baseline, nil
}
