package respond_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/respond"
)

// FuzzDecode: a body is read as what it says, and then written and read again it is the
// same; or it is refused with a 4xx whose message is safe to show.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{`{}`, `{"a":1,"b":["x"]}`, `{"a":1}{}`, `{"a":"x"}`, `[]`, ``, `{"c":1}`, `{"A":2,"a":1}`, "{\"b\":[\"\xff\"]}", `{"b":null}`, strings.Repeat("[", 3000), `{"a":1e400}`} {
		f.Add(body, "application/json")
		f.Add(body, "application/x-www-form-urlencoded")
	}
	f.Add("a=1&b=%zz", "application/x-www-form-urlencoded; charset=x")
	f.Add("a=1;b=2", ";;")
	type content struct {
		A int64    `json:"a"`
		B []string `json:"b"`
	}
	f.Fuzz(func(t *testing.T, body, contentType string) {
		request := func(body string) *http.Request {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			return r
		}
		refused := func(err error) bool {
			bad, ok := errors.AsType[*respond.BadRequest](err)
			if err != nil && (!ok || bad.Status < 400 || bad.Status >= 500 || bad.Message == "" || strings.Contains(bad.Message, "json:")) {
				t.Errorf("%q: %v", body, err)
			}
			return err != nil
		}
		var got, again content
		if !refused(respond.DecodeJSON(httptest.NewRecorder(), request(body), &got, 4096)) {
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			err = respond.DecodeJSON(httptest.NewRecorder(), request(string(text)), &again, 1<<20)
			if d := cmp.Diff(got, again); d != "" || err != nil {
				t.Errorf("%q: %v %s", body, err, d)
			}
		}
		r := request(body)
		if !refused(respond.ParseForm(httptest.NewRecorder(), r, 4096)) && len(r.PostForm) > 0 && !strings.Contains(strings.ToLower(contentType), "form") {
			t.Errorf("%q is a form", contentType)
		}
	})
}
