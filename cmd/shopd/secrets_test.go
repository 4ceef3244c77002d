package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/db/dbtest"
)

// secretSettings are those that hold a secret, or may.
func secretSettings(t *testing.T) (list []setting) {
	t.Helper()
	for _, s := range settings {
		if s.secret || s.file {
			list = append(list, s)
		}
	}
	if len(list) < 5 {
		t.Fatalf("only %d settings are secret", len(list))
	}
	return list
}

// Each secret can come from a file, and no error about that shows it.
func TestSecretsByFile(t *testing.T) {
	for _, s := range secretSettings(t) {
		t.Run(s.variable(), func(t *testing.T) {
			file, command := filepath.Join(t.TempDir(), "secret"), strings.Fields(s.commands)[0]
			if err := os.WriteFile(file, []byte("hunter2 hunter2 hunter2\r\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			vars := good()
			delete(vars, s.variable())
			vars[s.variable()+"_FILE"] = file
			e, err := parsed(t, command, vars)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := *s.value(&e.config), "hunter2 hunter2 hunter2"; got != want {
				t.Errorf("value %q, want %q", got, want)
			}
			_, invalid := validated(e)
			vars[s.variable()] = "hunter2"
			_, twice := parsed(t, command, vars)
			delete(vars, s.variable())
			vars[s.variable()+"_FILE"] = file + "x"
			_, missing := parsed(t, command, vars)
			for name, err := range map[string]error{"set twice": twice, "no such file": missing} {
				if err == nil || !strings.Contains(err.Error(), s.variable()) {
					t.Errorf("%s: error %v", name, err)
				}
			}
			for _, err := range []error{invalid, twice, missing} {
				if err != nil && strings.Contains(err.Error(), "hunter2") {
					t.Errorf("an error shows the secret: %v", err)
				}
			}
			if s.flag == "" {
				if _, err := parsed(t, "serve", good(), "-"+strings.ToLower(strings.ReplaceAll(s.variable(), "_", "-")), "hunter2"); err == nil {
					t.Error("it is a flag too")
				}
			}
		})
	}
}

// A command line is read by everybody on the machine: a password in it is refused.
func TestNoPasswordOnTheCommandLine(t *testing.T) {
	for _, tt := range []struct {
		url     string
		refused bool
	}{
		{"redis://localhost:6379", false}, {"redis://shopd@localhost:6379", false}, {"unix:///run/redis.sock", false},
		{"redis://a:6379,b:6379", false}, {"redis://localhost:6379?master_name=m@n:o", false},
		{"redis://:hunter2@localhost:6379", true}, {"rediss://shopd:hunter2@a:6379,b:6379?master_name=m", true},
		{"redis://localhost?sentinel_password=hunter2", true}, {"redis://shopd:hunter2", false},
	} {
		_, err := parsed(t, "serve", good(), "-redis-url", tt.url)
		if (err != nil) != tt.refused {
			t.Errorf("%s: error %v", tt.url, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the password: %v", err)
		}
		vars := good()
		vars["SHOPD_REDIS_URL"] = tt.url
		if _, err := parsed(t, "serve", vars); err != nil {
			t.Errorf("%s in the environment: %v", tt.url, err)
		}
	}
}

// Nothing that a running shop shows to its operators holds a secret: not what it prints
// and logs at start, nor its metrics, command line and memory as text.
func TestSecretsAreNotShown(t *testing.T) {
	redis := miniredis.RunT(t)
	redis.RequireAuth("hush-redis")
	fake := fakeklarna.NewServer(t, fakeklarna.Options{
		Username: "hush-user", Password: "hush-klarna", CallbackHosts: []string{"shop.example"},
	})
	staff, _, _ := strings.Cut(demoStaff, "\n")
	p := start(t, map[string]string{
		"SHOPD_ADDR": "127.0.0.1:0", "SHOPD_OPS_ADDR": "127.0.0.1:0", "SHOPD_PUBLIC_URL": "http://shop.example",
		"SHOPD_REDIS_URL": "redis://:hush-redis@" + redis.Addr(), "SHOPD_KLARNA_URL": fake.URL,
		"SHOPD_KLARNA_USERNAME": "hush-user", "SHOPD_KLARNA_PASSWORD": "hush-klarna", "SHOPD_SECRET": "hush-secret-0123456789", "SHOPD_STAFF": staff,
		"SHOPD_DATABASE_URL": dbtest.PostgresURL(t) + "&password=hush-database",
	}, "ops", "serve")
	var shown bytes.Buffer
	c := checkout(t, p.ready["storefront"])
	if len(fake.Orders()) != 1 {
		t.Fatal("no order was made: the credentials do not work")
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1", "/healthz", "/readyz"} {
		status, body := fetch(t, c, "GET", p.ready["ops"]+path, "")
		if status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		shown.WriteString(body)
	}
	for _, path := range []string{"/", "/cart", "/checkout", "/nowhere", "/admin/sign-in", "/klarna/wrong/push"} {
		_, body := fetch(t, c, "GET", p.ready["storefront"]+path, "")
		shown.WriteString(body)
	}
	for _, line := range p.ready {
		shown.WriteString(line)
	}
	p.stop()
	shown.WriteString(p.log.String())
	for _, secret := range []string{"hush", "$2a$10$", "aHVzaC11c2VyOmh1c2gta2xhcm5h"} {
		if i := strings.Index(shown.String(), secret); i >= 0 {
			t.Errorf("%q is shown: …%s…", secret, shown.String()[max(0, i-100):min(shown.Len(), i+40)])
		}
	}
}
