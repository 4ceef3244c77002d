package frontend_test

import (
	"testing"
	"time"

	"github.com/shopd/shopd/internal/browsertest"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// Each of these tests also shows that nothing violates the shop's policy: the
// browser's reports fail the test.

func TestSnippetTakesOver(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.WaitTotal("447 kr")
	if got := c.MustEval(`() => queued`).Int(); got != 1 {
		t.Errorf("calls queued before the bootstrap = %d, want 1", got)
	}
	if got, want := c.WaitEvent("load"), `{"customer":{"type":"person"},"shipping_address":{"country":"swe"}}`; got != want {
		t.Errorf("load = %s, want %s", got, want)
	}
	if got, want := c.WaitEvent("customer"), `{"type":"person"}`; got != want {
		t.Errorf("customer = %s, want %s", got, want)
	}
	if got, want := c.MustEval(`() => Object.keys(api).sort().join()`).Str(), "on,resume,suspend"; got != want {
		t.Errorf("API = %s, want %s", got, want)
	}
	if c.MustHas("#klarna-unsupported-page") {
		t.Error("the page for unsupported browsers is still there")
	}
	c.Wait("the iframe to take the height of its content", `() => {
		const height = parseFloat(document.querySelector("#klarna-checkout-iframe").style.height);
		return height > 300 && height !== 600;
	}`)
	if got := c.InFrame().MustEval(`() => { try { return parent.document.title } catch { return "cross-site" } }`).Str(); got != "cross-site" {
		t.Errorf("the frame reads its parent: %s", got)
	}
}

func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.WaitTotal("447 kr")
	c.MustEval(`() => { window.node = document.querySelector("#klarna-checkout-iframe") }`)
	c.Fill(map[string]string{"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ad"})

	c.MustEval(`() => { api.suspend({autoResume: {enabled: false}}) }`)
	c.WaitFrame("the frame to stand still", `() => document.getElementById("checkout").inert && !document.getElementById("veil").hidden`)
	h.Update(c.ID, faketest.Amounts(89400))
	if got := *c.Element("total").MustAttribute("data-amount"); got != "44700" {
		t.Errorf("total while suspended = %s, want the old one", got)
	}
	c.MustEval(`() => { api.resume() }`)
	c.WaitTotal("894 kr")
	c.WaitFrame("the frame to move again", `() => !document.getElementById("checkout").inert && document.getElementById("veil").hidden`)

	if got, want := c.WaitEvent("order_total_change"), `{"order_total":89400}`; got != want {
		t.Errorf("order_total_change = %s, want %s", got, want)
	}
	if got := c.MustEval(`() => node === document.querySelector("#klarna-checkout-iframe") && node.isConnected`).Bool(); !got {
		t.Error("the iframe is another one than before")
	}
	for name, want := range map[string]string{"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ad"} {
		if got := c.Value(name); got != want {
			t.Errorf("%s = %q after resume, want %q", name, got, want)
		}
	}
	if got := c.InFrame().MustEval(`() => document.activeElement.dataset.testid`).Str(); got != "given_name" {
		t.Errorf("focus after resume is on %q, want given_name", got)
	}
	if got := c.Element("pay").MustText(); got != "Pay 894\u00a0kr" {
		t.Errorf("button = %q", got)
	}
	if got := c.MustEval(`() => timeouts.includes(10_000)`).Bool(); got {
		t.Error("resumes by itself although that was switched off")
	}
}

func TestSuspendResumesByItself(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.WaitTotal("447 kr")
	c.MustEval(`() => { api.suspend() }`)
	c.WaitFrame("the frame to stand still", `() => document.getElementById("checkout").inert`)
	h.Update(c.ID, faketest.Amounts(89400))
	c.MustEval(`() => { elapse() }`)
	c.WaitTotal("894 kr")
	c.WaitFrame("the frame to move again", `() => !document.getElementById("checkout").inert`)
	if got := c.MustEval(`() => timeouts.filter((ms) => ms === 10_000).length`).Int(); got != 1 {
		t.Errorf("timers of 10 s = %d, want 1", got)
	}
}

// A resume whose answer is overtaken by a suspend must not let the shopper act.
func TestSuspendDuringResume(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.WaitTotal("447 kr")
	c.MustEval(`() => {
		for (let i = 0; i < 5; i++) { api.suspend({autoResume: {enabled: false}}).resume(); }
		api.suspend({autoResume: {enabled: false}});
	}`)
	c.MustEval(`() => { api.on({order_total_change: () => { window.later = true }}) }`)
	h.Update(c.ID, faketest.Amounts(89400))
	c.WaitFrame("all reads to be over", `async () => { await new Promise((done) => setTimeout(done, 300)); return true }`)
	if !c.InFrame().MustEval(`() => document.getElementById("checkout").inert`).Bool() {
		t.Error("the frame moves although it was suspended last")
	}
	c.MustEval(`() => { api.resume() }`)
	c.WaitTotal("894 kr")
	c.WaitFrame("the frame to move again", `() => !document.getElementById("checkout").inert`)
	c.Wait("only the listener registered last", `() => window.later`)
	if got := c.Count("order_total_change"); got != 0 {
		t.Errorf("the overwritten listener was called %d times", got)
	}
}

func TestExpired(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.WaitTotal("447 kr")
	c.Expect("404")
	h.Fake.Advance(49 * time.Hour)
	c.MustEval(`() => { api.suspend({autoResume: {enabled: false}}).resume() }`)
	c.WaitFrame("the notice", `() => document.getElementById("checkout").hidden && document.getElementById("veil").hidden &&
		document.getElementById("notice").textContent.includes("This payment form has timed out.")`)
}

func TestReplacedSnippet(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	first, second := h.Create(nil), h.Create(faketest.Amounts(89400))
	c := h.Open(first, browsertest.Options{})
	c.WaitTotal("447 kr")
	c.MustEval(`() => { window.old = {node: document.querySelector("#klarna-checkout-iframe"), api}; api.suspend(); events.length = 0 }`)
	c.MustEval(`async (order) => {
		await inject(order);
		listen(); // waits for the new bootstrap
		window.early = window.api === old.api;
	}`, second)
	c.Wait("the new API", `() => window.api !== old.api`)
	c.WaitTotal("894 kr")
	c.WaitEvent("load")
	got := c.MustEval(`() => ({early, connected: old.node.isConnected, frames: document.querySelectorAll("iframe").length})`)
	if got.Get("early").Bool() != true || got.Get("connected").Bool() || got.Get("frames").Int() != 1 {
		t.Errorf("after the replacement: %s", got.JSON("", ""))
	}
	// The old API does nothing any more, nor does its timer.
	c.MustEval(`() => { elapse(); old.api.suspend({autoResume: {enabled: false}}) }`)
	if c.InFrame().MustEval(`async () => { await new Promise((done) => setTimeout(done, 100)); return document.getElementById("checkout").inert }`).Bool() {
		t.Error("the old API suspends the new frame")
	}
	c.MustEval(`() => { api.suspend({autoResume: {enabled: false}}) }`)
	c.WaitFrame("the new API to suspend", `() => document.getElementById("checkout").inert`)
}

// A snippet that is replaced before its bootstrap has come must not leave a frame.
func TestReplacedTwice(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	first, second := h.Create(nil), h.Create(faketest.Amounts(89400))
	c := h.Open(first, browsertest.Options{})
	c.WaitTotal("447 kr")
	c.MustEval(`async ([first, second]) => {
		await inject(second);
		await inject(first);
		events.length = 0;
		await inject(second);
		listen();
	}`, []string{first, second})
	c.WaitEvent("load")
	c.WaitTotal("894 kr")
	c.MustEval(`() => new Promise((done) => setTimeout(done, 100))`) // for a bootstrap that comes late
	if n := len(c.MustElements("iframe")); n != 1 || c.Count("load") != 1 {
		t.Errorf("%d frames, %d load events, want one of each", n, c.Count("load"))
	}

	// The same script once more, in the same container.
	c.MustEval(`() => {
		const again = document.createElement("script");
		again.nonce = nonce;
		again.textContent = document.getElementById("klarna-checkout-context").textContent;
		document.body.append(again);
		window.api = null;
		listen();
	}`)
	c.Wait("the API of the second run", `() => window.api && events.filter(([name]) => name === "load").length === 2`)
	if n := len(c.MustElements("iframe")); n != 1 {
		t.Errorf("%d frames, want one", n)
	}
}

func TestForeignMessagesAreIgnored(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.WaitTotal("447 kr")
	c.MustEval(`async (origin) => {
		postMessage({klarnaCheckout: "redirect", url: "/elsewhere"});
		postMessage({klarnaCheckout: "event", event: "order_total_change", data: {}});
		await new Promise((done) => realSetTimeout(done, 100));
	}`)
	if got := c.MustEval(`() => location.pathname`).Str(); got != "/" || c.Count("order_total_change") != 0 {
		t.Errorf("a message of the page itself was obeyed: at %s", got)
	}
	// A page that knows the frame's address but is not the one in its settings.
	c.InFrame().MustEval(`() => { postMessage({klarnaCheckout: "suspend"}, "*") }`)
	if c.InFrame().MustEval(`async () => { await new Promise((done) => setTimeout(done, 100)); return document.getElementById("checkout").inert }`).Bool() {
		t.Error("the frame obeys another window than its parent")
	}
}

func TestNetworkError(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.WaitTotal("447 kr")
	c.Expect("ERR_INTERNET_DISCONNECTED")
	c.Offline(true)
	c.MustEval(`() => { api.suspend({autoResume: {enabled: false}}).resume() }`)
	if got, want := c.WaitEvent("network_error"), `{}`; got != want {
		t.Errorf("network_error = %s, want %s", got, want)
	}
	c.WaitFrame("the frame to move all the same", `() => !document.getElementById("checkout").inert && document.getElementById("refusal").textContent.startsWith("We could not reach")`)
	c.Offline(false)
	c.Fill(faketest.Swede)
	c.Offline(true)
	c.Element("pay").MustClick()
	c.WaitFrame("the frame not to say that nothing was charged", `() => document.getElementById("refusal").textContent.startsWith("The connection was lost while you were paying.")`)
	c.Offline(false)
	c.MustEval(`() => { api.resume() }`)
	c.WaitFrame("the message to go", `() => document.getElementById("refusal").textContent === ""`)
}
