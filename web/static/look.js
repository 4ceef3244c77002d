// How the summary looks while a change is on its way, and what is read out when it has arrived.
import { announce, make, text } from "./page.js";
import { reading, total } from "./summary.js";

/** Durations in milliseconds. */
export const times = {
  spinner: 300, // until the spinner appears
  slow: 8_000, // until it says that it takes long
  updated: 4_000, // how long "Updated" stays
  readOut: 500, // from the last answer until the new total is read out
};

export class Look {
  #root;
  #times;
  #timers = [];
  #reading = 0;

  /** @param {HTMLElement} root @param {Partial<typeof times>} [shorter] */
  constructor(root, shorter) {
    this.#root = root;
    this.#times = { ...times, ...shorter };
    root.addEventListener("input", () => this.#reading && this.#readOut()); // not while the shopper types
  }

  /** A change is on its way; further ones do not start the clock anew. */
  busy() {
    if (this.#root.dataset.state === "updating") return;
    this.#become("updating");
    announce("");
    const spinner = () => make("span", { className: "spin", "aria-hidden": "true" });
    this.#later(this.#times.spinner, () => this.#status(spinner(), text("updating")));
    this.#later(this.#times.slow, () => this.#status(spinner(), text("still_updating")));
  }

  /** All changes are answered. @param {boolean} says also reads the new total out */
  done(says) {
    this.#become("");
    if (!says) return;
    this.#status(text("updated"));
    this.#later(this.#times.updated, () => this.#status());
    this.#readOut();
  }

  #readOut() {
    clearTimeout(this.#reading);
    this.#reading = setTimeout(() => {
      this.#reading = 0;
      const read = reading(this.#root);
      if (read) announce(text("total_read", ...read));
    }, this.#times.readOut);
  }

  /** The amounts shown may be wrong. */
  unconfirmed() {
    this.#become("unconfirmed");
    const shown = total(this.#root);
    if (shown && !shown.querySelector("[data-unconfirmed]")) {
      shown.append(make("span", { className: "nc", "data-unconfirmed": "" }, text("unconfirmed")));
    }
  }

  #become(state) {
    [...this.#timers, this.#reading].forEach(clearTimeout);
    this.#timers = [];
    this.#reading = 0;
    this.#status();
    if (state) this.#root.dataset.state = state;
    else delete this.#root.dataset.state;
    if (state !== "unconfirmed") this.#root.querySelector("[data-unconfirmed]")?.remove();
  }

  #later(delay, act) {
    this.#timers.push(setTimeout(act, delay));
  }

  #status(...content) {
    this.#root.querySelector("[data-status]")?.replaceChildren(...content);
  }
}
