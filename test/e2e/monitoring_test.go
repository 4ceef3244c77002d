package e2e_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	metricName   = regexp.MustCompile(`\b(?:shopd|go|process)_[a-z_]+\b`)
	metricSuffix = regexp.MustCompile(`_(bucket|sum|count)$`)
	labelMatcher = regexp.MustCompile(`\b([a-z_]+)(?:=~|!~|!=|=)\\?"([^"\\]*)`)
	labelsBy     = regexp.MustCompile(`\b(?:by|on|ignoring) \(([a-z_, ]*)\)`)
	alertName    = regexp.MustCompile(`(?m)- alert: (\w+)$`)
)

// What dashboard, alerts and documentation say of metrics is so in a running shop, whose metrics TestMetrics holds in
// the golden file: a name that changes there would leave a panel empty and an alert silent. Whether the expressions
// are right is tested by make alerts.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	dashboard, docs := read(t, "../../deploy/grafana/shopd.json"), read(t, "../../docs/monitoring.md")
	alerts, tests := read(t, "../../deploy/prometheus/alerts.yml"), read(t, "../../deploy/prometheus/alerts_test.yml")
	code := sources(t)
	var names []string
	labels := []string{"instance", "job", "le"} // by Prometheus
	for line := range strings.Lines(read(t, "testdata/metrics.golden")) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		kind, of, _ := strings.Cut(rest, " ")
		names = append(names, name)
		labels = append(labels, strings.Split(of, ",")...)
		if !strings.HasPrefix(name, "shopd_") {
			continue
		}
		if !strings.Contains(dashboard, name) {
			t.Errorf("the dashboard does not show %s", name)
		}
		cell := strings.ReplaceAll(of, ",", "`, `")
		if cell != "" {
			cell = "`" + cell + "`"
		}
		if row := "\n| `" + name + "` | " + kind + " | " + cell + " |"; !strings.Contains(docs, row) {
			t.Errorf("docs/monitoring.md does not have the row %s", row)
		}
	}
	if got, want := strings.Count(docs, "\n| `shopd_"), strings.Count("\n"+strings.Join(names, "\n"), "\nshopd_"); got != want {
		t.Errorf("docs/monitoring.md has %d metrics, there are %d", got, want)
	}
	for where, text := range map[string]string{"dashboard": dashboard, "alerts": alerts} {
		for _, name := range metricName.FindAllString(text, -1) {
			if !slices.Contains(names, name) && !slices.Contains(names, metricSuffix.ReplaceAllString(name, "")) && !slices.Contains(labels, name) {
				t.Errorf("%s: there is no metric %s", where, name)
			}
		}
		for _, by := range labelsBy.FindAllStringSubmatch(text, -1) {
			for label := range strings.SplitSeq(by[1], ", ") {
				if label != "" && !slices.Contains(labels, label) {
					t.Errorf("%s: no metric has the label %s", where, label)
				}
			}
		}
		for _, m := range labelMatcher.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(labels, m[1]) {
				t.Errorf("%s: no metric has the label %s", where, m[1])
			}
			if slices.Contains([]string{"instance", "job", "route", "code", "operation"}, m[1]) {
				continue // held by TestMetrics, or of no closed list
			}
			for value := range strings.SplitSeq(m[2], "|") {
				if value != "" && !strings.Contains(code, `"`+value+`"`) {
					t.Errorf("%s: nothing says %s=%q", where, m[1], value)
				}
			}
		}
	}
	// Who is woken finds what to do; and each alert is tested.
	var sections []string
	for _, a := range alertName.FindAllStringSubmatch(alerts, -1) {
		sections = append(sections, a[1])
		if !strings.Contains(docs, "\n### "+a[1]+"\n") || !strings.Contains(alerts, "/docs/monitoring.md#"+strings.ToLower(a[1])+"\n") {
			t.Errorf("%s has no section in docs/monitoring.md, or does not link to it", a[1])
		}
		if strings.Count(tests, a[1]+" fires") != 1 || strings.Count(tests, a[1]+" is silent") != 1 {
			t.Errorf("%s has not one test of firing and one of silence", a[1])
		}
	}
	if n := strings.Count(docs, "\n### Shopd"); n != len(sections) || n == 0 {
		t.Errorf("docs/monitoring.md has sections for %d alerts, there are %d", n, len(sections))
	}
	// The queues, which are values of a label.
	for _, queue := range regexp.MustCompile(`\{Name: "([a-z_]+)", Key:`).FindAllStringSubmatch(code, -1) {
		if !strings.Contains(docs, "\n| `"+queue[1]+"` | ") {
			t.Errorf("docs/monitoring.md does not tell of the queue %s", queue[1])
		}
	}
}
