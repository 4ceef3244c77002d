package browsertest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/browsertest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

func serve(t *testing.T, policy, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, "<!doctype html><html lang=en><title>t</title><link rel=icon href=data:,>"+
			strings.ReplaceAll(body, "{lang}", r.Header.Get("Accept-Language")))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// Each case makes the browser report something; the helper must have seen it.
func TestProblemsAreCollected(t *testing.T) {
	const policy = "default-src 'self' data:; script-src 'nonce-n'"
	for _, tt := range []struct{ name, body, want string }{
		{"nothing wrong", `<script nonce=n>console.log("fine")</script>`, ""},
		{"console error", `<script nonce=n>console.error("broken", 7)</script>`, "console: broken 7"},
		{"exception", `<script nonce=n>throw new Error("thrown")</script>`, "thrown"},
		{"rejection", `<script nonce=n>Promise.reject(new Error("rejected"))</script>`, "rejected"},
		{"missing file", `<img src=/missing.png alt="">`, "404"},
		{"policy", `<script>1</script>`, "content security policy: script-src-elem"},
		{"policy, in a handler", `<p onclick="1">`, "content security policy: script-src-attr"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := browsertest.Open(t, browsertest.Options{})
			p.Go(serve(t, policy, tt.body))
			p.Screenshot("page") // a round trip: what was reported before it has arrived
			got := strings.Join(p.Problems(), "\n")
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("problems = %q, want %q", got, tt.want)
			}
			p.Forget()
		})
	}
}

func TestExpect(t *testing.T) {
	p := browsertest.Open(t, browsertest.Options{})
	p.Expect("expected")
	p.Go(serve(t, "script-src 'nonce-n'", `<script nonce=n>console.error("an expected one"); console.error("other")</script><script>"expected"</script>`))
	p.Screenshot("page")
	got := strings.Join(p.Problems(), "\n")
	if strings.Contains(got, "an expected one") || !strings.Contains(got, "other") || !strings.Contains(got, "content security policy: ") {
		t.Errorf("problems = %q", got)
	}
	p.Forget()
}

func TestOptions(t *testing.T) {
	other := browsertest.Open(t, browsertest.Options{})
	plain := serve(t, "", `<meta name=viewport content="width=device-width">`)
	media := `(query) => matchMedia(query).matches`
	for _, tt := range []struct {
		name    string
		o       browsertest.Options
		queries []string
	}{
		{"desk", browsertest.Options{}, []string{"(width: 1200px) and (height: 900px)", "(prefers-color-scheme: light)", "(prefers-reduced-motion: no-preference)", "(pointer: fine)"}},
		{"desk, dark", browsertest.Options{Dark: true}, []string{"(prefers-color-scheme: dark)"}},
		{"desk, still", browsertest.Options{ReducedMotion: true}, []string{"(prefers-reduced-motion: reduce)"}},
		{"desk, forced colours", browsertest.Options{ForcedColors: true}, []string{"(forced-colors: active)"}},
		{"phone", browsertest.Options{Phone: true}, []string{"(width: 390px)", "(pointer: coarse)"}},
		{"320 px", browsertest.Options{Width: 320}, []string{"(width: 320px) and (height: 900px)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.o.String(); got != tt.name {
				t.Errorf("its name is %q", got)
			}
			p := browsertest.Open(t, tt.o)
			p.Go(plain)
			for _, query := range tt.queries {
				if !p.MustEval(media, query).Bool() {
					t.Errorf("%s does not match", query)
				}
			}
			other.Go(plain)
			other.As(tt.o)
			for _, query := range tt.queries {
				if !other.MustEval(media, query).Bool() {
					t.Errorf("%s does not match on a page opened before", query)
				}
			}
		})
	}
	other.As(browsertest.Options{})
	other.Go(plain)
	if !other.MustEval(media, "(width: 1200px) and (prefers-color-scheme: light) and (pointer: fine) and (hover) and (forced-colors: none)").Bool() {
		t.Error("a page opened after is not as it was at first")
	}
	t.Run("no scripts", func(t *testing.T) {
		p := browsertest.Open(t, browsertest.Options{NoJS: true})
		p.Go(serve(t, "", `<p id=p>off</p><script>p.textContent = "on"</script>`))
		if got := p.MustElement("#p").MustText(); got != "off" {
			t.Errorf("text = %q, want off", got)
		}
	})
	t.Run("language", func(t *testing.T) {
		p := browsertest.Open(t, browsertest.Options{AcceptLanguage: "nb-NO,nb"})
		p.Go(serve(t, "", `<p id=p>{lang}</p>`))
		if got := p.MustElement("#p").MustText(); got != "nb-NO,nb" {
			t.Errorf("Accept-Language = %q", got)
		}
	})
}

// A cross-site frame can be worked in, and does not see its parent.
func TestFrame(t *testing.T) {
	inner := serve(t, "", `<button onclick="let seen = 'no'; try { seen = parent.document.title } catch {} this.textContent = 'clicked, parent seen: ' + seen">press</button>`)
	cross, err := browsertest.OtherSite(inner)
	if err != nil {
		t.Fatal(err)
	}
	p := browsertest.Open(t, browsertest.Options{})
	p.Go(serve(t, "", `<iframe src="`+cross+`"></iframe>`))
	button := p.Frame("iframe").MustElement("button").MustClick()
	if got, want := button.MustText(), "clicked, parent seen: no"; got != want {
		t.Errorf("button = %q, want %q", got, want)
	}
}

// The context that a test gives back is empty for the next one: no cookie, no tab.
func TestContextIsGivenBackEmpty(t *testing.T) {
	address := serve(t, "", "")
	for range 3 {
		t.Run("again", func(t *testing.T) {
			p := browsertest.Open(t, browsertest.Options{})
			p.Go(address)
			if got := p.MustEval(`() => document.cookie`).Str(); got != "" {
				t.Errorf("cookie = %q", got)
			}
			p.MustEval(`() => { document.cookie = "seen=1" }`)
			p.Tab().Go(address)
			if n := len(p.Browser().MustPages()); n > 5 {
				t.Errorf("%d tabs are open", n)
			}
		})
	}
}

func TestContexts(t *testing.T) {
	address := serve(t, "", "")
	a := browsertest.Open(t, browsertest.Options{})
	a.Go(address)
	a.MustEval(`() => { document.cookie = "seen=1" }`)
	same, other := a.Tab(), browsertest.Open(t, browsertest.Options{})
	for _, tt := range []struct {
		name string
		page *browsertest.Page
		want string
	}{{"another tab", same, "seen=1"}, {"another context", other, ""}} {
		tt.page.Go(address)
		if got := tt.page.MustEval(`() => document.cookie`).Str(); got != tt.want {
			t.Errorf("%s: cookie = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestOfflineWaitAndScreenshot(t *testing.T) {
	p := browsertest.Open(t, browsertest.Options{})
	p.Expect("ERR_INTERNET_DISCONNECTED")
	p.Go(serve(t, "", `<p>hello`))
	fails := `async () => { try { await fetch("/"); return false } catch { return true } }`
	p.Offline(true)
	p.Wait("fetch to fail", fails)
	p.Offline(false)
	p.Wait("fetch to work", `async (f) => (await fetch("/")).ok === f`, true)
	if info, err := os.Stat(p.Screenshot("hello")); err != nil || info.Size() < 1000 {
		t.Errorf("screenshot: %v, %v", info, err)
	}
}

// Each layout of a page is looked at on its narrowest screen, in a wide font.
func TestTooWide(t *testing.T) {
	p := browsertest.Open(t, browsertest.Options{})
	p.Go(serve(t, "", `<style>
		@media (min-width: 500px) { #a { width: 495px } }
		@media (max-width: 699.98px) { #b { width: 310px } }
		@media (min-width: 700px) { @supports (display: grid) { #b { width: 695px } } }
	</style><p id=a>a<p id=b>b`))
	var screens []string
	for line := range strings.Lines(p.TooWide()) {
		screens = append(screens, strings.Fields(line)[0])
	}
	if got := strings.Join(screens, " "); got != "500 700" {
		t.Errorf("too wide at %q, want 500 700", got)
	}
	if got := p.MustEval(`() => innerWidth + " " + document.adoptedStyleSheets.length`).Str(); got != "1200 0" {
		t.Errorf("width and sheets are then %s", got)
	}
}
