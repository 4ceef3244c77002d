package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// parsedFake is fake-klarna's command line, with a file of settings.
func parsedFake(t *testing.T, file string, getenv map[string]string, args ...string) (*config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fake.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	var e env
	err := e.parse(commandNamed(t, "fake-klarna"), append([]string{"-config", path}, args...), func(name string) string { return getenv[name] })
	return &e.config, errors.Join(append(e.unread, err)...)
}

func commandNamed(t *testing.T, name string) command {
	t.Helper()
	for _, c := range commands {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("there is no command %q", name)
	return command{}
}

// A file has any of the settings; flags and variables win.
func TestFakeConfig(t *testing.T) {
	file := `# the shop's tests
klarna-addr: 127.0.0.1:0
klarna-credentials: PK1_x:secret
seed: 7
chaos: 0.1
push-delay: 10s
callback-hosts: [shop.local, other.local]
quiet: true
late-address-event: false
`
	c, err := parsedFake(t, file, map[string]string{"SHOPD_PUSH_DELAY": "20s"}, "-seed", "8")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][2]string{
		"klarna-addr": {c.klarnaAddr, "127.0.0.1:0"}, "klarna-credentials": {c.klarnaCredentials, "PK1_x:secret"}, "seed": {c.fakeSeed, "8"},
		"chaos": {c.fakeChaos, "0.1"}, "push-delay": {c.fakePushDelay, "20s"}, "callback-hosts": {c.fakeCallbackHosts, "shop.local other.local"},
		"quiet": {c.quiet, "true"}, "late-address-event": {c.fakeLateAddress, "false"}, "echo-filled-urls": {c.fakeFilledURLs, "false"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: got %q, want %q", name, got[0], got[1])
		}
	}
}

// What is wrong in the file is told with its line; nothing is guessed.
func TestFakeConfigWrong(t *testing.T) {
	for file, want := range map[string]string{
		"push_delay: 10s\n":        "line 1: push_delay: unknown member",
		"seed: 1\nquiet: maybe\n":  "line 2: quiet:",
		"config: x\n":              "line 1: config: unknown member",
		"redis-url: redis://x\n":   "line 1: redis-url: unknown member",
		"seed: 1\nseed: 2\n":       "line 2: seed: stands twice",
		"- seed\n":                 "want an object",
		"callback-hosts: {a: b}\n": "line 1: callback-hosts: want a string",
		"callback-hosts: [[a]]\n":  "line 1: callback-hosts[0]: want a string",
		"seed: [1\n":               "-config",
	} {
		if _, err := parsedFake(t, file, nil); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "fake.yaml") {
			t.Errorf("%q: got %v, want %q", file, err, want)
		}
	}
	if _, err := parsedFake(t, "", nil, "-config", "/none/fake.yaml"); err == nil || !strings.Contains(err.Error(), "-config") {
		t.Errorf("no file: got %v", err)
	}
}
