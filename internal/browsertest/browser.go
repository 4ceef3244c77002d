// Package browsertest drives a real Chromium for tests.
//
// Each test process has one browser. The first test that asks for a page starts it, and [Main] stops it. It is the
// headless shell, unless a test asks for the whole browser. Every [Page] has its own browser context (cookies,
// storage), except one opened by [Page.Tab]. A later test gets the context empty.
//
// Console errors, uncaught exceptions and violations of the content security policy fail the test.
//
// Without Chromium on the machine tests are skipped. Where CI or SHOPD_TEST_ALL is set they fail instead.
package browsertest

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/cdp"
)

// chromium is a browser, started once for each test process.
type chromium struct {
	names []string // under which it is installed; the first one found is taken

	mu      sync.Mutex
	browser *rod.Browser
	err     error
	stop    func()
	idle    []*context // contexts that no test has
}

var (
	// shell is Chromium without windows. Its pages are the same, and a test takes a quarter of the time.
	shell = &chromium{names: append([]string{"chromium-headless-shell"}, whole.names...)}
	// whole is the full Chromium.
	whole = &chromium{names: []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"}}
)

// main reports whether the package's TestMain stops the browsers.
var main bool

var flags = []string{
	"--headless", "--remote-debugging-pipe", "--hide-scrollbars", "--disable-gpu", "--disable-quic",
	"--disable-dev-shm-usage", "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions", "--mute-audio",
	// Pages of a test are often in the background. Their timers must not be slowed down.
	"--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
	// Headless Chromium has no pointing device. Pages must see a mouse (4 and 2 are Blink's "fine" and "hover").
	"--blink-settings=primaryPointerType=4,availablePointerTypes=4,primaryHoverType=2,availableHoverTypes=2",
	// A cross-site frame shares the page's process. Its rights stay the same, and the page's listener sees its errors too.
	// The browser's own buttons get no process of their own for each window.
	// All tabs of a context share one process: to start one costs more than a page.
	"--renderer-process-limit=1",
	"--disable-site-isolation-trials", "--disable-features=site-per-process,IsolateOrigins,Translate,InitialWebUI,WebUIReloadButton,PreloadTopChromeWebUI",
}

// Main runs the tests of a package, stops the browser and exits: func TestMain(m *testing.M) { browsertest.Main(m) }.
// after are calls to make when the tests are over.
func Main(m *testing.M, after ...func()) {
	main = true
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		_ = parallel.Value.Set(strconv.Itoa(2 * runtime.GOMAXPROCS(0))) // most of the time these tests wait
	}
	code := m.Run()
	for _, f := range after {
		f()
	}
	for _, c := range []*chromium{shell, whole} {
		c.mu.Lock()
		if c.stop != nil {
			c.stop()
		}
		c.mu.Unlock()
	}
	os.Exit(code)
}

// get returns the browser and starts it if needed, or skips the test.
func (c *chromium) get(t testing.TB) *rod.Browser {
	t.Helper()
	if !main {
		t.Fatal("browsertest: the package's TestMain must call browsertest.Main")
	}
	bin := c.find()
	if bin == "" {
		reason := "browsertest: there is no " + c.names[0]
		if os.Getenv("CI") != "" || os.Getenv("SHOPD_TEST_ALL") != "" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.browser == nil && c.err == nil {
		c.browser, c.stop, c.err = start(bin)
	}
	if c.err != nil {
		t.Fatalf("browsertest: %v", c.err)
	}
	return c.browser
}

func (c *chromium) find() string {
	for _, name := range c.names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// start runs Chromium with an empty profile. It is driven by a pair of pipes: no port is open, and Chromium ends when
// this process ends.
func start(bin string) (*rod.Browser, func(), error) {
	profile, err := os.MkdirTemp("", "shopd-chromium-")
	if err != nil {
		return nil, nil, err
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	args := append([]string{"--user-data-dir=" + profile}, flags...)
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox")
	}
	var stderr bytes.Buffer
	cmd := exec.Command(bin, args...) // it lives as long as the process
	cmd.Stderr = &stderr
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // its descriptors 3 and 4
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	theirIn.Close()
	theirOut.Close()
	stop := func() {
		in.Close()
		kill := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		kill.Stop()
		out.Close()
		os.RemoveAll(profile)
	}
	client := cdp.New().Start(&pipe{in: in, out: bufio.NewReader(out)})
	b := rod.New().Client(client).NoDefaultDevice()
	if err := b.Connect(); err != nil {
		stop()
		return nil, nil, fmt.Errorf("start %s: %w\n%s", bin, err, stderr.String())
	}
	return b, stop, nil
}

// pipe carries DevTools messages. A zero byte ends each.
type pipe struct {
	mu  sync.Mutex
	in  *os.File
	out *bufio.Reader
}

func (p *pipe) Send(data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.in.Write(append(data, 0))
	return err
}

func (p *pipe) Read() ([]byte, error) {
	data, err := p.out.ReadBytes(0)
	if err != nil {
		return nil, errors.Join(errors.New("browser is gone"), err)
	}
	return data[:len(data)-1], nil
}
