// The order summary: its regions replaced by the server's, with the shopper's focus, caret, text and scroll kept.

/** Until when the changed total stands out, in milliseconds. */
const flashTime = 1200;

/**
 * Replaces the children of each [data-region] by those of the region of the same name.
 * @param {HTMLElement} root @param {string} html the root's content, made anew
 * @returns {boolean} the order's total is another one now
 */
export function replaceRegions(root, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const before = total(root)?.dataset.amount;
  keeping(root, () => {
    for (const region of root.querySelectorAll("[data-region]")) {
      const made = fresh.querySelector(`[data-region="${CSS.escape(region.dataset.region)}"]`);
      if (made) region.replaceChildren(...made.childNodes);
    }
  });
  const after = total(root);
  const changed = after?.dataset.amount !== before;
  if (changed) flash(after);
  return changed;
}

/** The element that shows the order's total. @param {Element} root @returns {HTMLElement|null} */
export const total = (root) => root.querySelector('[data-region="totals"] [data-total]');

/**
 * What the summary says, for reading out: total and number of items; nothing when it has no total.
 * @param {Element} root @returns {string[]|null}
 */
export function reading(root) {
  const shown = total(root)?.cloneNode(true);
  if (!shown) return null;
  shown.querySelector("[data-unconfirmed]")?.remove();
  return [shown.textContent.trim(), root.querySelector('[data-region="count"]')?.textContent.trim() ?? ""];
}

function flash(element) {
  element?.classList.add("flash");
  setTimeout(() => element?.classList.remove("flash"), flashTime);
}

/** The content is being changed: a control that loses the focus now has not been left by the shopper. */
export let changing = false;

/**
 * Changes the content of root and then puts back where the shopper was: the focused control (by data-key; when it is
 * gone one of the same line, else Undo, else the first one, never the body), the caret, what is typed but not taken yet, the scroll.
 * @param {HTMLElement} root @param {() => void} change
 */
export function keeping(root, change) {
  const active = document.activeElement;
  const focused = root.contains(active) ? active : null;
  const caret = focused?.matches("input") ? [focused.selectionStart, focused.selectionEnd] : null;
  const typed = [...root.querySelectorAll("[data-typed]")];
  const said = [...root.querySelectorAll('[data-messages]:not([data-messages=""]) > [id]')].map((note) => [note.parentElement.dataset.messages, note]);
  changing = true;
  try {
    change();
  } finally {
    changing = false;
  }
  for (const old of typed) {
    const field = byKey(root, old.dataset.key);
    if (!field || field === old) continue;
    field.value = old.value;
    keepError(field, old);
    for (const name of ["data-typed", "aria-invalid", "aria-describedby"]) {
      if (old.hasAttribute(name)) field.setAttribute(name, old.getAttribute(name));
    }
  }
  for (const [sku, note] of said) {
    if (!note.isConnected) root.querySelector(`[data-messages="${CSS.escape(sku)}"]`)?.append(note);
  }
  if (!focused || focused === document.activeElement) return;
  if (focused.isConnected) return focused.focus({ preventScroll: true });
  const same = byKey(root, focused.dataset.key);
  const [group] = (focused.dataset.key ?? "").split(":");
  const alike = group && root.querySelector(`[data-key^="${CSS.escape(group)}:"]`);
  const target = same || alike || byKey(root, "undo") || root.querySelector("[data-key]");
  target?.focus({ preventScroll: true });
  if (same && caret) same.setSelectionRange(...caret);
}

/** What is wrong with a field that is being typed in is said on. */
function keepError(field, old) {
  const error = old.closest(".field")?.querySelector(".err");
  const around = field.closest(".field");
  if (!error || !around || around.querySelector(".err")) return;
  around.classList.add("bad");
  around.querySelector(".join").before(error);
}

/**
 * A press counts although what is pressed was replaced before it ended: the browser makes no click of it. (Of a tap it
 * does.)
 */
export function keepPresses() {
  /** @type {HTMLButtonElement|null} */ let pressed = null;
  const button = ({ target }) => target.closest?.("button[data-key]") ?? null;
  addEventListener("pointerdown", (event) => (pressed = event.pointerType === "mouse" && event.button === 0 ? button(event) : null));
  addEventListener("pointerup", (event) => {
    const released = button(event);
    if (pressed && !pressed.isConnected && released?.dataset.key === pressed.dataset.key) released.click();
    pressed = null;
  });
}

/** @param {Element} root @param {string} [key] @returns {HTMLInputElement|null} */
export const byKey = (root, key) => (key ? root.querySelector(`[data-key="${CSS.escape(key)}"]`) : null);

/**
 * Shows what the shopper wants but no answer has confirmed over what the server says: each line's field, and which
 * lines wait.
 * @param {Element} root @param {Record<string, number>} [wanted] quantity by SKU
 */
export function paint(root, wanted = {}) {
  for (const line of root.querySelectorAll("[data-sku][data-quantity]")) {
    const { sku, quantity } = line.dataset;
    const field = byKey(line, `${sku}:quantity`);
    const waits = sku in wanted;
    if (field && !("typed" in field.dataset)) field.value = String(waits ? wanted[sku] : quantity);
    if (waits) line.dataset.pending = wanted[sku] === 0 ? "removed" : "";
    else delete line.dataset.pending;
  }
}

/** The line of an SKU. @param {Element} root @param {string} sku @returns {HTMLElement|null} */
export const lineOf = (root, sku) => root.querySelector(`[data-sku="${CSS.escape(sku)}"][data-quantity]`);
