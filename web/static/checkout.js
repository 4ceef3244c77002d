// The open checkout page: Klarna's iframe beside the order.
import { Basket } from "./basket.js";
import { Iframe } from "./iframe.js";
import { show } from "./messages.js";
import { pageData, text } from "./page.js";
import { OpenOrder } from "./order.js";
import { total } from "./summary.js";

/** @typedef {import("./update.js").UpdateAnswer} UpdateAnswer */

/**
 * Makes the page work.
 * @param {import("./order.js").Options} [options]
 * @returns {import("./queue.js").Queue|null} null on a page without an order
 */
export function start(options) {
  const root = document.getElementById("order-summary");
  const container = document.getElementById("kco");
  if (!root || !container) return null;
  return new Checkout(root, container, options).queue;
}

class Checkout {
  #id = pageData().order_id; // of the order whose iframe is shown
  #amount;
  #iframeTotal = NaN; // what the iframe last said that it shows, NaN = it has not
  #asked = new Set(); // totals of the iframe that a sync was made for
  #iframe;
  #basket; // of a checkout session

  constructor(root, container, options) {
    this.#amount = Number(total(root)?.dataset.amount);
    const order = new OpenOrder(
      root,
      {
        hold: () => this.#iframe.suspend(),
        letGo: () => {
          this.#iframeTotal = NaN; // it reads the order now
          this.#iframe.resume();
          this.#basket.shown();
        },
        shown: () => ({ order_id: this.#id }),
        whole: ({ order_id, replaced, html_snippet }) =>
          typeof order_id === "string" && (!replaced || typeof html_snippet === "string"),
        judge: (answer) => this.#judge(answer),
        changed: () => this.#asked.clear(),
        took: (answer) => this.#took(answer),
        renew: ({ html_snippet }) => {
          this.#iframe.replace(html_snippet);
          this.#iframeTotal = NaN;
          this.#basket.shown();
        },
      },
      options,
    );
    this.queue = order.queue;
    this.#basket = new Basket(() => this.queue.left || order.change({}), options?.look);
    this.#iframe = new Iframe(container, {
      moved: () => this.queue.change({}, { quiet: true }),
      total: (amount) => this.#totalChanged(amount),
      leaving: () => this.queue.leave(),
      noMethod: () => show({ id: "method", kind: "warn", title: text("no_method_title"), body: text("no_method_body"), closes: true }),
    });
  }

  #totalChanged(amount) {
    this.#iframeTotal = amount;
    if (amount === this.#amount || this.#asked.has(amount)) return;
    this.#asked.add(amount);
    this.queue.change({}, { quiet: true });
  }

  /** @param {UpdateAnswer} answer @returns {UpdateAnswer} */
  #judge(answer) {
    if (Number.isNaN(this.#iframeTotal)) return answer;
    return { ...answer, refresh: answer.order_amount !== this.#iframeTotal };
  }

  /** @param {UpdateAnswer} answer */
  #took(answer) {
    this.#id = answer.order_id;
    this.#basket.told(answer.basket_revision);
    this.#amount = answer.order_amount;
    if (this.#amount === this.#iframeTotal) this.#asked.clear(); // they agree: each may be asked for again
  }
}

// A script element starts the page; a module that imports this one does it itself.
if ([...document.scripts].some(({ src }) => src === import.meta.url)) start();
