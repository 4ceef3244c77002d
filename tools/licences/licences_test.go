package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The list and the texts are those of today's dependencies.
func TestUpToDate(t *testing.T) {
	table, texts, err := write(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{tableFile: table, textsFile: texts} {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, string(got)); d != "" {
			t.Errorf("%s is not up to date (run make licences):\n%s", name, d)
		}
	}
}

const mit = `Copyright (c) 2026 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name, file, text, problem string
	}{
		{"MIT", "LICENSE", mit, ""},
		{"MIT, another name", "LICENCE.md", mit, ""},
		{"MPL", "COPYING", "This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not distributed with this file, You can obtain one at http://mozilla.org/MPL/2.0/.\n", "which is not among those allowed"},
		{"something else", "LICENSE", strings.Repeat("You may look at this on Sundays. ", 40), "is no licence that is known"},
		{"MIT and more", "LICENSE", mit + strings.Repeat("You may not sell this. ", 60), "is no licence that is known"},
		{"none", "README", mit, "has no licence"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := module{path: "example.com/m", dir: t.TempDir()}
			if err := os.WriteFile(filepath.Join(m.dir, tt.file), []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := m.read()
			switch {
			case tt.problem == "" && (err != nil || strings.Join(m.licences, " ") != "MIT"):
				t.Errorf("licences %q, error %v", m.licences, err)
			case tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)):
				t.Errorf("error %v, want one that says %q", err, tt.problem)
			}
		})
	}
}
