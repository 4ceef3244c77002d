package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
)

func TestMigrate(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "url")
	migrated := func(args []string, vars map[string]string) (int, string) {
		var out bytes.Buffer
		status := run(t.Context(), append([]string{"migrate"}, args...), func(name string) string { return vars[name] }, &out, &out)
		return status, out.String()
	}
	sqlite := "sqlite://" + filepath.Join(t.TempDir(), "shop.db")
	if status, out := migrated([]string{"-database-url", sqlite}, nil); status != 0 || !strings.HasPrefix(out, "done: 00001_") {
		t.Errorf("%d: %s", status, out)
	}
	if err := os.WriteFile(secret, []byte(sqlite+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out := migrated(nil, map[string]string{"SHOPD_DATABASE_URL_FILE": secret}); status != 0 || out != "nothing to do\n" {
		t.Errorf("%d: %s", status, out)
	}
	d := dbtest.Open(t, db.Config{URL: sqlite})
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
	for name, test := range map[string]struct {
		args []string
		vars map[string]string
		want string
	}{
		"missing":               {nil, nil, "-database-url (SHOPD_DATABASE_URL or SHOPD_DATABASE_URL_FILE) is missing"},
		"open elsewhere":        {[]string{"-database-url", sqlite}, nil, "another process has this SQLite database open"},
		"password in a flag":    {[]string{"-database-url", "postgres://u:hush@h/d"}, nil, "has a password"},
		"password in its query": {[]string{"-database-url", "postgres://h/d?password=hush"}, nil, "has a password"},
		"not a URL":             {nil, map[string]string{"SHOPD_DATABASE_URL": "hush"}, "not a database URL"},
		"nobody there":          {nil, map[string]string{"SHOPD_DATABASE_URL": "postgres://u:hush@127.0.0.1:1/d"}, "connect"},
	} {
		if status, out := migrated(test.args, test.vars); status != 1 || !strings.Contains(out, test.want) || strings.Contains(out, "hush") {
			t.Errorf("%s: %d: %s", name, status, out)
		}
	}
	if status, out := migrated(nil, map[string]string{"SHOPD_DATABASE_URL": dbtest.PostgresURL(t)}); status != 0 || !strings.HasPrefix(out, "nothing to do\nnote: fsync is off") {
		t.Errorf("%d: %s", status, out)
	}
}
