package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/catalog"
)

// goods is a catalogue of one product with a name and a picture, each as JSON.
func goods(name, picture string) string {
	return fmt.Sprintf("{\"currencies\": [\"SEK\"], \"products\": [\n{\"sku\": \"A\", \"category\": \"c\", \"tax_class\": \"standard\", \"stock\": 1, \"prices\": {\"SEK\": 1},\n\"name\": %s,\n\"picture\": %s}]}", name, picture)
}

// Addresses of pictures are sent as a browser would: escaped, without what changes nothing.
func TestPictureAddresses(t *testing.T) {
	for given, want := range map[string]string{
		"https://img.example.com/p.jpg":                             "https://img.example.com/p.jpg",
		"https://img.example.com/tröja 1.jpg":                       "https://img.example.com/tr%C3%B6ja%201.jpg",
		"https://img.example.com/tr%c3%b6ja%201.jpg":                "https://img.example.com/tr%C3%B6ja%201.jpg",
		"https://img.example.com/a%2Fb c.jpg":                       "https://img.example.com/a%2Fb%20c.jpg",
		"https://img.example.com/日本.png":                            "https://img.example.com/%E6%97%A5%E6%9C%AC.png",
		"https://img.example.com/a|b\\\\c^d`e{f}\\\"<g>[h].jpg":     "https://img.example.com/a%7Cb%5Cc%5Ed%60e%7Bf%7D%22%3Cg%3E%5Bh%5D.jpg",
		"https://img.example.com/p?w=400&t=ö ä":                     "https://img.example.com/p?w=400&t=%C3%B6%20%C3%A4",
		"https://img.example.com/p?q=100%":                          "https://img.example.com/p?q=100%25",
		"https://img.example.com?w=1":                               "https://img.example.com/?w=1",
		"https://img.example.com":                                   "https://img.example.com/",
		"HTTPS://IMG.Example.COM:443/P.jpg":                         "https://img.example.com/P.jpg",
		"https://img.example.com:8443/p.jpg":                        "https://img.example.com:8443/p.jpg",
		"https://bücher.example/p.jpg":                              "https://xn--bcher-kva.example/p.jpg",
		"https://img.example.com/a/../b/./p.jpg":                    "https://img.example.com/b/p.jpg",
		"https://img.example.com/x//y.jpg":                          "https://img.example.com/x//y.jpg",
		"https://img.example.com/p.jpg#top":                         "https://img.example.com/p.jpg",
		"https://img.example.com/w_400,h_300/v1/(a)'b'!*+;=:@$.jpg": "https://img.example.com/w_400,h_300/v1/(a)'b'!*+;=:@$.jpg",
		"fleece.svg": "fleece.svg",
	} {
		c, err := catalog.Read(strings.NewReader(goods(`"A"`, `"`+given+`"`)))
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if p, _ := c.Product("A"); p.Picture() != want {
			t.Errorf("%s: got %s, want %s", given, p.Picture(), want)
		}
	}
	for _, given := range []string{
		"http://img.example.com/p.jpg", "https:///p.jpg", "https:p.jpg", "https://", "https://user:secret@img.example.com/p.jpg", "//img.example.com/p.jpg", "tröja 1.jpg",
		"https://img.example.com/100%.jpg", "https://img.example.com/%zz.jpg", "https://img exam.ple/p.jpg", "https://-a.example/p.jpg", "javascript:alert(1)", "https://img.example.com:port/p",
	} {
		_, err := catalog.Read(strings.NewReader(goods(`"A"`, `"`+given+`"`)))
		if err == nil || !strings.Contains(err.Error(), "line 4: products[0].picture: ") {
			t.Errorf("%s: %v", given, err)
		}
	}
	long := "https://img.example.com/" + strings.Repeat("ö", 400)
	if _, err := catalog.Read(strings.NewReader(goods(`"A"`, `"`+long+`"`))); err == nil || !strings.Contains(err.Error(), "longer than 1024 characters when it is written as a URL") {
		t.Errorf("an address that gets too long: %v", err)
	}
}

// Characters that cannot be seen, or that change how others are shown, are refused in every
// text of the file, with line and member.
func TestInvisibleCharacters(t *testing.T) {
	for text, want := range map[string]string{
		`a\u0000b`:               "has a control character",
		`a\tb`:                   "has a control character",
		`a\u007fb`:               "has a control character",
		`a\u0085b`:               "has a control character",
		`a\u200bb`:               "has the character U+200B, which cannot be seen",
		`\u200b`:                 "has the character U+200B, which cannot be seen",
		`a\u202eb`:               "has the character U+202E, which cannot be seen",
		"a\u202eb":               "has the character U+202E, which cannot be seen", // as it is, not as an escape
		`a\u202ab`:               "has the character U+202A, which cannot be seen",
		`a\u2066b`:               "has the character U+2066, which cannot be seen",
		`a\u200fb`:               "has the character U+200F, which cannot be seen",
		`a\u2028b`:               "has the character U+2028, which cannot be seen",
		`a\u2029b`:               "has the character U+2029, which cannot be seen",
		`a\ufeffb`:               "has the character U+FEFF, which cannot be seen",
		`a\u00adb`:               "has the character U+00AD, which cannot be seen",
		`a\u061cb`:               "has the character U+061C, which cannot be seen",
		`a\u180eb`:               "has the character U+180E, which cannot be seen",
		`a\udb40\udc41b`:         "has the character U+E0041, which cannot be seen",
		`a\uffffb`:               "has the character U+FFFF, which cannot be seen",
		`\u00a0 \u2003\u3000`:    "must not be empty",
		`\u3164`:                 "must not be empty",
		`\u2800`:                 "must not be empty",
		`\u0301`:                 "must not be empty",
		`Tröja 100\u00a0% – 日本`:  "",
		`e\u0301`:                "",
		`\u2764\ufe0f`:           "",
		`\"Fjäll & Co\" <b>`:     "",
		`\ud83e\udde6 Socks`:     "",
		`Größe 3½ × 4 m² €5 №7 `: "",
	} {
		for member, file := range map[string]string{
			"line 3: products[0].name":        goods(`"`+text+`"`, `"cup.svg"`),
			"line 3: products[0].name.sv":     goods(`{"en": "A", "sv": "`+text+`"}`, `"cup.svg"`),
			"line 3: products[0].description": goods(`"A", "description": "`+text+`"`, `"cup.svg"`),
			"line 3: products[0].material":    goods(`"A", "material": "`+text+`"`, `"cup.svg"`),
			"line 1: categories[0].name":      strings.Replace(goods(`"A"`, `"cup.svg"`), "{", `{"categories": [{"id": "c", "name": "`+text+`"}], `, 1),
		} {
			_, err := catalog.Read(strings.NewReader(file))
			switch {
			case want == "" && err != nil:
				t.Errorf("%q in %s: %v", text, member, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), member+": "+want)):
				t.Errorf("%q in %s: got %v, want %q", text, member, err, want)
			}
		}
	}
	if _, err := catalog.Read(strings.NewReader(strings.Replace(goods(`"A"`, `"cup.svg"`), "{", "{\"na\u202eme\": 1, ", 1))); err == nil || strings.Contains(err.Error(), "\u202e") {
		t.Errorf("the name of a member turns its problem around: %v", err)
	}
}
