package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

const (
	tableFile = "docs/licences.md"
	textsFile = "THIRD_PARTY_LICENCES"

	self = "github.com/shopd/shopd" // and the modules below it
)

// allowed are licences that ask for no more than to be named.
var allowed = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "Unlicense", "Zlib"}

// leastShare is how much of a file must be the words of known licences, in percent; the
// rest is names and years.
const leastShare = 75

// module is a dependency.
type module struct {
	path, version, dir string
	licences           []string // SPDX identifiers, sorted
	text               string   // of its licence and notice
}

// is says whether both are the same version of a module.
func (m module) is(other module) bool {
	return m.path == other.path && m.version == other.version
}

func byPath(a, b module) int {
	return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.version, b.version))
}

// targets of the binaries: what is linked differs by system.
var targets = []string{"linux", "darwin", "windows"}

// write returns the table and the texts for the repository in dir.
func write(dir string) (table, texts string, err error) {
	linked, err := modules(dir, targets, "./cmd/shopd")
	if err != nil {
		return "", "", err
	}
	others, err := modules(dir, []string{"linux"}, "-test", "./...", "tool")
	if err != nil {
		return "", "", err
	}
	tools, err := filepath.Glob(filepath.Join(dir, "tools/*/go.mod")) // modules of their own
	if err != nil {
		return "", "", err
	}
	for _, file := range tools {
		more, err := modules(filepath.Dir(file), []string{"linux"}, "-test", "./...")
		if err != nil {
			return "", "", err
		}
		others = append(others, more...)
	}
	linked = append(linked, module{path: "Go, its runtime and standard library", dir: runtimeRoot(dir)})
	others = slices.DeleteFunc(others, func(m module) bool {
		return slices.ContainsFunc(linked, m.is)
	})
	slices.SortFunc(others, byPath)
	others = slices.CompactFunc(others, module.is)
	var problems []error
	for _, list := range [][]module{linked, others} {
		for i := range list {
			problems = append(problems, list[i].read())
		}
	}
	if err := errors.Join(problems...); err != nil {
		return "", "", err
	}
	return asTable(linked, others), asTexts(linked), nil
}

// run returns what a go command prints.
func run(dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), "go", args...) //nolint:gosec // the arguments are those below
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, complaint.String())
	}
	return strings.TrimSpace(string(out)), nil
}

func runtimeRoot(dir string) string {
	root, err := run(dir, nil, "env", "GOROOT")
	if err != nil {
		return ""
	}
	return root
}

// modules returns those that packages are built from on any of the systems, by path.
func modules(dir string, systems []string, packages ...string) ([]module, error) {
	known := map[string]module{}
	for _, system := range systems {
		args := append([]string{"list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}"}, packages...)
		out, err := run(dir, []string{"GOOS=" + system, "GOARCH=amd64", "CGO_ENABLED=0"}, args...)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out) {
			parts := strings.Split(strings.TrimSpace(line), "\t")
			if len(parts) == 3 && parts[0] != self && !strings.HasPrefix(parts[0], self+"/") {
				known[parts[0]] = module{path: parts[0], version: parts[1], dir: parts[2]}
			}
		}
	}
	var list []module
	for _, m := range known {
		list = append(list, m)
	}
	slices.SortFunc(list, byPath)
	return list, nil
}

var (
	licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)([.-](txt|md|mit|apache|bsd|html))?$`)
	noticeFile  = regexp.MustCompile(`(?i)^notice(\..*)?$`)
)

// read finds the module's licences by their words.
func (m *module) read() error {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return fmt.Errorf("%s: %w", m.path, err)
	}
	for _, entry := range entries {
		isLicence := licenceFile.MatchString(entry.Name())
		if entry.IsDir() || !isLicence && !noticeFile.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.dir, entry.Name()))
		if err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
		m.text += strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")) + "\n"
		if !isLicence {
			continue
		}
		found := licensecheck.Scan(text)
		if found.Percent < leastShare {
			return fmt.Errorf("%s: %s is no licence that is known (%.0f %%)", m.path, entry.Name(), found.Percent)
		}
		for _, match := range found.Match {
			m.licences = append(m.licences, match.ID)
		}
	}
	slices.Sort(m.licences)
	m.licences = slices.Compact(m.licences)
	if len(m.licences) == 0 {
		return fmt.Errorf("%s has no licence", m.path)
	}
	for _, licence := range m.licences {
		if !slices.Contains(allowed, licence) {
			return fmt.Errorf("%s has the licence %s, which is not among those allowed", m.path, licence)
		}
	}
	return nil
}

func asTable(linked, others []module) string {
	var b strings.Builder
	b.WriteString("# Third-party licences\n\n" +
		"shopd itself has the MIT licence. This list is written by `make licences`, and a test fails when it and `go.mod` disagree. Only these are allowed: " +
		strings.Join(allowed, ", ") + ".\n\n" +
		"Styles, scripts and pictures are the project's own. The font in `web/static/fonts` is a subset of Lato by Łukasz Dziedzic (OFL-1.1, its text is beside it, with how it was made); nothing else in `web/static` is somebody else's.\n\n" +
		"## In the program\n\nTheir texts, which must accompany any binary, are in [THIRD_PARTY_LICENCES](../THIRD_PARTY_LICENCES); the container image has that file.\n\n")
	rows(&b, linked)
	b.WriteString("\n## In tests and in tools that make the code\n\nNot part of a binary.\n\n")
	rows(&b, others)
	b.WriteString("\n## Run, not built in\n\n" +
		"`make lint` runs golangci-lint (GPL-3.0) and deadcode (BSD-3-Clause) from a module of their own, `make a11y` runs axe-core (MPL-2.0) in a browser, `make test` runs redis-server and Chromium as the machine has them. No line of them is in this repository or in what is built from it.\n")
	return b.String()
}

func rows(b *strings.Builder, list []module) {
	b.WriteString("| Module | Version | Licence |\n|---|---|---|\n")
	for _, m := range list {
		fmt.Fprintf(b, "| %s | %s | %s |\n", m.path, m.version, strings.Join(m.licences, ", "))
	}
}

// asTexts is each text once, below the modules that have it.
func asTexts(linked []module) string {
	var b strings.Builder
	b.WriteString("shopd contains the work of others. Whose, and under which conditions:\n")
	written := map[string]bool{}
	for _, m := range linked {
		if written[m.text] {
			continue
		}
		written[m.text] = true
		b.WriteString("\n" + strings.Repeat("=", 80) + "\n")
		for _, other := range linked {
			if other.text == m.text {
				b.WriteString(strings.TrimSpace(other.path+" "+other.version) + "\n")
			}
		}
		b.WriteString("\n" + m.text)
	}
	return b.String()
}
