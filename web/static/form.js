// Klarna's form on an open page, with what is known of what it shows.
import { Iframe } from "./iframe.js";

/** @typedef {{order_id?: string, order_amount?: number, basket_revision?: number, html_snippet?: string, replaced?: boolean}} Said */

export class Form {
  #id; // of the order whose iframe is shown
  #amount;
  #iframeTotal = NaN; // what the iframe last said that it shows, NaN = it has not
  #asked = new Set(); // totals of the iframe that a sync was made for
  #iframe;
  #basket;

  /**
   * @param {HTMLElement} container holds the snippet
   * @param {{id?: string, amount?: number, nonce?: string}} shown what is in it
   * @param {import("./follow.js").Follow} basket
   * @param {Omit<import("./iframe.js").Reports, "total">} reports moved: also for a total that is not ours
   */
  constructor(container, { id, amount, nonce }, basket, reports) {
    this.#id = id;
    this.#amount = amount;
    this.#basket = basket;
    const total = (said) => {
      this.#iframeTotal = said;
      if (said === this.#amount || this.#asked.has(said)) return;
      this.#asked.add(said);
      reports.moved();
    };
    this.#iframe = new Iframe(container, { ...reports, total }, nonce);
  }

  hold() {
    this.#iframe.suspend();
  }

  letGo() {
    this.#iframeTotal = NaN; // it reads the order now
    this.#iframe.resume();
    this.#basket.shown();
  }

  /** What the page shows, as members of a request. */
  shown() {
    return { order_id: this.#id };
  }

  /** @param {Said} said */
  whole({ order_id, replaced, html_snippet }) {
    return typeof order_id === "string" && (!replaced || typeof html_snippet === "string");
  }

  /** @template {Said} A @param {A} answer @returns {A} */
  judge(answer) {
    if (Number.isNaN(this.#iframeTotal)) return answer;
    return { ...answer, refresh: answer.order_amount !== this.#iframeTotal };
  }

  changed() {
    this.#asked.clear();
  }

  /** @param {Said} answer */
  took({ order_id, basket_revision, order_amount }) {
    this.#id = order_id;
    this.#basket.told(basket_revision);
    this.#amount = order_amount;
    if (this.#amount === this.#iframeTotal) this.#asked.clear(); // they agree: each may be asked for again
  }

  /** @param {Said} answer */
  renew({ html_snippet }) {
    this.#iframe.replace(html_snippet);
    this.#iframeTotal = NaN;
    this.#basket.shown();
  }

  /** @param {string} event one of Klarna's own @param {(...data: any[]) => void} listener @returns {() => void} ends it */
  on(event, listener) {
    return this.#iframe.on(event, listener);
  }

  /** Takes the form out of the page. */
  end() {
    this.#basket.stop();
    this.#iframe.end();
  }
}
