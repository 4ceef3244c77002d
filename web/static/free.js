// The checkout page of a cart for which nothing is to be paid: the shop's own form beside the order. It is sent as any
// form; here its fields are checked first, what is typed stays in the tab until it is bought, and the order is kept up to
// date.
import { AddressForm } from "./address.js";
import { Basket } from "./basket.js";
import { Kept } from "./kept.js";
import { drop, show } from "./messages.js";
import { OpenOrder } from "./order.js";
import { pageAnew, pageData, text } from "./page.js";

/**
 * Makes the page work.
 * @param {import("./order.js").Options} [options]
 * @returns {import("./queue.js").Queue|null} null on a page without this form
 */
export function start(options) {
  const root = document.getElementById("order-summary");
  const form = document.getElementById("free");
  if (!root || !form) return null;
  const { order_id: id, cart_id_hash: hash } = pageData();
  const kept = new Kept(hash, "");
  const button = form.querySelector("[data-buy]");
  const label = button.textContent;
  let sent = false;
  form.noValidate = true;
  const address = new AddressForm(form, {
    typed: kept.now.address,
    changed: () => kept.keep({ address: { ...kept.now.address, ...address.typed } }),
    right: () => {},
  });
  const basket = new Basket({ follow: () => order.change({}), left: () => sent || order.left }, options?.look);
  const order = new OpenOrder(
    root,
    {
      hold: () => {}, // what is sent meanwhile is held back below
      letGo: () => {
        drop("wait");
        basket.shown();
      },
      shown: () => ({ order_id: id }),
      whole: ({ order_id }) => typeof order_id === "string",
      took: ({ cart_revision, basket_revision }) => {
        form.elements.revision.value = cart_revision;
        basket.told(basket_revision);
      },
      renew: () => pageAnew(),
      perCountry: true,
    },
    options,
  );
  form.addEventListener("submit", (event) => {
    if (sent) return event.preventDefault();
    if (!order.settled) {
      event.preventDefault();
      if (order.queue.state === "idle") order.change({}); // the last one had no answer
      return show({ id: "wait", kind: "info", title: text("wait_title"), body: text("wait_body"), closes: true }, form);
    }
    if (!address.check()) return event.preventDefault();
    sent = true;
    button.textContent = text("placing");
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    sent = false;
    button.textContent = label;
  });
  return order.queue;
}

// A script element starts the page; a module that imports this one does it itself.
if ([...document.scripts].some(({ src }) => src === import.meta.url)) start();
