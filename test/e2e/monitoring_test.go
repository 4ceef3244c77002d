package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// known are the metrics of a running shop, which TestMetrics holds, with the labels of each.
func known(t *testing.T) map[string][]string {
	t.Helper()
	metrics := map[string][]string{}
	for line := range strings.Lines(read(t, "testdata/metrics.golden")) {
		fields := strings.Fields(line)
		labels := []string{"instance", "job"} // by Prometheus
		if len(fields) > 2 {
			labels = append(labels, strings.Split(fields[2], ",")...)
		}
		metrics[fields[0]] = labels
		if fields[1] == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				metrics[fields[0]+suffix] = append(slices.Clone(labels), "le")
			}
		}
	}
	return metrics
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	metricName = regexp.MustCompile(`\b(?:shopd|go|process)_[a-z_]+\b`)
	selector   = regexp.MustCompile(`\b([a-z_]+)\{([^}]*(?:\{token\}[^}]*)*)\}`)
	matcher    = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"`)
	grouping   = regexp.MustCompile(`\b(?:by|ignoring|on) \(([^)]*)\)`)
	// notNames are words of the groupings above that look like names of metrics.
	notNames = []string{"go_version"}
)

// problems says what is wrong with an expression: a metric or label that there is
// not, a label's value that nothing in the code says.
func problems(expr string, metrics map[string][]string, literals map[string]bool) []string {
	var found []string
	labels := map[string]bool{}
	for _, name := range metricName.FindAllString(expr, -1) {
		if slices.Contains(notNames, name) {
			continue
		}
		of, ok := metrics[name]
		if !ok {
			found = append(found, "there is no metric "+name)
		}
		for _, label := range of {
			labels[label] = true
		}
	}
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if of := metrics[s[1]]; s[1] != "up" && !slices.Contains(of, m[1]) {
				found = append(found, s[1]+" has no label "+m[1])
			}
			if slices.Contains([]string{"instance", "job", "route", "code", "operation"}, m[1]) {
				continue // held by TestMetrics, or of no closed list
			}
			for value := range strings.SplitSeq(m[3], "|") {
				if value != "" && !literals[value] {
					found = append(found, fmt.Sprintf("nothing says %s=%q", m[1], value))
				}
			}
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(g[1], ",") {
			if label = strings.TrimSpace(label); label != "" && !labels[label] {
				found = append(found, "it is grouped by "+label+", which none of its metrics has")
			}
		}
	}
	return found
}

// The check itself finds what it should.
func TestExpressionProblems(t *testing.T) {
	t.Parallel()
	metrics, literals := map[string][]string{"shopd_a_total": {"result"}}, map[string]bool{"ok": true}
	for expr, bad := range map[string]bool{
		`rate(shopd_a_total[5m])`: false, `sum by (result) (shopd_a_total{result="ok"})`: false,
		`shopd_b_total`: true, `shopd_a_total{code="ok"}`: true, `shopd_a_total{result=~"ok|no"}`: true, `sum by (code) (shopd_a_total)`: true,
	} {
		if got := problems(expr, metrics, literals); (len(got) > 0) != bad {
			t.Errorf("%s: %q", expr, got)
		}
	}
}

// dashboard is what this test knows of Grafana's JSON.
type dashboard struct {
	Title, UID    string
	SchemaVersion int
	Templating    struct{ List []struct{ Name, Type string } }
	Panels        []struct {
		ID                       int
		Type, Title, Description string
		GridPos                  struct{ X, Y, W, H int }
		Datasource               struct{ UID string }
		FieldConfig              struct{ Defaults struct{ Unit string } }
		Targets                  []struct {
			Expr, RefID string
			Datasource  struct{ UID string }
		}
	}
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "../../deploy/grafana/shopd.json")), &d); err != nil {
		t.Fatal(err)
	}
	if d.UID != "shopd" || d.SchemaVersion < 36 || len(d.Templating.List) == 0 || d.Templating.List[0].Type != "datasource" {
		t.Errorf("uid %q, schema %d, variables %+v", d.UID, d.SchemaVersion, d.Templating.List)
	}
	metrics, literals := known(t), stringsOf(t)
	ids, rows, shown := map[int]bool{}, 0, map[string]bool{}
	taken := map[[2]int]string{} // each cell of the grid → its panel
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%s: ID %d again", p.Title, p.ID)
		}
		ids[p.ID] = true
		g := p.GridPos
		if g.X < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
			t.Errorf("%s: at %+v", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies upon %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		switch p.Type {
		case "row":
			rows++
			continue
		case "timeseries", "stat", "table", "heatmap":
		default:
			t.Errorf("%s is a %s", p.Title, p.Type)
		}
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("%q lacks title, description, unit, targets or data source", p.Title)
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" {
				t.Errorf("%s: data source %q", p.Title, target.Datasource.UID)
			}
			for _, problem := range problems(target.Expr, metrics, literals) {
				t.Errorf("%s: %s", p.Title, problem)
			}
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				shown[name] = true
			}
		}
	}
	if rows < 6 {
		t.Errorf("%d rows", rows)
	}
	for name := range metrics {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if !strings.HasPrefix(name, "shopd_") || shown[base] || shown[base+"_bucket"] || shown[base+"_count"] {
			continue
		}
		t.Errorf("the dashboard does not show %s", name)
	}
}

var (
	alertLine    = regexp.MustCompile(`(?m)^      - alert: (\w+)\n        expr: '(.*)'\n(?:        for: \d+m\n)?        labels:\n          severity: (\w+)\n        annotations:\n          summary: '(.+)'\n          description: '(.+)'\n          runbook_url: (\S+)\n`)
	runbookTitle = regexp.MustCompile(`(?m)^### (Shopd\w+)$`)
)

func TestAlerts(t *testing.T) {
	t.Parallel()
	rules, runbook, tests := read(t, "../../deploy/prometheus/alerts.yml"), read(t, "../../docs/monitoring.md"), read(t, "../../deploy/prometheus/alerts_test.yml")
	alerts := alertLine.FindAllStringSubmatch(rules, -1)
	if n := strings.Count(rules, "alert:"); len(alerts) != n || n == 0 {
		t.Fatalf("%d of %d alerts have expression, severity, summary, description and runbook", len(alerts), n)
	}
	metrics, literals := known(t), stringsOf(t)
	var named []string
	for _, a := range alerts {
		name, expr, severity, url := a[1], strings.ReplaceAll(a[2], "''", "'"), a[3], a[6]
		named = append(named, name)
		for _, problem := range problems(expr, metrics, literals) {
			t.Errorf("%s: %s", name, problem)
		}
		if severity != "critical" && severity != "warning" {
			t.Errorf("%s is %s", name, severity)
		}
		if want := "/docs/monitoring.md#" + strings.ToLower(name); !strings.HasSuffix(url, want) {
			t.Errorf("%s links to %s, want …%s", name, url, want)
		}
		if strings.Count(tests, name+" fires") != 1 || strings.Count(tests, name+" is silent") != 1 {
			t.Errorf("%s has not one test of firing and one of silence", name)
		}
		if section := sectionOf(runbook, name); !strings.Contains(section, severity) || !strings.Contains(section, "**Likely causes:**") || !strings.Contains(section, "**What to do:**") {
			t.Errorf("the section of %s lacks severity, causes or what to do", name)
		}
	}
	var titles []string
	for _, title := range runbookTitle.FindAllStringSubmatch(runbook, -1) {
		titles = append(titles, title[1])
	}
	if slices.Sort(titles); !slices.Equal(titles, slices.Sorted(slices.Values(named))) {
		t.Errorf("sections are of %v, alerts are %v", titles, named)
	}
	for _, link := range regexp.MustCompile(`\]\(#(shopd\w+)\)`).FindAllStringSubmatch(runbook, -1) {
		if !slices.ContainsFunc(named, func(name string) bool { return strings.ToLower(name) == link[1] }) {
			t.Errorf("a link leads to #%s", link[1])
		}
	}
}

// sectionOf is the text under a heading of the third level.
func sectionOf(text, title string) string {
	_, section, _ := strings.Cut(text, "\n### "+title+"\n")
	section, _, _ = strings.Cut(section, "\n### ")
	return section
}

// The documentation's table lists the metrics of a running shop, no more, no less.
func TestMetricsDocumented(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile("(?m)^\\| `(shopd_[a-z_]+)` \\| (\\w+) \\| ([a-z_`, ]*) ?\\| \\S.* \\|$")
	documented := map[string]string{}
	for _, r := range row.FindAllStringSubmatch(read(t, "../../docs/monitoring.md"), -1) {
		labels := strings.NewReplacer("`", "", " ", "").Replace(r[3])
		documented[r[1]] = strings.TrimSpace(r[2] + " " + labels)
	}
	running := map[string]string{}
	for line := range strings.Lines(read(t, "testdata/metrics.golden")) {
		if name, rest, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name, "shopd_") {
			running[name] = rest
		}
	}
	for _, name := range slices.Sorted(maps.Keys(running)) {
		if documented[name] != running[name] {
			t.Errorf("%s is %q, docs/monitoring.md says %q", name, running[name], documented[name])
		}
	}
	for name := range documented {
		if running[name] == "" {
			t.Errorf("docs/monitoring.md has %s, which there is not", name)
		}
	}
	// The queues, which are values of a label.
	for _, queue := range regexp.MustCompile(`\{Name: "([a-z_]+)", Key:`).FindAllStringSubmatch(sources(t), -1) {
		if !strings.Contains(read(t, "../../docs/monitoring.md"), "\n| `"+queue[1]+"` | ") {
			t.Errorf("docs/monitoring.md does not tell of the queue %s", queue[1])
		}
	}
}
