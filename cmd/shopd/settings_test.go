package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file of testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s is not up to date (run the test with -update):\n%s", path, d)
	}
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	for _, args := range append([][]string{{"help"}}, each(commands)...) {
		if status := run(t.Context(), args, os.Getenv, &out, &out); status != 0 {
			t.Errorf("shopd %s: status %d", args, status)
		}
		out.WriteString("----\n")
	}
	golden(t, "help.txt", out.String())
}

func each(commands []command) [][]string {
	var args [][]string
	for _, c := range commands {
		args = append(args, []string{c.name, "-help"})
	}
	return args
}

// The README's table of settings is made of the same list as -help.
func TestReadmeTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("| Flag | Environment | Default | Meaning |\n|---|---|---|---|\n")
	for _, s := range settings {
		name, variable, def := "", "`"+s.variable()+"`", shown(s.def)
		if s.secret || s.file {
			variable += " (or `…_FILE`)"
		}
		if !s.secret {
			name = "`-" + s.flag + "`"
		}
		if s.demo != "" {
			def += "; demo: " + shown(s.demo)
		}
		meaning := s.usage
		if s.commands != shops {
			meaning += " (" + strings.Join(strings.Fields(s.commands), ", ") + ")"
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", name, variable, def, meaning)
	}
	golden(t, "settings.md", table.String())
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), table.String()) {
		t.Error("README.md does not hold the table of testdata/settings.md")
	}
}

// Whoever reads the README finds each page of docs, and the examples.
func TestReadmeLinks(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, page := range append(pages, "../../examples/README.md") {
		if link := "](" + strings.TrimPrefix(page, "../../") + ")"; !strings.Contains(string(readme), link) {
			t.Errorf("README.md has no link %s", link)
		}
	}
}

// shown is a default as the table shows it: a value as code, a description as text.
func shown(def string) string {
	if described, ok := strings.CutPrefix(def, "("); ok {
		return strings.TrimSuffix(described, ")")
	}
	return "`" + def + "`"
}

// good are settings with which serve starts.
func good() map[string]string {
	return map[string]string{
		"SHOPD_PUBLIC_URL":      "https://shop.example",
		"SHOPD_KLARNA_URL":      "https://api.kustom.co",
		"SHOPD_REDIS_URL":       "redis://localhost",
		"SHOPD_DATABASE_URL":    "postgres://localhost/shop",
		"SHOPD_KLARNA_PASSWORD": "kco_live_api_x",
		"SHOPD_SECRET":          "0123456789abcdef",
	}
}

func parsed(t *testing.T, name string, vars map[string]string, args ...string) (*env, error) {
	t.Helper()
	for _, c := range commands {
		if c.name == name {
			e := &env{}
			err := e.parse(c, args, func(name string) string { return vars[name] })
			return e, errors.Join(append(e.unread, err)...)
		}
	}
	t.Fatalf("no command %q", name)
	return nil, nil
}

// validated are the settings of a shop, or what is wrong with them.
func validated(e *env) (shop.Config, error) {
	v := e.problems()
	c := e.validate(v)
	return c, v.err()
}

func TestValidate(t *testing.T) {
	all := []string{
		"-public-url (SHOPD_PUBLIC_URL) is missing", "-klarna-url (SHOPD_KLARNA_URL) is missing", "-redis-url (SHOPD_REDIS_URL or SHOPD_REDIS_URL_FILE) is missing",
		"-database-url (SHOPD_DATABASE_URL or SHOPD_DATABASE_URL_FILE) is missing", "SHOPD_KLARNA_PASSWORD or SHOPD_KLARNA_PASSWORD_FILE is missing",
		"SHOPD_SECRET or SHOPD_SECRET_FILE is missing",
	}
	for _, tt := range []struct {
		name string
		vars map[string]string // over good(); "-" for all: none
		want []string          // the problems; nil: none
	}{
		{"good", nil, nil},
		{"nothing set", map[string]string{"-": ""}, all},
		{"all http", map[string]string{"SHOPD_PUBLIC_URL": "http://localhost:8080", "SHOPD_KLARNA_URL": "http://klarna:9090"}, nil},
		{"http callback, https public, http klarna", map[string]string{"SHOPD_KLARNA_URL": "http://klarna:9090", "SHOPD_CALLBACK_URL": "http://shopd:8080"}, nil},
		{"http public with https klarna", map[string]string{"SHOPD_PUBLIC_URL": "http://shop.example"}, []string{"-public-url (SHOPD_PUBLIC_URL): must be https"}},
		{"http callback with https klarna", map[string]string{"SHOPD_CALLBACK_URL": "http://shopd:8080"}, []string{"-callback-url (SHOPD_CALLBACK_URL): must be https"}},
		{"public URL with path", map[string]string{"SHOPD_PUBLIC_URL": "https://shop.example/shop"}, []string{"-public-url (SHOPD_PUBLIC_URL): "}},
		{"public URL without scheme", map[string]string{"SHOPD_PUBLIC_URL": "shop.example"}, []string{"-public-url (SHOPD_PUBLIC_URL): "}},
		{"klarna URL with password", map[string]string{"SHOPD_KLARNA_URL": "https://u:hunter2@api.kustom.co"}, []string{"-klarna-url (SHOPD_KLARNA_URL): must"}},
		{"redis URL", map[string]string{"SHOPD_REDIS_URL": "http://:hunter2@redis"}, []string{"-redis-url (SHOPD_REDIS_URL or SHOPD_REDIS_URL_FILE): "}},
		{"database URL", map[string]string{"SHOPD_DATABASE_URL": "mysql://:hunter2@db/shop"}, []string{"-database-url (SHOPD_DATABASE_URL or SHOPD_DATABASE_URL_FILE): not a database URL"}},
		{"short secret", map[string]string{"SHOPD_SECRET": "hunter2"}, []string{"SHOPD_SECRET or SHOPD_SECRET_FILE: "}},
		{"origins", map[string]string{"SHOPD_KLARNA_BROWSER_ORIGINS": "https://a.example;script-src"}, []string{"-klarna-browser-origins (SHOPD_KLARNA_BROWSER_ORIGINS): "}},
		{"platform", map[string]string{"SHOPD_PLATFORM": "Kustom"}, []string{"-platform (SHOPD_PLATFORM): "}},
		{"migrate", map[string]string{"SHOPD_MIGRATE": "perhaps"}, []string{"-migrate (SHOPD_MIGRATE): "}},
		{"drain", map[string]string{"SHOPD_DRAIN": "soon"}, []string{"-drain (SHOPD_DRAIN): "}},
		{"payments", map[string]string{"SHOPD_CHECKOUT": "payments", "SHOPD_PAYMENTS_FLOW": "review"}, nil},
		{"several", map[string]string{"SHOPD_DRAIN": "-1s", "SHOPD_SECRET": "", "SHOPD_REDIS_URL": ""}, []string{"-redis-url (", "SHOPD_SECRET or SHOPD_SECRET_FILE is missing", "-drain (SHOPD_DRAIN): "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vars := good()
			if _, none := tt.vars["-"]; none {
				vars = nil
			}
			for name, value := range tt.vars {
				if vars != nil {
					vars[name] = value
				}
			}
			e, err := parsed(t, "serve", vars)
			if err != nil {
				t.Fatal(err)
			}
			_, err = validated(e)
			if len(tt.want) == 0 {
				if err != nil {
					t.Errorf("error = %v, want none", err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")[1:]
			if len(lines) != len(tt.want) {
				t.Errorf("%d problems, want %d:\n%v", len(lines), len(tt.want), err)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("problem %d = %q, want %q…", i, lines[i], want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("first key 0123456789\nsecond key 012345678\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{"SHOPD_ADDR": ":1", "SHOPD_OPS_ADDR": ":2", "SHOPD_SECRET_FILE": file}
	e, err := parsed(t, "demo", vars, "-addr", ":3")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{e.addr, e.opsAddr, e.klarnaAddr, e.username, e.redisURL, e.secret}
	want := []string{":3", ":2", "127.0.0.1:9090", "demo", "", "first key 0123456789\nsecond key 012345678"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("flag, environment, default: %s", d)
	}

	vars["SHOPD_SECRET"] = "x"
	if _, err := parsed(t, "demo", vars); err == nil || !strings.Contains(err.Error(), "both set") {
		t.Errorf("secret twice: %v", err)
	}
	if _, err := parsed(t, "demo", map[string]string{"SHOPD_SECRET_FILE": file + "x"}); err == nil {
		t.Error("no error for a missing file")
	}
}

func TestBrowserOrigins(t *testing.T) {
	for _, tt := range []struct {
		name, klarna, set string
		want              []string
	}{
		{"kustom", "https://api.kustom.co", "", []string{"https://*.kustom.co"}},
		{"kustom playground", "https://api.playground.kustom.co", "", []string{"https://*.kustom.co"}},
		{"klarna", "https://api-na.playground.klarna.com", "", []string{"https://*.klarna.com"}},
		{"lookalike", "https://api.evilkustom.co", "", []string{"https://api.evilkustom.co"}},
		{"fake", "http://127.0.0.1:9090/klarna", "", []string{"http://127.0.0.1:9090"}},
		{"set", "https://api.kustom.co", "https://js.example, https://*.b.example:1", []string{"https://js.example", "https://*.b.example:1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vars := good()
			vars["SHOPD_KLARNA_URL"], vars["SHOPD_KLARNA_BROWSER_ORIGINS"] = tt.klarna, tt.set
			e, err := parsed(t, "serve", vars)
			if err != nil {
				t.Fatal(err)
			}
			s, err := validated(e)
			if d := cmp.Diff(tt.want, s.Klarna.BrowserOrigins); d != "" || err != nil {
				t.Errorf("%v %s", err, d)
			}
		})
	}
}

func TestPlatform(t *testing.T) {
	for _, tt := range []struct {
		name, klarna, set string
		want              ordermanagement.Platform
	}{
		{"kustom", "https://api.kustom.co", "", ordermanagement.Kustom},
		{"kustom playground", "https://API.Playground.Kustom.co:443/", "", ordermanagement.Kustom},
		{"klarna", "https://api-na.playground.klarna.com", "", ordermanagement.Klarna},
		{"lookalike", "https://api.evilkustom.co", "", ordermanagement.Klarna},
		{"fake", "http://127.0.0.1:9090/kustom.co", "", ordermanagement.Klarna},
		{"set to kustom", "http://127.0.0.1:9090", "kustom", ordermanagement.Kustom},
		{"set to klarna", "https://api.kustom.co", "klarna", ordermanagement.Klarna},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vars := good()
			vars["SHOPD_KLARNA_URL"], vars["SHOPD_PLATFORM"] = tt.klarna, tt.set
			vars["SHOPD_PUBLIC_URL"] = strings.SplitAfter(tt.klarna, "://")[0] + "shop.example"
			e, err := parsed(t, "serve", vars)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := validated(e); s.Klarna.Platform != tt.want || err != nil {
				t.Errorf("platform = %q, %v, want %q", s.Klarna.Platform, err, tt.want)
			}
		})
	}
}

// The library of Klarna Payments is Klarna's own, or that of the fake, where the browser knows it.
func TestPaymentsLibrary(t *testing.T) {
	const cdn = "https://x.klarnacdn.net/kp/lib/v1/api.js"
	for _, tt := range []struct {
		name, klarna, origins, want string
		hosts                       int
	}{
		{"klarna", "https://api-na.playground.klarna.com", "", cdn, 4},
		{"kustom", "https://api.kustom.co", "", cdn, 4},
		{"lookalike", "https://api.evilklarna.com", "", "https://api.evilklarna.com/kp/lib/v1/api.js", 0},
		{"fake below a path", "http://127.0.0.1:9090/klarna", "", "http://127.0.0.1:9090/klarna/kp/lib/v1/api.js", 0},
		{"fake by another name", "http://fake:9090", "http://localhost:9090", "http://localhost:9090/kp/lib/v1/api.js", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vars := good()
			vars["SHOPD_KLARNA_URL"], vars["SHOPD_KLARNA_BROWSER_ORIGINS"] = tt.klarna, tt.origins
			e, err := parsed(t, "serve", vars)
			if err != nil {
				t.Fatal(err)
			}
			s, err := validated(e)
			if s.Klarna.Library != tt.want || len(s.Klarna.LibraryOrigins) != tt.hosts || err != nil {
				t.Errorf("got %s and %q, %v; want %s and %d hosts", s.Klarna.Library, s.Klarna.LibraryOrigins, err, tt.want, tt.hosts)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	for _, tt := range []struct{ addr, want string }{
		{"127.0.0.1:1", "localhost:1"}, {"[::]:2", "localhost:2"}, {"0.0.0.0:3", "localhost:3"},
		{"192.0.2.1:4", "192.0.2.1:4"}, {"[2001:db8::1]:5", "[2001:db8::1]:5"},
	} {
		addr, err := net.ResolveTCPAddr("tcp", tt.addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachable(addr, "localhost"); got != tt.want {
			t.Errorf("reachable(%s) = %s, want %s", tt.addr, got, tt.want)
		}
	}
}
