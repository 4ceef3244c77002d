package strictjson_test

import (
	"testing"

	"github.com/shopd/shopd/internal/strictjson"
)

func TestRead(t *testing.T) {
	for said, want := range map[string]string{
		`{"a": [2500.0, 1e4, 2.5E3, 100e-2, -0.0, 2.5, 12345678901234567]}`: `{"a":[2500,10000,2500,1,0,2.5,12345678901234567]}`,
		`{"a": "2500.0 \/ \u00e5"}`:                                         `{"a":"2500.0 \/ \u00e5"}`,
		`{"a": {"b": 1}, "c": {"b": 2}}`:                                    `{"a":{"b":1},"c":{"b":2}}`,
		`{"a": 1, "b": [{"c": 1, "c": 2}]}`:                                 "/b/0/c: stands twice",
		`{"a": 1, "\u0061": 2}`:                                             "/a: stands twice",
		"{\"a\": \"T\xe4lt\"}":                                              "/a: is not UTF-8",
		`{"a": "\ud800"}`:                                                   "/a: is not UTF-8",
		`{"a": 1} {}`:                                                       "",
		`{"a": }`:                                                           "",
		``:                                                                  "",
	} {
		got, err := strictjson.Read([]byte(said))
		if err != nil && want != "" {
			got = []byte(err.Error())
		}
		if string(got) != want || (want == "") != (err != nil && len(got) == 0) {
			t.Errorf("%s: got %s, %v, want %s", said, got, err, want)
		}
	}
}
