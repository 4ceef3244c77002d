// Quantity controls: minus, field, plus, Remove. The same in the checkout's summary, in the cart and on a product page.
import { drop, show } from "./messages.js";
import { text } from "./page.js";
import { byKey, changing } from "./summary.js";

/** The most of one article in one order. */
const most = 99;

/**
 * Makes all steppers inside root work, also those that come later. A stepper's element has data-sku, data-max and, when
 * it belongs to a line of the cart, data-quantity.
 * @param {HTMLElement} root
 * @param {object} use
 * @param {(line: HTMLElement) => number} use.quantity what is wanted now
 * @param {(line: HTMLElement, quantity: number, how: "button"|"typed") => void} use.set
 * @param {number} use.pause milliseconds without a key until what is typed counts
 */
export function steppers(root, { quantity, set, pause }) {
  let timer = 0;

  const accept = (line, wanted, how) => {
    const field = byKey(line, `${line.dataset.sku}:quantity`);
    const max = mostOf(line);
    if (max === 0 && wanted > 0) return tooMany(line);
    const count = Math.min(wanted, max);
    drop(`quantity-${line.dataset.sku}`);
    if (field) {
      delete field.dataset.typed;
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
      field.value = String(count);
    }
    if (wanted > max) tooMany(line);
    if (count !== quantity(line)) set(line, count, how);
  };

  /** Takes what is typed. final: it is not being typed any more, so a mistake is said. */
  const take = (line, final) => {
    clearTimeout(timer);
    const field = byKey(line, `${line.dataset.sku}:quantity`);
    if (!field || !("typed" in field.dataset)) return;
    const typed = field.value.trim();
    if (/^\d{1,4}$/.test(typed) && Number(typed) >= Number(line.dataset.min ?? 0)) accept(line, Number(typed), "typed");
    else if (final) refuse(line, field);
  };

  const step = (line, by) => {
    clearTimeout(timer);
    const wanted = quantity(line) + by;
    if (by > 0 && wanted > mostOf(line)) tooMany(line);
    else if (wanted >= Number(line.dataset.min ?? 0)) accept(line, wanted, "button");
  };

  const lineOf = (target) => target.closest("[data-sku]");
  const control = (target) => {
    const key = target.closest("[data-key]")?.dataset.key ?? "";
    return key.slice(key.lastIndexOf(":") + 1);
  };

  root.addEventListener("click", (event) => {
    const line = lineOf(event.target);
    if (!line) return;
    const does = control(event.target);
    if (does === "minus") step(line, -1);
    if (does === "plus") step(line, 1);
  });
  root.addEventListener("input", ({ target }) => {
    if (control(target) !== "quantity") return;
    target.dataset.typed = "";
    clearTimeout(timer);
    const { key } = target.dataset; // the field may have been replaced by then
    timer = setTimeout(() => take(lineOf(byKey(root, key) ?? target), false), pause);
  });
  root.addEventListener("focusout", ({ target }) => {
    if (control(target) === "quantity" && !changing) take(lineOf(target), true);
  });
  root.addEventListener("submit", (event) => {
    const line = event.target.closest("[data-sku][data-quantity]");
    if (!line) return; // the form of a product page goes its own way
    event.preventDefault();
    if (event.target.querySelector('[data-key$=":quantity"]')) take(line, true);
    else accept(line, 0, "button");
  });
}

/** How many of it one order can have; 0 = it is sold out. */
const mostOf = (line) => Number(line.dataset.max ?? most);

function tooMany(line) {
  const { sku, name } = line.dataset;
  const max = mostOf(line);
  if (max === 0) {
    show({ id: `sold-out-${sku}`, kind: "bad", title: text("sold_out_title", name), body: text("sold_out_body") }, line);
  } else {
    show({ id: `quantity-${sku}`, kind: "warn", title: max < most ? text("left", max, name) : text("limit", name), closes: true }, line);
  }
}

function refuse(line, field) {
  const { sku, name, min = 0 } = line.dataset;
  const note = show({ id: `quantity-${sku}`, kind: "bad", title: text("number", name, min, most) }, line);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", note.id);
}
