// The cart page: its forms sent without leaving it. What the server answers takes the place of the page's content.
import { openChannel } from "./channel.js";
import { Look } from "./look.js";
import { show } from "./messages.js";
import { loadPage, pageAnew, pageData, showCount, text } from "./page.js";
import { isEmpty, merge, Queue } from "./queue.js";
import { steppers } from "./stepper.js";
import { byKey, keeping, paint } from "./summary.js";

/**
 * Makes the cart page work.
 * @param {HTMLElement} main
 * @param {object} [options] as checkout.js takes them
 * @returns {Queue}
 */
export function startCart(main, { limits, times, pause = 600 } = {}) {
  const look = new Look(main, times);
  const data = pageData();
  const announceRevision = openChannel(data.cart_id_hash, heard);
  let revision = data.cart_revision; // that the page shows
  const nothing = () => {};
  let away = 0; // how often the page was left
  const send = (change, signal) => {
    const here = away;
    return sendForms(change, signal, () => away !== here);
  };
  const queue = new Queue({ suspend: nothing, resume: nothing, send, answered, skipped: () => look.done(false) }, limits);

  const change = (what, o) => {
    look.busy();
    queue.change(what, o);
    paint(main, queue.pending.lines);
  };
  const quantity = (line) => queue.pending.lines?.[line.dataset.sku] ?? Number(line.dataset.quantity);
  steppers(main, { quantity, set: (line, count) => change({ lines: { [line.dataset.sku]: count } }), pause });
  main.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("form[data-discount]")) {
      event.preventDefault();
      change({ discount_code: byKey(form, "discount:code")?.value.trim() ?? "" });
    }
    const [, path] = (form.closest("[data-note]") && /^\/cart\/lines\/([^/]+)$/.exec(new URL(form.action).pathname)) ?? [];
    if (path) {
      event.preventDefault();
      const sku = decodeURIComponent(path);
      event.submitter.dataset.key = `${sku}:note`; // the focus then goes to that line
      change({ lines: { [sku]: Number(form.elements.quantity.value) } });
    }
  });
  announceRevision(revision);
  addEventListener("pagehide", () => {
    // All at once: nobody will be here to send one form after the other.
    away++;
    for (const form of formsOf(queue.pending)) post(form).catch(() => {});
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    queue.forget();
    change({});
  });
  return queue;

  /** Another tab's page has a revision of the cart. */
  function heard(theirs) {
    if (theirs <= revision) return;
    queue.giveWay();
    change({}, { needed: () => theirs > revision });
  }

  function answered(answer, { change: sent, more }) {
    if (answer.kind === "failed") {
      look.unconfirmed();
      const actions = [{ text: text("try_again"), run: () => change({}) }];
      show({ id: "problem", kind: "bad", title: text("offline_title"), body: text("offline_body"), actions });
      return;
    }
    if (answer.page.documentElement.lang !== document.documentElement.lang) {
      if (!more) pageAnew(); // in another country or language all of the page is
      return;
    }
    keeping(main, () => main.replaceChildren(...answer.page.querySelector("main").childNodes));
    paint(main, queue.pending.lines);
    showCount(answer.page);
    revision = pageData(answer.page).cart_revision;
    announceRevision(revision);
    if (!more) look.done(!isEmpty(sent));
  }
}

/** A change as those that have a form of their own. @param {import("./queue.js").Change} change */
function formsOf({ lines = {}, discount_code }) {
  const forms = Object.entries(lines).map(([sku, quantity]) => ({ lines: { [sku]: quantity } }));
  return discount_code === undefined ? forms : [...forms, { discount_code }];
}

function post({ lines = {}, discount_code }, signal) {
  const [[sku, quantity] = []] = Object.entries(lines);
  const [path, fields] = sku === undefined ? ["/cart/discount", { code: discount_code }] : [`/cart/lines/${encodeURIComponent(sku)}`, { quantity }];
  return loadPage(path, { method: "POST", body: new URLSearchParams({ ...fields, return_to: "/cart" }), keepalive: true, signal });
}

/**
 * One form after the other; the first one that is refused ends it, and that the page was left: then all of them were sent.
 * @param {import("./queue.js").Change} change @param {AbortSignal} signal @param {() => boolean} left
 * @returns {Promise<import("./queue.js").Answer>}
 */
async function sendForms(change, signal, left) {
  const forms = formsOf(change);
  while (forms.length > 0) {
    const { page, refused } = await post(forms.shift(), signal);
    if (left()) return { kind: "ok", page };
    if (refused || forms.length === 0) return { kind: forms.length === 0 ? "ok" : "refused", rest: forms.reduce(merge, {}), page };
  }
  const { page } = await loadPage("/cart", { signal });
  return { kind: "ok", page };
}
