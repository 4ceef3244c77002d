package standardwebhooks

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Which file was looked for and why it was not read is said, and nothing of what is in it.
func TestSecretNotRead(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("wrong", []byte("whsec_hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSecrets("whsec_hunter2"); !errors.Is(err, ErrNotSent) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the secret in place of a file: %v", err)
	}
	for name, want := range map[string]error{"none": fs.ErrNotExist, "wrong": ErrNotSent} {
		_, err := readSecrets(name)
		if !errors.Is(err, ErrNotSent) || !errors.Is(err, want) || !strings.Contains(err.Error(), filepath.Join(dir, name)) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"93.184.215.14": true, "1.1.1.1": true, "::ffff:1.1.1.1": true, "0.1.2.3": false, "192.0.0.1": false, "203.0.113.1": false, "240.0.0.1": false, "fec0::1": false, "2606:2800:21f:cb07:6820:80da:af6b:8b2c": true,
		"127.0.0.1": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "0.0.0.0": false, "100.64.0.1": false,
		"224.0.0.1": false, "255.255.255.255": false, "192.0.2.1": false, "198.18.0.1": false, "::1": false, "::": false, "fe80::1": false, "fd00::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:db8::1": false, "ff02::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
