package control_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

func description(t *testing.T) (*faketest.Shop, map[string]any) {
	t.Helper()
	s := faketest.NewShop(t, fakeklarna.Options{})
	got := s.SendAs("", "", "GET", "/fake/openapi.json", "")
	if got.Status != 200 {
		t.Fatalf("got %d %s", got.Status, got.Body)
	}
	return s, faketest.Decode(string(got.Body))
}

// ownPaths are the fake's own addresses, as the package's code names them.
func ownPaths(t *testing.T) []string {
	t.Helper()
	path := regexp.MustCompile(`^(?:[A-Z]+ )?(/fake/[\w/{}.]*)$`)
	found := map[string]bool{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, _ := strconv.Unquote(literal.Value)
				if m := path.FindStringSubmatch(text); m != nil {
					found[m[1]] = true
				}
			}
			return true
		})
	}
	var all []string
	for p := range found {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

// Every address of the fake is described with the methods that it takes, and no
// other is.
func TestOpenAPIHasEveryRoute(t *testing.T) {
	s, api := description(t)
	paths := api["paths"].(map[string]any)
	var described []string
	for path := range paths {
		described = append(described, path)
	}
	slices.Sort(described)
	if diff := cmp.Diff(ownPaths(t), described); diff != "" {
		t.Errorf("addresses (-served +described):\n%s", diff)
	}
	for _, path := range described {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			if method == "GET" && path == "/fake/live" {
				continue // it would not end
			}
			body := ""
			if method == "POST" {
				body = "[]" // no action
			}
			got := s.SendAs("", "", method, strings.ReplaceAll(path, "{id}", "x"), body)
			_, has := paths[path].(map[string]any)[strings.ToLower(method)]
			serves := got.Status != http.StatusMethodNotAllowed && !strings.Contains(string(got.Body), `"code":"not_found"`)
			if serves != has {
				t.Errorf("%s %s: got %d, described: %v", method, path, got.Status, has)
			}
		}
	}
}

// Every member of what is answered and taken is described, and no other is.
func TestOpenAPIHasEveryMember(t *testing.T) {
	_, api := description(t)
	schemas := api["components"].(map[string]any)["schemas"].(map[string]any)
	want := map[string][]string{}
	for _, root := range []any{
		fakeklarna.Order{}, fakeklarna.Action{}, fakeklarna.Outcome{}, fakeklarna.Request{}, fakeklarna.Callback{}, fakeklarna.Fault{},
		fakeklarna.Session{}, fakeklarna.PaymentAction{}, fakeklarna.PaymentOutcome{},
	} {
		membersOf(reflect.TypeOf(root), want)
	}
	want["Clock"], want["Error"], want["Snapshot"] = []string{"now", "offset"}, []string{"error"}, []string{"now", "state", "version"}
	got := map[string][]string{}
	for name, schema := range schemas {
		for member := range schema.(map[string]any)["properties"].(map[string]any) {
			got[name] = append(got[name], member)
		}
		slices.Sort(got[name])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members by type (-wire +described):\n%s", diff)
	}
}

// schemaOf is a type's name in the description, where the names of all rooms are together.
func schemaOf(t reflect.Type) string {
	switch name := t.Name(); path.Base(t.PkgPath()) + "." + name {
	case "management.Order", "management.Line", "management.Address", "management.Customer", "management.ShippingOption":
		return "Managed" + name
	case "payments.Action", "payments.Outcome", "payments.Category", "payments.URLs":
		return "Payment" + name
	default:
		return name
	}
}

// membersOf collects the names on the wire of a struct's members, and those of
// the structs in them.
func membersOf(t reflect.Type, into map[string][]string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		membersOf(t.Elem(), into)
	case reflect.Struct:
		if !strings.Contains(t.PkgPath(), "/fakeklarna/") || into[schemaOf(t)] != nil {
			return
		}
		into[schemaOf(t)] = []string{}
		for _, f := range reflect.VisibleFields(t) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				into[schemaOf(t)] = append(into[schemaOf(t)], name)
				membersOf(f.Type, into)
			}
		}
		slices.Sort(into[schemaOf(t)])
	default: // no members
	}
}

// The description is whole: references lead somewhere, each operation has a name
// of its own and answers, each answer a text.
func TestOpenAPIIsWhole(t *testing.T) {
	_, api := description(t)
	if version, _ := api["openapi"].(string); !strings.HasPrefix(version, "3.1.") {
		t.Errorf("openapi: %q", version)
	}
	names := map[string]bool{}
	for path, v := range api["paths"].(map[string]any) {
		item := v.(map[string]any)
		if _, has := item["parameters"]; has != strings.Contains(path, "{id}") {
			t.Errorf("%s: the parameter id is described: %v", path, has)
		}
		for method, v := range item {
			if method == "parameters" {
				continue
			}
			op := v.(map[string]any)
			id, _ := op["operationId"].(string)
			if id == "" || names[id] || op["summary"] == nil {
				t.Errorf("%s %s: operationId %q is missing or twice, or there is no summary", method, path, id)
			}
			names[id] = true
			answers, _ := op["responses"].(map[string]any)
			good := false
			for status, answer := range answers {
				good = good || status[0] == '2'
				text, _ := faketest.Find(answer, "description")
				link, _ := faketest.Find(answer, "$ref")
				if !regexp.MustCompile(`^[245]\d\d$`).MatchString(status) || text == nil && link == nil {
					t.Errorf("%s %s: response %s has no description", method, path, status)
				}
			}
			if !good {
				t.Errorf("%s %s: no response of success", method, path)
			}
		}
	}
	for _, at := range faketest.Spots("", api) {
		link, ok := at.Value.(string)
		if !ok || !strings.HasSuffix(at.Path, ".$ref") {
			continue
		}
		if target, ok := faketest.Find(api, strings.ReplaceAll(strings.TrimPrefix(link, "#/"), "/", ".")); !ok || !strings.HasPrefix(link, "#/components/") {
			t.Errorf("%s: %s leads to %v", at.Path, link, target)
		}
	}
}

// What the fake answers is of the form described.
func TestOpenAPIIsTrue(t *testing.T) {
	_, api := description(t)
	s := faketest.Lived(t, fakeklarna.Options{})
	for path, v := range api["paths"].(map[string]any) {
		schema, ok := faketest.Find(v, "get.responses.200.content")
		if !ok || path == "/fake/live" {
			continue
		}
		schema, ok = faketest.Find(schema.(map[string]any)["application/json"], "schema")
		if !ok {
			continue // a page
		}
		id := s.ID
		if strings.Contains(path, "sessions") {
			id = s.Fake.Sessions()[0].SessionID
		}
		got := s.SendAs("", "", "GET", strings.ReplaceAll(path, "{id}", id), "")
		if got.Status != 200 {
			t.Errorf("%s: got %d", path, got.Status)
		}
		for _, wrong := range misfits(api, path, schema, faketest.Decode(string(got.Body))) {
			t.Error(wrong)
		}
		head := s.SendAs("", "", "HEAD", strings.ReplaceAll(path, "{id}", id), "") // by which CI waits for a server
		if head.Status != 200 || head.Header.Get("Content-Type") != got.Header.Get("Content-Type") || len(head.Body) > 0 {
			t.Errorf("HEAD %s: got %d %s", path, head.Status, head.Header)
		}
	}
	for name, sent := range map[string]any{"Action": faketest.Action{Buy: &fakeklarna.Buy{}}, "Fault": faketest.Fault{Status: 503, Count: 1}} {
		for _, wrong := range misfits(api, name, map[string]any{"$ref": "#/components/schemas/" + name}, faketest.Decode(faketest.Text(sent))) {
			t.Error(wrong)
		}
	}
}

// The queries that docs and description name are the same, and each leaves out what it does not
// name.
func TestOpenAPIHasEveryQuery(t *testing.T) {
	_, api := description(t)
	s := faketest.Lived(t, fakeklarna.Options{})
	s.Fake.Advance(time.Minute) // to the push
	s.Fake.Wait(t.Context())
	described := map[string][]string{}
	for path, v := range api["paths"].(map[string]any) {
		parameters, _ := faketest.Find(v, "get.parameters")
		for _, parameter := range faketest.Spots("", parameters) {
			name, isName := parameter.Value.(string)
			if !isName || !strings.HasSuffix(parameter.Path, ".name") {
				continue
			}
			described[path] = append(described[path], name)
			count := func(query string) int {
				var answer map[string][]any
				got := s.SendAs("", "", "GET", path+query, "")
				if err := json.Unmarshal(got.Body, &answer); err != nil || len(answer) != 1 {
					t.Fatalf("%s%s: got %d %s", path, query, got.Status, got.Body)
				}
				return len(slices.Concat(slices.Collect(maps.Values(answer))...))
			}
			if all, none := count(""), count("?"+name+"=none"); all == 0 || none > 0 {
				t.Errorf("%s: %d, of them %d of the %s none", path, all, none, name)
			}
		}
	}
	documented := map[string][]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| \x60GET (/fake/\w+)(\?[^|]*)\|`).FindAllStringSubmatch(docs(t), -1) {
		for _, name := range regexp.MustCompile(`\w+=`).FindAllString(row[2], -1) {
			documented[row[1]] = append(documented[row[1]], strings.TrimSuffix(name, "="))
		}
	}
	if diff := cmp.Diff(documented, described); diff != "" {
		t.Errorf("queries (-documented +described):\n%s", diff)
	}
}

// Docs and description name every code of a refusal.
func TestOpenAPIHasEveryCode(t *testing.T) {
	_, api := description(t)
	text, _ := faketest.Find(api, "components.schemas.Refusal.properties.code.description")
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`(?:\tRefused\w+ += |refused\(\w+, |Refusal\{Code: )"(\w+)"`)
	var found []string
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range codes.FindAllSubmatch(source, -1) {
			found = append(found, string(code[1]))
		}
	}
	if len(found) < 15 {
		t.Fatalf("only %d codes are found", len(found))
	}
	for _, code := range found {
		if !slices.Contains(regexp.MustCompile(`\w+`).FindAllString(text.(string), -1), code) {
			t.Errorf("%s is not described", code)
		}
		if !strings.Contains(docs(t), "\x60"+code+"\x60") {
			t.Errorf("%s is not documented", code)
		}
	}
}

func docs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/fake-klarna.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// misfits tells where v is not as a schema says: of what this description uses.
func misfits(api map[string]any, path string, schema, v any) (wrong []string) {
	is := schema.(map[string]any)
	if link, ok := is["$ref"].(string); ok {
		target, _ := faketest.Find(api, strings.ReplaceAll(strings.TrimPrefix(link, "#/"), "/", "."))
		return misfits(api, path, target, v)
	}
	properties, _ := is["properties"].(map[string]any)
	fits := true
	switch is["type"] {
	case "object":
		members, ok := v.(map[string]any)
		fits = ok
		for name, member := range members {
			if properties[name] != nil {
				wrong = append(wrong, misfits(api, path+"."+name, properties[name], member)...)
			} else if more, ok := is["additionalProperties"].(map[string]any); ok {
				wrong = append(wrong, misfits(api, path+"."+name, more, member)...)
			} else if properties != nil {
				wrong = append(wrong, path+"."+name+" is not described")
			}
		}
		required, _ := is["required"].([]any)
		for _, name := range required {
			if _, ok := members[name.(string)]; !ok {
				wrong = append(wrong, path+"."+name.(string)+" is missing")
			}
		}
	case "array":
		list, ok := v.([]any)
		fits = ok
		for _, element := range list {
			wrong = append(wrong, misfits(api, path+"[]", is["items"], element)...)
		}
	case "string":
		_, fits = v.(string)
	case "boolean":
		_, fits = v.(bool)
	case "integer":
		n, ok := v.(json.Number)
		_, err := n.Int64()
		fits = ok && err == nil
	case "number":
		_, fits = v.(json.Number)
	}
	if !fits {
		wrong = append(wrong, path+" is not of type "+is["type"].(string)+": "+faketest.Text(v))
	}
	return wrong
}
