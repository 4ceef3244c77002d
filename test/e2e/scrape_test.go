package e2e_test

import (
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// series is one line of /metrics.
type series struct {
	name   string
	labels map[string]string
	value  float64
}

// scraped is what a process shows at /metrics.
type scraped struct {
	series []series
	types  map[string]string // by the name of the family
}

var (
	seriesLine = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? (\S+)$`)
	labelPair  = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
)

// scrape asks a process for its metrics.
func (p *process) scrape() scraped {
	p.t.Helper()
	res, err := http.Get(p.ready["ops"] + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		p.t.Fatalf("/metrics: %d, %v", res.StatusCode, err)
	}
	got := scraped{types: map[string]string{}}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if declared, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(declared, " ")
			got.types[name] = kind
			continue
		}
		found := seriesLine.FindStringSubmatch(line)
		if found == nil {
			continue // a comment
		}
		one := series{name: found[1], labels: map[string]string{}}
		if one.value, err = strconv.ParseFloat(found[3], 64); err != nil {
			p.t.Fatalf("/metrics: %s: %v", line, err)
		}
		for _, pair := range labelPair.FindAllStringSubmatch(found[2], -1) {
			one.labels[pair[1]] = pair[2]
		}
		got.series = append(got.series, one)
	}
	return got
}

// sum adds up what a selector such as name{label="value"} selects.
func (s scraped) sum(selector string) float64 {
	name, rest, _ := strings.Cut(selector, "{")
	wanted := labelPair.FindAllStringSubmatch(rest, -1)
	total := 0.0
	for _, one := range s.series {
		if one.name == name && !slices.ContainsFunc(wanted, func(pair []string) bool { return one.labels[pair[1]] != pair[2] }) {
			total += one.value
		}
	}
	return total
}

// ofRuntime are the metrics of process and Go runtime that dashboard and alerts may
// use; the others differ from system to system.
var ofRuntime = []string{
	"go_goroutines", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds",
}

// families are the lines "name type labels" of all metrics.
func families(all ...scraped) []string {
	labels := map[string]map[string]bool{}
	types := map[string]string{}
	for _, s := range all {
		maps.Copy(types, s.types)
		for _, one := range s.series {
			family := one.name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				if base := strings.TrimSuffix(family, suffix); s.types[base] == "histogram" || s.types[base] == "summary" {
					family = base
				}
			}
			if labels[family] == nil {
				labels[family] = map[string]bool{}
			}
			for label := range one.labels {
				if label != "le" && label != "quantile" {
					labels[family][label] = true
				}
			}
		}
	}
	var lines []string
	for family, kind := range types {
		if !strings.HasPrefix(family, "shopd_") && !slices.Contains(ofRuntime, family) {
			continue
		}
		lines = append(lines, strings.TrimSpace(family+" "+kind+" "+strings.Join(slices.Sorted(maps.Keys(labels[family])), ",")))
	}
	slices.Sort(lines)
	return lines
}
