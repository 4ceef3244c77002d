package i18n_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/i18n"
)

// keysOf reads the keys of a flat JSON object of strings in their order, those
// that come twice twice. encoding/json would keep the last one without a word.
func keysOf(t *testing.T, file string) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(file))
	next := func() json.Token {
		token, err := d.Token()
		if err != nil {
			t.Fatalf("at byte %d: %v", d.InputOffset(), err)
		}
		return token
	}
	if open := next(); open != json.Delim('{') {
		t.Fatalf("got %v, want an object", open)
	}
	var keys []string
	for d.More() {
		key := next().(string)
		if value, ok := next().(string); !ok {
			t.Fatalf("%s: got %v, want a text", key, value)
		}
		keys = append(keys, key)
	}
	next() // the closing brace
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("something follows the object at byte %d", d.InputOffset())
	}
	return keys
}

// TestFiles holds the files to one order, that of English: so a translator
// sees side by side what belongs together, and no key comes twice.
func TestFiles(t *testing.T) {
	read := func(t *testing.T, l i18n.Lang) []string {
		file, err := fs.ReadFile(i18n.Files(), i18n.FileName(l))
		if err != nil {
			t.Fatal(err)
		}
		keys := keysOf(t, string(file))
		seen := map[string]bool{}
		for _, key := range keys {
			if seen[key] {
				t.Errorf("%s: twice", key)
			}
			seen[key] = true
		}
		return keys
	}
	source := read(t, i18n.English)
	for _, lang := range i18n.Langs() {
		t.Run(string(lang), func(t *testing.T) {
			for i, key := range read(t, lang) {
				if i >= len(source) || key != source[i] {
					t.Fatalf("%s: not in English, or not at its place there", key)
				}
			}
		})
	}
}

// TestFileOfEachLanguage finds a file that nobody reads.
func TestFileOfEachLanguage(t *testing.T) {
	found, err := fs.Glob(i18n.Files(), "texts/*")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(i18n.Langs()) {
		t.Errorf("got the files %v for the languages %v", found, i18n.Langs())
	}
}
