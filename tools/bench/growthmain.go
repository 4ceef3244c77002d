package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// shortGrowth are options with which all is done, but with so little of it that no time
// means anything.
func shortGrowth() growthOptions {
	return growthOptions{
		sizes: []int{1000, 5000}, share: 10, shoppers: 20, buyers: 10, rounds: 8, clients: []int{1, 50}, starts: 2, requests: 50,
	}
}

// runGrowth does what the command line of bench growth asks for.
func runGrowth(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench growth", flag.ContinueOnError)
	flags.SetOutput(stderr)
	shopd := flags.String("shopd", "", "the shopd to measure (default: built from this source)")
	out := flags.String("out", "", "file to write all figures to, as JSON")
	short := flags.Bool("short", false, "some seconds and little of everything: shows that it works, measures nothing")
	o := fullGrowth()
	flags.IntVar(&o.rounds, "rounds", o.rounds, "rounds of each request; in each, 5 go to each size")
	flags.IntVar(&o.share, "orders-share", o.share, "sessions for each order in the book: 10 makes a tenth of the orders, which takes less time")
	flags.Func("sessions", "sizes to measure, such as 1000,1000000 (default: 1,000 to 1,000,000)", o.setSizes)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *short {
		o = shortGrowth()
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	case min(o.rounds, o.share) < 1:
		return errors.New("rounds and orders-share must be above 0")
	}
	dir, err := os.MkdirTemp("", "shopd-growth")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if *shopd, err = shopdBinary(ctx, *shopd, dir); err != nil {
		return err
	}
	r, err := newRig(*shopd)
	if err != nil {
		return err
	}
	defer r.close()
	report, err := growth(ctx, r, o, func(format string, args ...any) { _, _ = fmt.Fprintf(stderr, format+"\n", args...) })
	if err != nil {
		return err
	}
	if *out != "" {
		if err := writeJSON(*out, report); err != nil {
			return err
		}
	}
	if err := report.table(stdout); err != nil {
		return err
	}
	if walks := report.walks(); len(walks) > 0 {
		return fmt.Errorf("a request or a loop looks at all keys or at a whole collection: %s", strings.Join(walks, ", "))
	}
	return nil
}

// setSizes reads the sizes of a run.
func (o *growthOptions) setSizes(text string) error {
	o.sizes = nil
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if least := 2 * (o.shoppers + o.buyers); err != nil || n < least {
			return fmt.Errorf("%q is no number of at least %d", field, least)
		}
		o.sizes = append(o.sizes, n)
	}
	slices.Sort(o.sizes)
	return nil
}

// walks are the commands found that look at all there is.
func (report growthReport) walks() []string {
	var names []string
	for _, c := range report.Commands {
		if c.Walks {
			names = append(names, c.Command)
		}
	}
	return names
}
