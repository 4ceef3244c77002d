package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Before the first start doctor makes no database: it may be run by another user than the
// shop, who could not open that one's files.
func TestDoctorMakesNoFile(t *testing.T) {
	dir := t.TempDir()
	vars := map[string]string{
		"SHOPD_PUBLIC_URL": "http://127.0.0.1:1", "SHOPD_REDIS_URL": "redis://127.0.0.1:1", "SHOPD_KLARNA_URL": "http://127.0.0.1:1",
		"SHOPD_KLARNA_USERNAME": "K1", "SHOPD_KLARNA_PASSWORD": "hush", "SHOPD_SECRET": "0123456789abcdef0123456789abcdef",
		"SHOPD_DATABASE_URL": "sqlite://" + filepath.Join(dir, "shop.db"),
	}
	var out bytes.Buffer
	status := run(t.Context(), []string{"doctor"}, func(name string) string { return vars[name] }, &out, &out)
	if text := out.String(); status != 1 || !strings.Contains(text, "WRONG  its file is not there") || strings.Contains(text, "hush") {
		t.Errorf("%d: %s", status, text)
	}
	files, err := os.ReadDir(dir)
	if len(files) != 0 || err != nil {
		t.Errorf("it made %v, %v", files, err)
	}
}
