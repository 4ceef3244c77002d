package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table prints the report for people.
func (report growthReport) table(w io.Writer) error {
	var out tables
	out.sizes(report)
	out.times(report)
	out.commands(report)
	out.checkout(report)
	out.idle(report)
	out.start(report)
	if _, err := fmt.Fprintf(w, "Growth, %d cores. Times are ratios, memory is bytes.\n", report.Cores); err != nil {
		return err
	}
	for _, t := range out {
		if _, err := fmt.Fprintf(w, "\n%s\n\n", t.title); err != nil {
			return err
		}
		columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		if _, err := io.WriteString(columns, strings.Join(t.lines, "\t\n")+"\t\n"); err != nil {
			return err
		}
		if err := columns.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// tables are lines whose cells a tab ends.
type tables []*struct {
	title string
	lines []string
}

// add begins a table and returns what adds its lines.
func (t *tables) add(title string, head ...string) func(cells ...string) {
	one := &struct {
		title string
		lines []string
	}{title, []string{strings.Join(head, "\t")}}
	*t = append(*t, one)
	return func(cells ...string) { one.lines = append(one.lines, strings.Join(cells, "\t")) }
}

func (t *tables) sizes(report growthReport) {
	line := t.add("Memory of Redis: growth while they were written, in brackets MEMORY USAGE",
		"sessions with carts", "orders", "bytes a session", "", "bytes a cart", "", "bytes an order in the database")
	for _, s := range report.Sizes {
		line(count(s.Sessions), count(s.Orders), whole(s.SessionBytes), "("+whole(s.SessionUsage)+")",
			whole(s.CartBytes), "("+whole(s.CartUsage)+")", whole(s.OrderBytes))
	}
	line("cart packed", "", "", "", times(report.CartPacked), "", "")
}

func (t *tables) times(report growthReport) {
	head := []string{"median (p99)", count(report.Sizes[0].Sessions) + " again"}
	for _, s := range report.Sizes[1:] {
		head = append(head, count(s.Sessions))
	}
	line := t.add("Time of a request against "+count(report.Sizes[0].Sessions)+" sessions; the column \"again\" is chance", append(head, "requests each")...)
	for _, r := range report.Times {
		cells := []string{r.Request}
		for _, s := range r.Sites[1:] {
			cells = append(cells, times(s.Median)+" ("+times(s.P99)+")")
		}
		line(append(cells, count(r.Sites[0].Requests))...)
	}
}

func (t *tables) commands(report growthReport) {
	verdict := "none looks at all keys or at a whole collection"
	if walks := report.walks(); len(walks) > 0 {
		verdict = "THESE LOOK AT ALL THERE IS: " + strings.Join(walks, ", ")
	}
	few, many := report.Sizes[0], report.Sizes[len(report.Sizes)-1]
	line := t.add("Commands that Redis counted for requests, loops and back office: "+verdict,
		"command", "calls, "+count(few.Sessions), "calls, "+count(many.Sessions), "median time of one", "Redis' own documentation")
	for _, c := range report.Commands {
		time := times(c.Times)
		if c.Times == 0 {
			time = "-"
		}
		line(c.Command, count(c.Calls[0]), count(c.Calls[len(c.Calls)-1]), time, c.Complexity)
	}
}

func (t *tables) checkout(report growthReport) {
	line := t.add("What a checkout that ends in a purchase leaves in Redis",
		"kind of key", "keys", "entries", "bytes", "days kept", "GB at a million a day")
	for _, k := range report.Checkout {
		days, million := fmt.Sprintf("%.1f", k.Days), fmt.Sprintf("%.1f", k.Million/1e9)
		line(k.Kind, fmt.Sprintf("%.1f", k.Keys), fmt.Sprintf("%.1f", k.Entries), whole(k.Bytes), days, million)
	}
}

// enoughClients is how many there must be to tell what each takes: memory is handed out
// in pages.
const enoughClients = 50

func (t *tables) idle(report growthReport) {
	line := t.add("Idle clients that keep a connection; GET /cart of somebody else against a shop without them",
		"clients", "RSS each", "heap each", "stack each", "files each", "RSS in all", "goroutines", "median (p99)")
	for _, i := range report.Idle {
		clients, rss, heap, stack := count(i.Clients), whole(i.RSSEach), whole(i.HeapEach), whole(i.StackEach)
		if i.Clients < enoughClients {
			rss, heap, stack = "-", "-", "-"
		}
		if i.Clients < i.Wanted {
			clients += " of " + count(i.Wanted) + ": no more files"
		}
		line(clients, rss, heap, stack, fmt.Sprintf("%.2f", i.FilesEach),
			count(i.Shop.RSS), count(i.Shop.Goroutines), times(i.Other.Median)+" ("+times(i.Other.P99)+")")
	}
}

func (t *tables) start(report growthReport) {
	s := report.Start
	line := t.add(fmt.Sprintf("Start of shopd serve against a Go server that says hello, medians of %d each, and what is to be installed", s.Starts),
		"", "ratio or bytes")
	line("time to the line that says where it listens", times(s.ToReadyLine))
	line("time to /readyz 200", times(s.ToReadyz))
	line("allocated before main", count(s.InitBytes))
	line("RSS after the start", count(s.AfterStart.RSS))
	line("RSS of the hello server", count(s.HelloRSS))
	line("heap after the start", count(s.AfterStart.Heap))
	line(fmt.Sprintf("RSS after %d requests", s.Requests), count(s.AfterLoad.RSS))
	line(fmt.Sprintf("heap after %d requests", s.Requests), count(s.AfterLoad.Heap))
	line("binary", count(s.Binary))
	line("binary of the hello server", count(s.HelloBinary))
	if s.Image > 0 {
		line("binary in the image", count(s.ImageBinary))
		line("image: binary and CA certificates", count(s.Image))
	}
}

func times(ratio float64) string { return fmt.Sprintf("%.2f", ratio) }
func whole(n float64) string     { return count(int64(n + .5)) }

// count writes a number with commas.
func count[N int | int64](n N) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
