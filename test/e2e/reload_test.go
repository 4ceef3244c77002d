package e2e_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	kcoapi "github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// hangUp sends a SIGHUP and waits until the process has read its settings again, or has not.
func (p *process) hangUp(result string) {
	p.t.Helper()
	p.moved("SIGHUP", func() {
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			p.t.Fatal(err)
		}
	}, `shopd_reloads_total{result="`+result+`"}`)
}

// asked is the status of a call of the API with a key.
func (p *process) asked(key string) int {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), "GET", p.ready["storefront"]+"/v1/events", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// A SIGHUP brings new secrets, staff and keys into a running shop; what cannot be used changes
// nothing at all, and is told.
func TestReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := deploy(t, 0, fakeklarna.Options{})
	d.env = map[string]string{"SHOPD_SECRET": "", "SHOPD_STAFF": "", "SHOPD_API_KEYS": "", "SHOPD_KLARNA_PASSWORD": ""}
	for name, text := range map[string]string{
		"SHOPD_SECRET": shoptest.Secret, "SHOPD_STAFF": shoptest.Staff, "SHOPD_API_KEYS": api.KeyLine("test", "all", apiKey), "SHOPD_KLARNA_PASSWORD": "expired",
	} {
		write(name, text+"\n")
		d.env[name+"_FILE"] = filepath.Join(dir, name)
	}
	p := d.start("127.0.0.1:0")
	d.shops = append(d.shops, p)
	staff := &client{t: t}
	signIn := func() int {
		return staff.send(p, "POST", "/admin/sign-in", "name=ada&password=correct+horse", "").status
	}
	ready := func(want int) {
		t.Helper()
		for start := time.Now(); staff.send(p, "GET", "/readyz", "", "").status != want; time.Sleep(20 * time.Millisecond) {
			if time.Since(start) > 40*time.Second {
				t.Fatalf("/readyz is not %d", want)
			}
		}
	}
	if got := signIn(); got != http.StatusSeeOther {
		t.Fatalf("sign in: %d", got)
	}
	ready(http.StatusServiceUnavailable) // Klarna refuses the password

	// One of them is broken: none is taken.
	write("SHOPD_KLARNA_PASSWORD", "demo")
	write("SHOPD_API_KEYS", api.KeyLine("other", "all", "sk_other"))
	write("SHOPD_STAFF", "ada:manage:hunter2")
	p.hangUp("failed")
	if old, other := p.asked(apiKey), p.asked("sk_other"); old != http.StatusOK || other != http.StatusUnauthorized {
		t.Errorf("after a broken file: the old key is answered %d, the new one %d", old, other)
	}
	p.shows("shopd_reload_failed", exactly(1))
	p.logs("what is broken", func(r record) bool {
		return r.Level == "ERROR" && strings.Contains(r.Error, "SHOPD_STAFF or SHOPD_STAFF_FILE: line 1") && !strings.Contains(r.line, "hunter2")
	})
	ready(http.StatusServiceUnavailable)

	// Nobody is left: rather a file that is being written.
	write("SHOPD_STAFF", "")
	p.hangUp("failed")
	if got := staff.send(p, "GET", "/admin/", "", ""); got.status != http.StatusOK {
		t.Errorf("the back office after an empty file: %d", got.status)
	}

	// All is right: the other password opens the shop, the other key works, who was taken off is out.
	write("SHOPD_STAFF", strings.Replace(shoptest.Staff, "ada:", "eve:", 1))
	write("SHOPD_SECRET", "another secret of 16 characters\n"+shoptest.Secret)
	p.hangUp("done")
	p.shows("shopd_reload_failed", exactly(0))
	ready(http.StatusOK)
	if old, other := p.asked(apiKey), p.asked("sk_other"); old != http.StatusUnauthorized || other != http.StatusOK {
		t.Errorf("then: the old key is answered %d, the new one %d", old, other)
	}
	if got := staff.send(p, "GET", "/admin/", "", ""); got.status != http.StatusSeeOther {
		t.Errorf("the back office for somebody who has left: %d", got.status)
	}
	if got := signIn(); got != http.StatusUnprocessableEntity {
		t.Errorf("sign in of somebody who has left: %d", got)
	}
	made, _ := d.fake.Order(d.buyer().open(p))
	signer, err := kcoapi.NewSigner("another secret of 16 characters")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Verify(made.MerchantData); err != nil {
		t.Errorf("the new secret has not signed the order: %v", err)
	}
	p.stop()
}

// A SIGHUP before the start is through does not end the process.
func TestReloadBeforeTheStart(t *testing.T) {
	t.Parallel()
	// A database that is not there yet.
	away, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = away.Close()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t}
	p.cmd = exec.CommandContext(context.Background(), path, "serve", "-addr", "127.0.0.1:0", "-ops-addr", "127.0.0.1:0")
	p.cmd.Env = []string{"SHOPD_PUBLIC_URL=http://shop.example", "SHOPD_KLARNA_URL=http://127.0.0.1:1", "SHOPD_REDIS_URL=redis://127.0.0.1:1", "SHOPD_KLARNA_PASSWORD=demo",
		"SHOPD_SECRET=" + shoptest.Secret, "SHOPD_DATABASE_URL=postgres://" + away.Addr().String() + "/shop", "SHOPD_SHOP=../../examples/skerry/shop.yaml", "SHOPD_CATALOG=../../examples/skerry/catalog.json"}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tries := func(n int) {
		t.Helper()
		for start := time.Now(); strings.Count(p.logged(), "the database does not answer yet") < n; time.Sleep(10 * time.Millisecond) {
			if time.Since(start) > 40*time.Second {
				t.Fatalf("it does not wait for its database:\n%s", p.logged())
			}
		}
	}
	tries(1)
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	tries(3)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if _ = p.cmd.Wait(); p.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended by %s", p.cmd.ProcessState)
	}
}
