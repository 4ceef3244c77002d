package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// All setups, so short that they measure nothing: that each purchase is made, counted and in
// the book, and that all figures are there.
func TestCapacityShort(t *testing.T) {
	if os.Getenv("SHOPD_TEST_ALL") == "" {
		t.Skip("it builds shopd and buys from it: make test does")
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("this test needs redis-server, and all tests are to be run")
	}
	file := filepath.Join(t.TempDir(), "capacity.json")
	var out, progress bytes.Buffer
	if err := run(t.Context(), []string{"capacity", "-short", "-out", file}, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got capacityReport
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != 5 {
		t.Fatalf("got %d rows, want 5", len(got.Rows))
	}
	for i, row := range got.Rows {
		if row.Purchases < 1 || row.Ratio <= 0 || row.Requests <= row.PerSecond || row.P50 <= 0 || row.P99 < row.P50 || row.CPU.Shop <= 0 || row.CPU.Load <= 0 {
			t.Errorf("got %+v", row)
		}
		if sqlite := i == 0; sqlite != (row.CPU.Postgres == 0) && row.Purchases > 2 {
			t.Errorf("%s: PostgreSQL took %f ms of a purchase", row.Setup, row.CPU.Postgres)
		}
		between(t, "RSS", float64(row.RSS), 4<<20, 512<<20)
		if !strings.Contains(out.String(), "| "+row.Setup+" | ") {
			t.Errorf("the table lacks %s:\n%s", row.Setup, out.String())
		}
	}
}
