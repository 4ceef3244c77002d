// The checkout inside a page of the merchant's. With its imports in one file it is /v1/checkout.js (see module.go);
// checkout.d.ts says what it offers.
import { ask } from "./ask.js";
import { Follow } from "./follow.js";
import { Form } from "./form.js";
import { Iframe } from "./iframe.js";
import { Queue } from "./queue.js";

const shop = new URL(import.meta.url).origin;
const patience = 5000; // milliseconds until a form that tells nothing counts as mounted
const tries = 8; // for a confirmation whose order is being written down

/**
 * What holds the page, or waits for the answer that it will show.
 * @typedef {{element: Element, holds: {end: () => void}|null, end: () => void}} Mount
 */

/** @type {Mount|null} */
let mounted = null; // Klarna's form can be in a page once

/** @param {string} code @param {string} message */
function failure(code, message) {
  return Object.assign(new Error(message), { name: "CheckoutError", code });
}

const unmounted = () => failure("unmounted", "the form is not in the page any more");

/** What an answer that is no good one says. @param {Awaited<ReturnType<typeof ask>>} answer */
function problem(answer) {
  if (!answer) return failure("unreachable", `${shop} does not answer, or the page's origin is none of embed.origins`);
  const { code, detail, error } = answer.json;
  return failure(code ?? error?.code ?? "unavailable", detail ?? error?.message ?? `${shop} answered ${answer.status}`);
}

/** Finds the element that is to hold the form, and takes the page for it. @param {string|Element} target @returns {Mount} */
function place(target) {
  const element = typeof target === "string" ? document.querySelector(target) : target;
  if (!(element instanceof Element)) throw failure("no_element", `there is no element ${target}`);
  if (element.getRootNode() instanceof ShadowRoot) throw failure("shadow_root", "Klarna's form cannot be in a shadow root");
  if (!element.isConnected) throw failure("no_element", "the element is not in the document");
  if (mounted && !mounted.element.isConnected) mounted.end(); // a router has taken it away
  if (mounted || typeof window._klarnaCheckout === "function") throw failure("already_mounted", "the page holds a form already");
  const mine = {
    element,
    holds: null,
    end() {
      if (mounted !== mine) return; // it has ended; what is mounted now is another's
      mounted = null;
      mine.holds?.end();
    },
  };
  return (mounted = mine);
}

/** What was waited for is of no use where the view was thrown away meanwhile. @param {Mount} mine */
function demand(mine) {
  if (mounted !== mine) throw unmounted();
  if (!mine.element.isConnected) throw failure("no_element", "the element has left the document");
}

/**
 * Puts Klarna's form into the page and waits until it can be used.
 * @param {Mount} mine @param {string} html @param {(loaded: () => void) => {renew: (said: object) => void}} make
 */
async function show(mine, html, make) {
  const { element } = mine;
  const hosts = [shop, ...html.replaceAll("\\/", "/").matchAll(/https?:\/\/[\w.:-]+/g)].map(String);
  const end = new AbortController();
  const { signal } = end;
  try {
    await new Promise((resolve, reject) => {
      const blocked = (event) => {
        const { disposition, effectiveDirective: directive, blockedURI: uri, target } = event;
        const ours = element.contains(target) || hosts.some((host) => uri.startsWith(host));
        if (disposition === "enforce" && ours && /^(script|frame|child)-src/.test(directive)) {
          reject(failure("blocked", `the page's policy forbids the form: ${directive} ${uri}`));
        }
      };
      document.addEventListener("securitypolicyviolation", blocked, { signal });
      const lost = ({ target }) => target.localName === "script" && reject(failure("unreachable", "Klarna's script cannot be loaded"));
      element.addEventListener("error", lost, { signal, capture: true });
      const form = make(resolve);
      form.renew({ html_snippet: html });
      if (typeof window._klarnaCheckout !== "function") reject(failure("blocked", "the page's policy forbids the form's script"));
      setTimeout(resolve, patience);
    });
    demand(mine);
  } catch (error) {
    if (!/Trusted(HTML|Script)/.test(error.message)) throw error;
    throw failure("blocked", "the page's policy forbids the form: require-trusted-types-for");
  } finally {
    end.abort();
  }
}

class Checkout {
  #secret;
  #form;
  #queue;
  #said; // the newest good answer
  #waiting = []; // who waits for the next reading
  #reading = []; // and for the one that is under way
  /** @type {Map<string, Set<Function>>} */ #listeners = new Map();
  #gone = false; // the page was told that it is over
  #end = new AbortController();

  constructor(secret, said, element, nonce, loaded) {
    this.#secret = secret;
    this.#said = said;
    this.#queue = new Queue({
      suspend: () => this.#form.hold(),
      resume: () => this.#form.letGo(),
      send: (change, signal) => this.#read(change, signal),
      answered: (answer) => this.#answered(answer),
      skipped: () => {},
    });
    const state = async (more) => this.#ask("/state", more);
    const basket = new Follow(
      {
        revision: said.revision,
        look: async () => this.#found(await state()),
        note: async (seen) => (await state({ seen }))?.status === 200,
      },
      { follow: () => this.#queue.change(), left: () => this.#queue.left },
    );
    const shown = { id: said.order_id, amount: said.order_amount, nonce };
    this.#form = new Form(element, shown, basket, {
      moved: () => this.#queue.change({}, { quiet: true }),
      leaving: () => {
        this.#queue.leave();
        this.#tell("leaving", {});
      },
      noMethod: () => {
        this.#tell("error", failure("no_method", "nothing that Klarna offers can pay this order"));
        this.#queue.change({ declined: true }, { quiet: true });
      },
      loaded,
    });
    const { signal } = this.#end;
    addEventListener("pagehide", () => this.#queue.hurry(), { signal });
    addEventListener("pageshow", ({ persisted }) => {
      if (!persisted) return;
      this.#gone = false;
      this.#queue.forget();
      this.#queue.change();
    }, { signal });
  }

  get form() {
    return this.#form;
  }

  // What the page does.

  async update(work) {
    if (typeof work !== "function") throw new TypeError("update needs a function");
    if (this.#end.signal.aborted) throw unmounted();
    if (this.#queue.left) throw failure("leaving", "the order is being bought");
    const running = this.#queue.during(work);
    const reading = () => new Promise((resolve, reject) => {
      if (this.#end.signal.aborted) reject(unmounted());
      else this.#waiting.push({ resolve, reject });
    });
    const [done, read] = await Promise.allSettled([running, running.then(reading, reading)]);
    if (done.status === "rejected") throw done.reason;
    if (read.status === "rejected") throw read.reason;
    return done.value;
  }

  on(event, listener) {
    const [, own] = /^klarna:(.+)$/.exec(event) ?? [];
    if (own) return this.#form.on(own, listener);
    const all = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, all.add(listener));
    return () => all.delete(listener);
  }

  end() {
    this.#end.abort();
    this.#queue.end();
    this.#form.end();
    this.#settle(unmounted(), [...this.#reading, ...this.#waiting]);
  }

  // What the shop says.

  #ask(path, more, signal) {
    return ask(`${shop}/v1/embed${path}`, { client_secret: this.#secret, ...more }, signal, { credentials: "omit" });
  }

  /** @returns {Promise<import("./queue.js").Answer>} */
  async #read(change, signal) {
    this.#reading = this.#waiting;
    this.#waiting = [];
    const answer = await this.#ask("", { ...this.#form.shown(), ...change }, signal);
    const json = answer?.json;
    const said = { ...json, basket_revision: json?.revision, replaced: Boolean(json?.html_snippet) };
    if (answer?.status === 200 && this.#form.whole(said)) return this.#form.judge({ ...said, kind: said.replaced ? "replaced" : "ok" });
    const error = problem(answer);
    return { kind: json?.redirect ? "navigate" : "failed", why: error.code, error, to: json?.redirect, order: json?.order };
  }

  #answered(answer) {
    if (this.#end.signal.aborted) return;
    const waiting = this.#reading;
    this.#reading = [];
    switch (answer.kind) {
      case "navigate":
        this.#over(answer);
        break;
      case "failed":
        answer.error ??= failure(answer.why === "timeout" ? "timeout" : "unavailable", "the order could not be read");
        this.#tell("error", answer.error);
        break;
      default:
        this.#form.took(answer);
        if (answer.kind === "replaced") this.#form.renew(answer);
        this.#compare(answer);
    }
    this.#settle(answer.error, waiting);
  }

  #settle(error, waiting) {
    for (const { resolve, reject } of waiting) error ? reject(error) : resolve();
  }

  /** Tells the page what is another than it was. */
  #compare(said) {
    const was = this.#said;
    this.#said = said;
    const { revision, order_amount, order_tax_amount, currency, delivery_option, shipping_address } = said;
    const differs = (name) => JSON.stringify(was[name]) !== JSON.stringify(said[name]);
    if (differs("shipping_address")) this.#tell("address", shipping_address);
    if (differs("delivery_option")) this.#tell("delivery", delivery_option);
    if (differs("revision") || differs("order_amount") || differs("order_tax_amount")) {
      this.#tell("change", { order_amount, order_tax_amount, currency, revision });
    }
  }

  /** What a look has found, as Follow wants it. */
  #found(answer) {
    if (!answer) return undefined;
    const { redirect: to, order, revision } = answer.json;
    if (to) return () => this.#over({ error: problem(answer), to, order });
    return answer.status === 200 ? revision : undefined;
  }

  /** Nothing can be bought here any more; the browser goes where it can read why, unless the page keeps it. Once: the way would begin anew. */
  #over({ error, to, order }) {
    if (this.#gone) return;
    this.#gone = true;
    const event = { complete: "complete", expired: "expired" }[error.code];
    if (!event || this.#tell(event, { order })) location.assign(to);
  }

  /** @returns {boolean} no listener has answered false */
  #tell(event, data) {
    let go = true;
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        if (listener(data) === false) go = false;
      } catch (error) {
        reportError(error);
      }
    }
    return go;
  }
}

/** @param {string|Element} target @param {{clientSecret: string, nonce?: string}} options */
export async function mountCheckout(target, { clientSecret, nonce } = {}) {
  const mine = place(target);
  let checkout;
  try {
    const answer = await ask(`${shop}/v1/embed`, { client_secret: clientSecret }, undefined, { credentials: "omit" });
    demand(mine);
    if (answer?.status !== 200) {
      if (["complete", "placing", "nothing_to_pay"].includes(answer?.json.code)) location.assign(answer.json.redirect);
      throw problem(answer);
    }
    await show(mine, answer.json.html_snippet, (loaded) => {
      mine.holds = checkout = new Checkout(clientSecret, answer.json, mine.element, nonce, loaded);
      return checkout.form;
    });
  } catch (error) {
    mine.end();
    throw error;
  }
  return {
    update: (work) => checkout.update(work),
    refresh: () => checkout.update(() => {}),
    on: (event, listener) => checkout.on(event, listener),
    unmount: () => mine.end(),
  };
}

/** @param {string|Element} target @param {{clientSecret: string, nonce?: string}} options */
export async function mountConfirmation(target, { clientSecret, nonce } = {}) {
  const mine = place(target);
  try {
    let answer;
    for (let n = 0; n < tries; n++) {
      answer = await ask(`${shop}/v1/embed/confirmation`, { client_secret: clientSecret }, undefined, { credentials: "omit" });
      demand(mine);
      if (answer?.status !== 503) break;
      await new Promise((done) => setTimeout(done, answer.again));
    }
    demand(mine);
    if (answer?.status !== 200) throw problem(answer);
    await show(mine, answer.json.html_snippet, (loaded) => {
      const iframe = new Iframe(mine.element, { moved() {}, total() {}, leaving() {}, noMethod() {} }, nonce);
      mine.holds = iframe;
      iframe.on("load_confirmation", loaded);
      return { renew: ({ html_snippet }) => iframe.replace(html_snippet) };
    });
  } catch (error) {
    mine.end();
    throw error;
  }
  return { unmount: () => mine.end() };
}
