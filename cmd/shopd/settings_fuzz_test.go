package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzSettings: whatever one setting says, the settings are usable or the error names what
// is not, a line each, and shows no secret.
func FuzzSettings(f *testing.F) {
	serve := commands[slices.IndexFunc(commands, func(c command) bool { return c.name == "serve" })]
	all := settingsOf(serve)
	for i := range all {
		for _, value := range []string{"", "x", "https://u:longpassword@h:1/?x#y", "10s", "-1", "true", "a:view:$2a$04$kZYd2bmUqHnucHDybQk/3OSwZrOgNyGC6zCz2u.I0GIs2oyetlf1y", "\x00\xff", "99999999999999999999", "10.0.0.0/8, ::1"} {
			f.Add(i, value)
		}
	}
	f.Fuzz(func(t *testing.T, which int, value string) {
		s := all[(which%len(all)+len(all))%len(all)]
		if s.flag == "catalog" {
			return // names a file: FuzzRead of internal/catalog reads any
		}
		vars := good()
		vars[s.variable()] = value
		e, err := parsed(t, "serve", vars)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = validated(e); err == nil {
			return
		}
		if lines := strings.Split(err.Error(), "\n"); len(lines) < 2 || strings.Contains(err.Error(), "%!") {
			t.Errorf("%s=%q: %v", s.variable(), value, err)
		}
		if s.secret && len(value) > 12 && !strings.Contains(s.usage, value) && strings.Contains(err.Error(), value) {
			t.Errorf("the error shows %s: %v", s.variable(), err)
		}
	})
}

// FuzzExplain: any file is explained, or it is said why not; what is explained without a
// complaint satisfies Klarna's rules.
func FuzzExplain(f *testing.F) {
	for _, file := range []string{
		`{"lines":[{"sku":"MUG-1","quantity":2}]}`, `{"country":"US","lines":[{"sku":"MUG-1","quantity":2}],"ship_to":{"country":"US","region":"CA"}}`,
		`{"lines":[{"sku":"MUG-1","quantity":-1}]}`, `{"lines":[{"sku":"GONE-1","quantity":9223372036854775807}]}`, `{"country":"NO","locale":"sv-SE"}`,
		`{"discount_code":"FOG10","shipping_option":"none","lines":[{"sku":"EBK-1","quantity":1}]}`, `[]`, ``, `{"lines":null}`, `{"linez":1}`, `{"ship_to":{}}`,
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		name := filepath.Join(t.TempDir(), "cart.json")
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		status := run(t.Context(), []string{"explain", name}, func(string) string { return "" }, &out, &errs)
		satisfied := strings.Contains(out.String(), "Klarna's rules are satisfied.")
		if status != 0 && status != 1 || satisfied != (status == 0) || (errs.Len() > 0) != (status == 1) {
			t.Errorf("%s: status %d\n%s\n%s", file, status, &out, &errs)
		}
	})
}
