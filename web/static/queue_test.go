package static_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/browsertest"
)

// queuePage runs the queue alone. Its port writes a log; an answer is a value, a function, or after(ms, value).
const queuePage = `<!doctype html><html lang="en"><title>Queue</title><link rel="icon" href="data:,"><script type="module">
import { Queue } from "/static/queue.js";
window.sleep = (ms) => new Promise((done) => setTimeout(done, ms));
window.after = (ms, answer) => async () => { await sleep(ms); return answer };
window.stories = [];
window.run = async (limits, answers, play) => {
  const log = [];
  const port = {
    suspend: () => log.push("suspend"),
    resume: () => log.push("resume"),
    skipped: () => log.push("skipped"),
    send(change) {
      log.push("send " + JSON.stringify(change.lines ?? change));
      const answer = answers.shift() ?? { kind: "ok" };
      return typeof answer === "function" ? answer() : Promise.resolve(answer);
    },
    answered(answer, { quiet, more }) {
      log.push([answer.kind, answer.why, quiet && "quiet", more && "more", queue.state].filter(Boolean).join(" "));
      port.shown?.(answer);
    },
  };
  const queue = new Queue(port, limits);
  await play(queue, (lines) => queue.change({ lines }), port, log);
  await sleep(100);
  return [...log, queue.state].join("\n");
};
</script>`

// Each case is a story: what happens to the queue, and what it makes of it.
func TestQueue(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/static/", http.StripPrefix("/static/", http.FileServerFS(os.DirFS("."))))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(queuePage))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections() // Chromium lets a request live on for 30 s after its page
		server.Close()
	})
	page := browsertest.Open(t, browsertest.Options{})
	page.Go(server.URL)
	page.Wait("the module", `() => "run" in window`)

	stories := []struct{ name, limits, answers, play, want string }{
		{
			name: "a change",
			play: `q.change({ country: "NO" }); log.push(q.state); await sleep(200)`,
			want: `suspend|updating|send {"country":"NO"}|ok idle|resume|idle`,
		}, {
			name: "what changes elsewhere: held at once, synced when all of it has ended, also when it fails",
			play: `const end = (ms, f) => q.during(async () => { log.push("run"); await sleep(ms); log.push("ended"); f?.() });
				end(50); end(300, () => { throw new Error() }).catch(() => log.push("thrown")); await sleep(600)`,
			want: `suspend|run|run|ended|ended|thrown|send {}|ok idle|resume|idle`,
		}, {
			name: "it throws at once",
			play: `await q.during(() => { throw new Error() }).catch(() => log.push("thrown")); await sleep(250)`,
			want: `suspend|thrown|send {}|ok idle|resume|idle`,
		}, {
			name:   "what never ends is waited for no longer than the iframe is held, and holds up nothing",
			limits: `neverLonger: 200`,
			play:   `q.during(() => new Promise(() => {})); await sleep(300); q.change(); await sleep(250)`,
			want:   `suspend|resume|suspend|send {}|ok idle|resume|idle`,
		}, {
			name:   "what ends later holds and syncs once more",
			limits: `neverLonger: 200`,
			play:   `q.during(() => sleep(300)); await sleep(700)`,
			want:   `suspend|resume|suspend|send {}|ok idle|resume|idle`,
		}, {
			name:    "an answer to something else lets nothing go meanwhile",
			answers: `after(100, { kind: "ok" })`,
			play:    `q.change({}, { quiet: true }); await sleep(150); q.during(() => sleep(300)); await sleep(700)`,
			want:    `send {}|suspend|ok quiet updating|send {}|ok idle|resume|idle`,
		}, {
			name:    "nor does another form; it is held",
			answers: `after(100, { kind: "replaced" })`,
			play:    `q.change(); await sleep(150); q.during(() => sleep(200)); await sleep(600)`,
			want:    `suspend|send {}|replaced replaced|suspend|send {}|ok idle|resume|idle`,
		}, {
			name: "the form has left the page",
			play: `q.during(() => sleep(50)); q.change({}); q.end(); await sleep(30); log.push(String(q.left)); await sleep(300)`,
			want: `suspend|resume|true|idle`,
		}, {
			name: "changes within the collect window go together, the last one wins",
			play: `set({ A: 1, B: 1 }); await sleep(50); set({ A: 2 }); q.change({ discount_code: "" }); await sleep(50); set({ A: 3 }); await sleep(200)`,
			want: `suspend|send {"A":3,"B":1}|ok idle|resume|idle`,
		}, {
			name:    "changes while one is in flight go together in the next, the iframe stays held",
			answers: `after(200, { kind: "ok" })`,
			play:    `set({ A: 1 }); await sleep(150); set({ A: 2 }); await sleep(20); set({ A: 3, B: 1 }); await sleep(250)`,
			want:    `suspend|send {"A":1}|ok more updating|send {"A":3,"B":1}|ok idle|resume|idle`,
		}, {
			name:    "a change just before the answer is collected for its 120 ms",
			answers: `after(100, { kind: "ok" })`,
			play:    `set({ A: 1 }); await sleep(200); set({ A: 2 }); await sleep(70); set({ A: 3 }); await sleep(150)`,
			want:    `suspend|send {"A":1}|ok more updating|send {"A":3}|ok idle|resume|idle`,
		}, {
			name:    "an answer after long lets go although more waits; the next change holds anew",
			limits:  `resumeAfter: 200`,
			answers: `after(150, { kind: "ok" }), after(150, { kind: "ok" })`,
			play:    `set({ A: 1 }); await sleep(150); set({ A: 2 }); await sleep(200); set({ A: 3 }); await sleep(400)`,
			want:    `suspend|send {"A":1}|ok more updating|resume|send {"A":2}|suspend|ok more updating|send {"A":3}|ok idle|resume|idle`,
		}, {
			name:    "what waited is read by the iframe after all",
			limits:  `resumeAfter: 200`,
			answers: `after(150, { kind: "ok" })`,
			play:    `set({ A: 1 }); await sleep(150); set({ A: 2 }); await sleep(300)`,
			want:    `suspend|send {"A":1}|ok more updating|resume|send {"A":2}|ok idle|suspend|resume|idle`,
		}, {
			name:    "no answer: failed after the limit",
			limits:  `timeout: 100`,
			answers: `() => new Promise(() => {})`,
			play:    `set({ A: 1 }); await sleep(250)`,
			want:    `suspend|send {"A":1}|failed timeout idle|resume|idle`,
		}, {
			name:    "no answer, and the limit never strikes: the guard lets go",
			limits:  `timeout: 60000, neverLonger: 200`,
			answers: `() => new Promise(() => {})`,
			play:    `set({ A: 1 }); await sleep(300); set({ A: 2 }); await sleep(250)`,
			want:    `suspend|send {"A":1}|resume|suspend|resume|updating`,
		}, {
			name:    "a late answer after the guard makes the iframe read again",
			limits:  `neverLonger: 150`,
			answers: `after(200, { kind: "ok" })`,
			play:    `set({ A: 1 }); await sleep(400)`,
			want:    `suspend|send {"A":1}|resume|ok idle|suspend|resume|idle`,
		}, {
			name:    "an answer after the limit counts no more",
			limits:  `timeout: 100`,
			answers: `after(150, { kind: "ok" })`,
			play:    `set({ A: 1 }); await sleep(300)`,
			want:    `suspend|send {"A":1}|failed timeout idle|resume|idle`,
		}, {
			name:    "what had no answer goes with the next change, older than it",
			answers: `{ kind: "failed" }`,
			play:    `set({ A: 1, B: 1 }); await sleep(150); set({ A: 2 }); await sleep(150)`,
			want:    `suspend|send {"A":1,"B":1}|failed idle|resume|suspend|send {"A":2,"B":1}|ok idle|resume|idle`,
		}, {
			name:    "and with a sync; once answered it is forgotten",
			answers: `{ kind: "failed" }`,
			play:    `set({ A: 1 }); await sleep(150); q.change(); await sleep(150); q.change(); await sleep(150)`,
			want:    `suspend|send {"A":1}|failed idle|resume|suspend|send {"A":1}|ok idle|resume|suspend|send {}|ok idle|resume|idle`,
		}, {
			name:    "saved all the same: not sent again",
			answers: `{ kind: "failed", saved: true }`,
			play:    `set({ A: 1 }); await sleep(150); q.change(); await sleep(150)`,
			want:    `suspend|send {"A":1}|failed idle|resume|suspend|send {}|ok idle|resume|idle`,
		}, {
			name:    "failed while more waits: let go, held anew, sent together",
			answers: `after(100, { kind: "failed" })`,
			play:    `set({ A: 1 }); await sleep(150); set({ B: 2 }); await sleep(300)`,
			want:    `suspend|send {"A":1}|failed more updating|resume|suspend|send {"A":1,"B":2}|ok idle|resume|idle`,
		}, {
			name:    "one member refused: the rest is sent",
			answers: `{ kind: "refused", rest: { lines: { B: 1 } } }`,
			play:    `set({ A: 1, B: 1 }); await sleep(300)`,
			want:    `suspend|send {"A":1,"B":1}|refused more updating|send {"B":1}|ok idle|resume|idle`,
		}, {
			name:    "refused, nothing left of it",
			answers: `{ kind: "refused", rest: {} }`,
			play:    `set({ A: 1 }); await sleep(200)`,
			want:    `suspend|send {"A":1}|refused idle|resume|idle`,
		}, {
			name:    "the rest of a refused change is older than what waits",
			answers: `after(100, { kind: "refused", rest: { lines: { B: 1, C: 1 } } })`,
			play:    `set({ A: 1, B: 1, C: 1 }); await sleep(150); set({ B: 2 }); await sleep(300)`,
			want:    `suspend|send {"A":1,"B":1,"C":1}|refused more updating|send {"B":2,"C":1}|ok idle|resume|idle`,
		}, {
			name:    "replaced: the old iframe is gone, the new one is not held",
			answers: `{ kind: "replaced" }`,
			play:    `set({ A: 1 }); await sleep(200); set({ A: 2 }); await sleep(200)`,
			want:    `suspend|send {"A":1}|replaced replaced|suspend|send {"A":2}|ok idle|resume|idle`,
		}, {
			name:    "replaced while more waits: the new one is held",
			answers: `after(100, { kind: "replaced" })`,
			play:    `set({ A: 1 }); await sleep(150); set({ A: 2 }); await sleep(300)`,
			want:    `suspend|send {"A":1}|replaced more replaced|suspend|send {"A":2}|ok idle|resume|idle`,
		}, {
			name:    "navigation: held until the page goes, let go when it does not",
			limits:  `neverLonger: 300`,
			answers: `{ kind: "navigate" }`,
			play:    `set({ A: 1 }); await sleep(180); log.push("still here"); await sleep(200)`,
			want:    `suspend|send {"A":1}|navigate idle|still here|resume|idle`,
		}, {
			name: "after redirect_initiated nothing is held",
			play: `set({ A: 1 }); q.leave(); set({ A: 2 }); await sleep(200); q.change(); await sleep(200)`,
			want: `suspend|resume|send {"A":2}|ok idle|send {}|ok idle|idle`,
		}, {
			name: "a quiet sync holds nothing",
			play: `q.change({}, { quiet: true }); await sleep(200)`,
			want: `send {}|ok quiet idle|idle`,
		}, {
			name:    "a quiet sync that found something makes the iframe read again",
			answers: `{ kind: "ok", refresh: true }`,
			play:    `q.change({}, { quiet: true }); await sleep(200)`,
			want:    `send {}|ok quiet idle|suspend|resume|idle`,
		}, {
			name:    "a quiet sync takes along what had no answer, and then is not quiet",
			answers: `{ kind: "failed" }`,
			play:    `set({ A: 1 }); await sleep(150); q.change({}, { quiet: true }); await sleep(200)`,
			want:    `suspend|send {"A":1}|failed idle|resume|send {"A":1}|ok idle|suspend|resume|idle`,
		}, {
			name: "a quiet sync joins a change",
			play: `q.change({}, { quiet: true }); set({ A: 1 }); await sleep(200)`,
			want: `suspend|send {"A":1}|ok idle|resume|idle`,
		}, {
			name: "a sync that is not needed any more is not sent",
			play: `q.change({}, { needed: () => false }); await sleep(200)`,
			want: `suspend|resume|skipped|idle`,
		}, {
			name: "but is sent when another one is needed, or a change is there",
			play: `q.change({}, { needed: () => false }); q.change(); await sleep(200); q.change({}, { needed: () => false }); set({ A: 1 }); await sleep(200)`,
			want: `suspend|send {}|ok idle|resume|suspend|send {"A":1}|ok idle|resume|idle`,
		}, {
			name:    "the port throws instead of sending",
			answers: `() => { throw new Error("broken") }`,
			play:    `set({ A: 1 }); await sleep(200)`,
			want:    `suspend|send {"A":1}|failed Error: broken idle|resume|idle`,
		}, {
			name:    "the request rejects",
			answers: `async () => { throw new Error("broken") }`,
			play:    `set({ A: 1 }); await sleep(200)`,
			want:    `suspend|send {"A":1}|failed Error: broken idle|resume|idle`,
		}, {
			name: "showing the answer throws",
			play: `port.shown = () => { port.shown = null; throw new Error("broken") }; set({ A: 1 }); await sleep(200); q.change(); await sleep(200)`,
			want: `suspend|send {"A":1}|ok idle|failed Error: broken idle|resume|suspend|send {"A":1}|ok idle|resume|idle`,
		}, {
			name: "a change made while an answer is shown",
			play: `port.shown = () => { port.shown = null; set({ A: 2 }) }; set({ A: 1 }); await sleep(400)`,
			want: `suspend|send {"A":1}|ok idle|send {"A":2}|ok idle|resume|idle`,
		}, {
			name: "the page is left: what waits is sent at once, once",
			play: `set({ A: 1 }); q.hurry(); q.hurry(); await sleep(200)`,
			want: `suspend|send {"A":1}|ok idle|resume|idle`,
		}, {
			name:    "the page is left with a request under way: what waits is sent beside it, and that once more, should it not arrive",
			answers: `after(200, { kind: "ok" })`,
			play:    `set({ A: 1, B: 1 }); await sleep(150); set({ A: 2 }); q.hurry(); q.hurry(); log.push("left"); await sleep(300)`,
			want:    `suspend|send {"A":1,"B":1}|send {"A":2,"B":1}|left|ok idle|resume|idle`,
		}, {
			name:    "a sync that waits is for the page alone",
			answers: `after(200, { kind: "ok" })`,
			play:    `set({ A: 1 }); await sleep(150); q.change(); q.hurry(); log.push("left"); await sleep(300)`,
			want:    `suspend|send {"A":1}|left|ok more updating|send {}|ok idle|resume|idle`,
		}, {
			name:    "another tab's change was answered later: what had no answer is not said again",
			answers: `{ kind: "failed" }`,
			play:    `set({ A: 1 }); await sleep(150); q.giveWay(); q.change(); await sleep(200)`,
			want:    `suspend|send {"A":1}|failed idle|resume|suspend|send {}|ok idle|resume|idle`,
		}, {
			name:    "nor what is in flight, which shows until it has failed; what waits is newer",
			answers: `after(100, { kind: "failed" })`,
			play:    `set({ A: 1 }); await sleep(150); q.giveWay(); log.push(JSON.stringify(q.pending)); set({ B: 1 }); await sleep(300)`,
			want:    `suspend|send {"A":1}|{"lines":{"A":1}}|failed more updating|resume|suspend|send {"B":1}|ok idle|resume|idle`,
		}, {
			name:    "the page was away: what had no answer is dropped, also what is in flight",
			answers: `{ kind: "failed" }, after(100, { kind: "failed" })`,
			play: `set({ A: 1 }); await sleep(150); set({ B: 1 }); await sleep(150); q.forget();
				log.push(JSON.stringify(q.pending)); q.change(); await sleep(300)`,
			want: `suspend|send {"A":1}|failed idle|resume|suspend|send {"A":1,"B":1}|{}|failed more updating|resume|suspend|send {}|ok idle|resume|idle`,
		}, {
			name:    "and what waited",
			answers: `after(100, { kind: "ok" })`,
			play:    `set({ A: 1 }); await sleep(150); set({ B: 1 }); q.forget(); q.change(); await sleep(300)`,
			want:    `suspend|send {"A":1}|ok more updating|send {}|ok idle|resume|idle`,
		}, {
			name:    "and the rest of what was refused",
			answers: `after(100, { kind: "refused", rest: { lines: { B: 1 } } })`,
			play:    `set({ A: 1, B: 1 }); await sleep(150); q.forget(); q.change(); await sleep(300)`,
			want:    `suspend|send {"A":1,"B":1}|refused more updating|send {}|ok idle|resume|idle`,
		},
	}
	// All of them pass their time together.
	for i, tt := range stories {
		page.MustEval(fmt.Sprintf(`() => { stories[%d] = run({%s}, [%s], async (q, set, port, log) => { %s }) }`, i, tt.limits, tt.answers, tt.play))
	}
	for i, tt := range stories {
		t.Run(tt.name, func(t *testing.T) {
			log := page.MustEval(`(i) => stories[i]`, i).Str()
			if diff := cmp.Diff(strings.Split(tt.want, "|"), strings.Split(log, "\n")); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}
