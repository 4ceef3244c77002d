package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Where variables name the files that serve begins with, as in a container, publish does
// what its command line says and nothing else.
func TestPublishBesideVariables(t *testing.T) {
	dir := t.TempDir()
	vars := map[string]string{"SHOPD_DATABASE_URL": "sqlite://" + filepath.Join(dir, "shop.db")}
	do := func(want string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		status := run(t.Context(), args, func(name string) string { return vars[name] }, &out, &out)
		if found, err := regexp.MatchString(want, out.String()); err != nil || !found || (status == 0) == strings.HasPrefix(want, "shopd publish: ") {
			t.Errorf("%v: status %d, want %q\n%s", args, status, want, out.String())
		}
	}
	goods := filepath.Join(dir, "goods.yaml")
	text, err := os.ReadFile("../../examples/shop/catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goods, append(text, "# new\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	do("done", "migrate")
	do(`shopd publish: [^-]*-shop or -catalog or both are wanted`, "publish")
	vars["SHOPD_SHOP"], vars["SHOPD_CATALOG"] = "../../examples/shop/shop.yaml", "../../examples/shop/catalog.yaml"
	do("version 1 is published", "publish")
	vars["SHOPD_SHOP"], vars["SHOPD_PUBLISH_LIST"] = "not-there.yaml", "true"
	do("version 2 is published", "publish", "-catalog", goods)
	do("version 3 is published", "publish", "-back", "1")
	do(`(?m)^3 .* 1$`, "publish", "-list")
	do(`shopd publish: [^-]*-shop or -catalog or both are wanted`, "publish", "-list", "-catalog", goods)
	do(`shopd publish: [^-]*-shop or -catalog or both are wanted`, "publish") // the variables name files and a list
}
