package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain is the baseline where the test has started it as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "baseline" {
		if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// All benchmarks, so short that they measure nothing: that they run, that both
// sides make the same calls, and that Klarna has what was asked for.
func TestShort(t *testing.T) {
	if os.Getenv("SHOPD_TEST_ALL") == "" {
		t.Skip("it builds shopd and runs all benchmarks: make test does")
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("this test needs redis-server, and all tests are to be run")
	}
	file := filepath.Join(t.TempDir(), "bench.json")
	var out, progress bytes.Buffer
	if err := run(t.Context(), []string{"-short", "-out", file}, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	got, err := readReport(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != 13 {
		t.Errorf("got %d rows, want 5 benchmarks with 2 latencies and 3 with one", len(got.Rows))
	}
	for _, row := range got.Rows {
		if row.Shopd.Requests < 1 || row.Baseline.Requests < 1 || row.Ratios.PerSecond <= 0 || row.Shopd.Allocations <= 0 || row.Shopd.BytesFromServer <= 0 {
			t.Errorf("%s with %d ms: got %+v", row.Name, row.LatencyMS, row)
		}
		if !strings.Contains(out.String(), row.Name) {
			t.Errorf("the table lacks %s:\n%s", row.Name, out.String())
		}
	}
	out.Reset()
	if err := run(t.Context(), []string{"-compare", file, "-with", file}, &out, &progress); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "1.00"); lines < 10 {
		t.Errorf("a run compared with itself:\n%s", out.String())
	}
}
