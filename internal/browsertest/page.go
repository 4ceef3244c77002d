package browsertest

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
)

// limit is the time for all that a test does with one page.
const limit = 90 * time.Second

// Options are the properties of the simulated device. The zero value is a wide, light screen with a mouse.
type Options struct {
	Width, Height  int    // CSS pixels; 0: 1200 × 900
	Phone          bool   // touch, coarse pointer; 390 × 844 unless Width and Height are given
	Dark           bool   // prefers-color-scheme: dark
	ReducedMotion  bool   // prefers-reduced-motion: reduce
	ForcedColors   bool   // forced-colors: active
	NoJS           bool   // scripts do not run
	Whole          bool   // the whole browser: only that keeps pages for the way back
	AcceptLanguage string // "": the browser's own
}

// String names the device: "phone, dark", "320 px".
func (o Options) String() string {
	name := "desk"
	switch {
	case o.Phone:
		name = "phone"
	case o.Width > 0:
		name = strconv.Itoa(o.Width) + " px"
	}
	if o.Dark {
		name += ", dark"
	}
	if o.ReducedMotion {
		name += ", still"
	}
	if o.ForcedColors {
		name += ", forced colours"
	}
	return name
}

// Page is one tab. The embedded Must… methods end the test on failure, and when the page's time (90 s) is over.
type Page struct {
	*rod.Page
	t       testing.TB
	context *rod.Browser
	o       Options
	touch   bool // whether touch was emulated last

	mu        sync.Mutex
	problems  []string
	expected  []string
	forgotten bool
}

// Open opens a blank tab in an empty browser context of the test's own, and closes it at the test's end. It skips the
// test without Chromium.
func Open(t testing.TB, o Options) *Page {
	t.Helper()
	bin := shell
	if o.Whole {
		bin = whole
	}
	context, err := bin.borrow(bin.get(t))
	if err != nil {
		t.Fatalf("browsertest: %v", err)
	}
	t.Cleanup(func() { context.giveBack(t.Failed()) })
	return open(t, context.Browser, o)
}

// Tab opens another blank tab in the same browser context. Both share cookies, storage and broadcast channels.
func (p *Page) Tab() *Page {
	p.t.Helper()
	return open(p.t, p.context, p.o)
}

func open(t testing.TB, context *rod.Browser, o Options) *Page {
	t.Helper()
	// A tab behind another one paints nothing, so waiting for it to paint never ends. A tab in its own window paints.
	raw, err := context.Page(proto.TargetCreateTarget{NewWindow: true})
	if err != nil {
		t.Fatalf("browsertest: %v", err)
	}
	p := &Page{t: t, context: context, o: o}
	p.Page = raw.Timeout(limit).WithPanic(func(v any) { t.Helper(); t.Fatal(v) })
	p.listen(raw)
	if err := p.emulate(); err != nil {
		t.Fatalf("browsertest: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			p.Picture("failed")
		}
		if problems := p.Problems(); len(problems) > 0 {
			t.Errorf("the browser reported:\n%s", list(problems))
		}
		_ = raw.Close()
	})
	return p
}

// As shows the open page on another device. Whole, NoJS and AcceptLanguage are those of Open. A page that was on a phone
// sees no mouse until it is left.
func (p *Page) As(o Options) {
	p.t.Helper()
	o.Whole, o.NoJS, o.AcceptLanguage = p.o.Whole, p.o.NoJS, p.o.AcceptLanguage
	p.o = o
	if err := p.emulate(); err != nil {
		p.t.Fatalf("browsertest: %v", err)
	}
}

func (p *Page) emulate() error {
	o := p.o
	switch {
	case o.Width == 0 && o.Phone:
		o.Width, o.Height = 390, 844
	case o.Width == 0:
		o.Width, o.Height = 1200, 900
	case o.Height == 0:
		o.Height = 900
	}
	var media []*proto.EmulationMediaFeature
	feature := func(on bool, name, value string) {
		if on {
			media = append(media, &proto.EmulationMediaFeature{Name: name, Value: value})
		}
	}
	feature(true, "prefers-color-scheme", map[bool]string{false: "light", true: "dark"}[o.Dark])
	feature(o.ReducedMotion, "prefers-reduced-motion", "reduce")
	feature(o.ForcedColors, "forced-colors", "active")
	calls := []interface{ Call(proto.Client) error }{
		proto.EmulationSetDeviceMetricsOverride{Width: o.Width, Height: o.Height, DeviceScaleFactor: 1, Mobile: o.Phone},
		proto.EmulationSetEmulatedMedia{Features: media},
		proto.EmulationSetScriptExecutionDisabled{Value: o.NoJS},
	}
	if o.Phone != p.touch {
		calls = append(calls, proto.EmulationSetTouchEmulationEnabled{Enabled: o.Phone})
		p.touch = o.Phone
	}
	if o.AcceptLanguage != "" {
		calls = append(calls, proto.NetworkEnable{}, proto.NetworkSetExtraHTTPHeaders{
			Headers: proto.NetworkHeaders{"Accept-Language": jsonString(o.AcceptLanguage)},
		})
	}
	for _, call := range calls {
		if err := call.Call(p); err != nil {
			return fmt.Errorf("%T: %w", call, err)
		}
	}
	return nil
}

// Go navigates and waits for the load event.
func (p *Page) Go(address string) {
	p.t.Helper()
	p.Load(func() { p.MustNavigate(address) })
}

// Wait calls the JavaScript function with args until it returns something true: every 20 ms, at most 10 s. Then it
// fails the test and says what.
func (p *Page) Wait(what, function string, args ...any) {
	p.t.Helper()
	p.WaitFor(10*time.Second, what, function, args...)
}

// asking asks some times more, every 20 ms, within the page: a question from outside costs six times as much. A document in
// a sandbox, whose origin is none, has no timers.
const asking = `async (...args) => {
	for (let more = %d; ; more--) {
		if (await (%s)(...args)) return true;
		if (more === 0 || origin === "null") return false;
		await new Promise((done) => setTimeout(done, 20));
	}
}`

// WaitFor is [Page.Wait] with another limit. An error in the function or a navigation counts as false.
func (p *Page) WaitFor(limit time.Duration, what, function string, args ...any) {
	p.t.Helper()
	p.wait(limit, func() *rod.Page { return p.Page }, what, function, args...)
}

// WaitInFrame is [Page.WaitFor] in the document of [Page.Frame].
func (p *Page) WaitInFrame(selector string, limit time.Duration, what, function string, args ...any) {
	p.t.Helper()
	p.wait(limit, func() *rod.Page { return p.Frame(selector) }, what, function, args...)
}

func (p *Page) wait(limit time.Duration, document func() *rod.Page, what, function string, args ...any) {
	p.t.Helper()
	more := 24
	if p.o.NoJS { // and no timers
		more = 0
	}
	truth := fmt.Sprintf(asking, more, function)
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		got, err := document().Eval(truth, args...)
		if err == nil && got.Value.Bool() {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("waited %s for: %s (%v)", limit, what, err)
		}
	}
}

// Load calls a function that leads to another document, and waits until that document is loaded. It marks the old
// document to tell the two apart: the browser's own load events come late and twice, and where scripts are off nothing
// in the page can wait for one.
func (p *Page) Load(act func()) {
	p.t.Helper()
	p.MustEval(`() => { document.documentElement.dataset.left = "" }`)
	act()
	p.Wait("another document", `() => !("left" in document.documentElement.dataset) && document.readyState === "complete"`)
}

// Frame returns the document in the iframe that matches the selector. It waits for both, also while scripts replace
// or move the iframe. The frame may be cross-site.
func (p *Page) Frame(selector string) *rod.Page {
	p.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		frame, err := p.MustElement(selector).Frame()
		if err == nil {
			err = frame.WaitLoad()
		}
		if err == nil {
			return frame
		}
		if time.Now().After(end) {
			p.t.Fatalf("browsertest: the frame %s: %v", selector, err)
		}
	}
}

// Offline disconnects the tab from the network, or connects it again.
func (p *Page) Offline(off bool) {
	p.t.Helper()
	conditions := proto.NetworkEmulateNetworkConditions{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}
	for _, call := range []interface{ Call(proto.Client) error }{proto.NetworkEnable{}, conditions} {
		if err := call.Call(p); err != nil {
			p.t.Fatalf("browsertest: %v", err)
		}
	}
}

// Picture is [Page.Screenshot] where go test has -artifacts. Elsewhere it does nothing: nobody could look at the
// picture, and a picture costs more than most of a test.
func (p *Page) Picture(name string) {
	if Pictures() {
		p.Screenshot(name)
	}
}

// Pictures reports whether go test has -artifacts.
func Pictures() bool {
	wanted := flag.Lookup("test.artifacts")
	return wanted != nil && wanted.Value.String() == "true"
}

// Screenshot writes the whole page as NAME.png to the test's artifact directory. It returns the file's path.
func (p *Page) Screenshot(name string) string {
	p.t.Helper()
	data, err := p.Page.Screenshot(true, &proto.PageCaptureScreenshot{Format: proto.PageCaptureScreenshotFormatPng})
	if err != nil {
		p.t.Logf("screenshot %s: %v", name, err)
		return ""
	}
	path := filepath.Join(p.t.ArtifactDir(), name+".png")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		p.t.Logf("screenshot %s: %v", name, err)
	}
	return path
}

// OtherSite replaces the host of a loopback address by the cross-site one: localhost by 127.0.0.1, and 127.0.0.1 by
// localhost.
func OtherSite(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	host := "localhost"
	if u.Hostname() == host {
		host = "127.0.0.1"
	}
	u.Host = host + ":" + u.Port()
	return u.String(), nil
}
