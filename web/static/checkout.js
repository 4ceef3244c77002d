// The open checkout page: Klarna's iframe beside the order.
import { Basket } from "./basket.js";
import { Form } from "./form.js";
import { show } from "./messages.js";
import { pageData, text } from "./page.js";
import { OpenOrder } from "./order.js";
import { total } from "./summary.js";

/**
 * Makes the page work.
 * @param {import("./order.js").Options} [options]
 * @returns {import("./queue.js").Queue|null} null on a page without an order
 */
export function start(options) {
  const root = document.getElementById("order-summary");
  const container = document.getElementById("kco");
  if (!root || !container) return null;
  const basket = new Basket({ follow: () => order.change({}), left: () => order.left }, options?.look);
  const shown = { id: pageData().order_id, amount: Number(total(root)?.dataset.amount) };
  const form = new Form(container, shown, basket, {
    moved: () => order.queue.change({}, { quiet: true }),
    leaving: () => order.queue.leave(),
    noMethod: () => {
      show({ id: "method", kind: "warn", title: text("no_method_title"), body: text("no_method_body"), closes: true });
      order.queue.change({ declined: true }, { quiet: true }); // the shop asks Klarna, and lets the stock go
    },
  });
  const order = new OpenOrder(root, form, options);
  return order.queue;
}

// A script element starts the page; a module that imports this one does it itself.
if ([...document.scripts].some(({ src }) => src === import.meta.url)) start();
