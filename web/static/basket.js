// The basket of a checkout session: the merchant's server may change it while the page is open.
import { show } from "./messages.js";
import { pageData, text } from "./page.js";
import { isLocal } from "./update.js";

/** Milliseconds between two looks. */
export const every = 5000;

export class Basket {
  #data = pageData().basket;
  #shown; // the revision that the form shows
  #told; // that of the newest answer
  #follow;
  #failed = false; // the last note did not arrive
  #left = false; // another browser has gone on, and the shopper was told

  /** @param {() => void} follow brings page and form up to date @param {number} [pause] */
  constructor(follow, pause = every) {
    if (!this.#data) return;
    this.#shown = this.#told = this.#data.revision;
    this.#follow = follow;
    setInterval(() => document.visibilityState === "visible" && this.#look(), pause);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#look());
  }

  /** An answer has this revision; the form shows it when it has read the order anew. @param {number} [revision] */
  told(revision) {
    if (revision) this.#told = revision;
  }

  /** The form has read the order anew: what it shows may be paid. */
  async shown() {
    if (!this.#data || (this.#told === this.#shown && !this.#failed)) return;
    const revision = this.#told;
    this.#shown = revision;
    this.#failed = !(await this.#note(revision));
  }

  async #note(revision) {
    try {
      const headers = { "Content-Type": "application/json", Accept: "application/json" };
      const response = await fetch(this.#data.seen_url, { method: "POST", headers, body: JSON.stringify({ revision }), keepalive: true });
      return response.ok;
    } catch {
      return false;
    }
  }

  /** Another browser has gone on with this checkout. To follow would take its place, and it would take ours. */
  #goneOn() {
    if (this.#left) return;
    this.#left = true;
    const actions = [{ text: text("elsewhere_here"), key: "elsewhere", run: () => location.reload() }];
    show({ id: "elsewhere", kind: "warn", title: text("elsewhere_title"), body: text("elsewhere_body"), actions });
  }

  async #look() {
    if (this.#failed) this.shown();
    try {
      const response = await fetch(this.#data.state_url, { headers: { Accept: "application/json" } });
      const { revision, redirect, elsewhere } = await response.json();
      if (response.status === 409 && isLocal(redirect)) location.assign(redirect);
      else if (response.ok && elsewhere) this.#goneOn();
      else if (response.ok && revision > this.#shown) this.#follow();
    } catch {
      // the next look tells
    }
  }
}
