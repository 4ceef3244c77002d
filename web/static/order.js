// The order of an open page that pays: a change goes to the shop while the payment form beside it is held, and both then
// show the same. What the form is, is behind a port.
import { openChannel } from "./channel.js";
import { Look } from "./look.js";
import { drop, notesIn, show, tell } from "./messages.js";
import { alarm, languageOf, make, pageAnew, pageData, text } from "./page.js";
import { isEmpty, Queue } from "./queue.js";
import { steppers } from "./stepper.js";
import { byKey, lineOf, paint, replaceRegions, total } from "./summary.js";
import { update } from "./update.js";

/** @typedef {import("./queue.js").Change} Change */
/** @typedef {import("./update.js").UpdateAnswer} UpdateAnswer */

/**
 * The payment form.
 * @typedef {object} Form
 * @property {() => void} hold the shopper cannot pay until letGo
 * @property {() => void} letGo the shopper can, and the form shows the order as it is now
 * @property {() => object} shown what the page shows, as members of a request
 * @property {(json: any) => boolean} whole an answer has all that the form needs
 * @property {(answer: UpdateAnswer) => UpdateAnswer} [judge] sees a good answer before the queue does
 * @property {() => void} [changed] the shopper has changed something
 * @property {(answer: UpdateAnswer) => void} took the order is now what the answer says, and the summary will say so
 * @property {(answer: UpdateAnswer) => void} renew another order takes the place of the one that the form shows
 * @property {(place: import("./taxplace.js").Place) => void} [unreached] nothing goes where the shopper has typed
 * @property {boolean} [perCountry] the page is another one in another country
 */

/**
 * How the page behaves. All durations are in milliseconds; what is not given is as the modules say.
 * @typedef {object} Options
 * @property {Partial<typeof import("./queue.js").limits>} [limits]
 * @property {Partial<typeof import("./look.js").times>} [times]
 * @property {number} [pause] without a key until a typed quantity counts
 */

export class OpenOrder {
  #data = pageData();
  #revision = this.#data.cart_revision;
  #country = this.#data.country; // of the prices shown
  #switched = false; // the shopper chose a country or language in this page's panel
  #confirmed; // the total shown is the order's
  #again = 0; // timer of what is sent again by itself
  #otherTab = false; // a sync for another tab's change is on its way
  #left = false; // an answer has led elsewhere
  #root;
  #look;
  #form;
  #announce;

  /** @param {HTMLElement} root the summary @param {Form} form @param {Options} [options] */
  constructor(root, form, { limits, times, pause = 600 } = {}) {
    this.#root = root;
    this.#form = form;
    this.#confirmed = root.dataset.state !== "unconfirmed";
    this.#look = new Look(root, times);
    this.queue = new Queue(
      {
        suspend: () => form.hold(),
        resume: () => form.letGo(),
        send: (change, signal) => this.#send(change, signal),
        answered: (answer, sent) => this.#answered(answer, sent),
        skipped: () => this.#nothingNew(),
      },
      limits,
    );
    steppers(root, {
      quantity: (line) => this.#quantity(line),
      set: (line, count, how) => this.#setQuantity(line, count, how),
      pause,
    });
    root.addEventListener("submit", (event) => this.#discount(event));
    root.addEventListener("input", ({ target }) => {
      if (target.dataset.key === "discount:code") target.dataset.typed = "";
    });
    document.querySelector("form[data-market]")?.addEventListener("submit", (event) => this.#market(event));
    this.#announce = openChannel(this.#data.cart_id_hash, (revision) => this.#heard(revision));
    this.#announce(this.#revision);
    addEventListener("pagehide", () => this.queue.hurry());
    addEventListener("pageshow", ({ persisted }) => {
      if (!persisted) return;
      this.#left = false;
      this.queue.forget();
      this.change({});
    });
  }

  /** The page is on its way elsewhere, by itself or by the payment form. */
  get left() {
    return this.#left || this.queue.left;
  }

  /** The amounts shown are the order's, and nothing is on its way. */
  get settled() {
    return this.#confirmed && this.queue.state === "idle";
  }

  /** Changes the order, or with {} only brings it up to date. @param {Change} change @param {{needed?: () => boolean}} [o] */
  change(change, o) {
    this.#look.busy();
    if (!isEmpty(change)) this.#form.changed?.();
    this.queue.change(change, o);
    paint(this.#root, this.queue.pending.lines);
  }

  // What the shopper does.

  #quantity(line) {
    return this.queue.pending.lines?.[line.dataset.sku] ?? Number(line.dataset.quantity);
  }

  #setQuantity(line, count, how) {
    const { sku, name } = line.dataset;
    const before = this.#quantity(line);
    this.change({ lines: { [sku]: count } });
    if (count > 0 || "gone" in line.dataset) return drop("removed"); // what is sold no more does not come back
    const undo = () => {
      this.change({ lines: { [sku]: before } });
      drop("removed");
      byKey(this.#root, `${sku}:plus`)?.focus();
    };
    const note = show({
      id: "removed",
      kind: "info",
      title: text("removed", name),
      actions: [{ text: text("undo"), key: "undo", run: undo }],
      closes: true,
    }, this.#root);
    if (how === "button") byKey(note, "undo").focus();
  }

  #discount(event) {
    const form = event.target;
    if (!form.matches("form[data-discount]")) return;
    event.preventDefault();
    const field = byKey(form, "discount:code");
    const code = field?.value.trim() ?? "";
    if (field && !code) return field.focus();
    this.change({ discount_code: code });
  }

  #market(event) {
    const { country, language } = event.target.elements;
    event.preventDefault();
    event.target.closest("details")?.removeAttribute("open");
    document.querySelector("#market-panel summary")?.focus();
    const locales = country.selectedOptions[0].dataset.locales.split(" ");
    const locale = locales.find((name) => languageOf(name) === language.value) ?? locales[0];
    this.change({ country: country.value, locale });
  }

  // What the other tabs say.

  #heard(revision) {
    if (revision <= this.#revision) return;
    this.#otherTab = true;
    this.queue.giveWay();
    this.change({}, { needed: () => revision > this.#revision });
  }

  // What the shop says.

  /** @param {Change} change @param {AbortSignal} signal */
  async #send(change, signal) {
    const shown = { ...this.#form.shown(), shown_country: this.#country };
    const answer = await update(this.#data.update_url, shown, change, signal, this.#form.whole);
    return answer.kind === "ok" && this.#form.judge ? this.#form.judge(answer) : answer;
  }

  /** @param {UpdateAnswer} answer @param {{change: Change, quiet: boolean, more: boolean}} sent */
  #answered(answer, sent) {
    clearTimeout(this.#again);
    switch (answer.kind) {
      case "navigate":
        if (sent.more) break;
        this.#left = true;
        location.assign(this.#withUndo(answer.to, sent.change));
        break;
      case "refused":
        this.#refused(answer, sent);
        break;
      case "failed":
        this.#failed(answer, sent.change);
        break;
      default:
        this.take(answer, sent);
    }
  }

  /** Nothing has changed: the amounts are as sure as they were. */
  #nothingNew() {
    if (this.#confirmed) this.#look.done(false);
    else this.#look.unconfirmed();
  }

  /** Shows what a good answer says. @param {UpdateAnswer} answer @param {{change: Change, quiet: boolean, more: boolean}} sent */
  take(answer, { change, quiet, more }) {
    const newer = answer.cart_revision > this.#revision;
    const doubted = !this.#confirmed;
    this.#confirmed = true;
    this.#form.took(answer);
    if ("discount_code" in change) {
      delete byKey(this.#root, "discount:code")?.dataset.typed;
    }
    for (const sku of Object.keys(change.lines ?? {})) {
      drop(`sold-out-${sku}`);
      drop(`gone-${sku}`);
    }
    drop("problem");
    const otherTotal = this.#show(answer, change);
    if (answer.kind === "replaced") this.#renew(answer);
    if (this.#otherTab && newer && isEmpty(change) && !quiet) {
      this.#say({ id: "other-tab", kind: "info", title: text("other_tab_title"), body: text("other_tab_body"), closes: true });
    }
    this.#switched ||= "country" in change;
    if (more) return;
    this.#otherTab = false;
    if (!quiet || this.#root.dataset.state === "unconfirmed") this.#look.done(!isEmpty(change) || newer || otherTotal || doubted);
    this.#showMarket(answer);
  }

  #say(note) {
    show(note, this.#root);
  }

  /** Shows the server's summary, with what it does not know yet over it. @returns {boolean} the total is another one */
  #show({ summary_html, cart_revision }, change) {
    this.#revision = cart_revision;
    if (!isEmpty(change)) this.#announce(cart_revision);
    const notes = notesIn(this.#root);
    const otherTotal = replaceRegions(this.#root, summary_html);
    tell(this.#root, notes);
    paint(this.#root, this.queue.pending.lines);
    return otherTotal;
  }

  #renew(answer) {
    try {
      this.#form.renew(answer);
    } catch (error) {
      pageAnew(); // the page is rendered with the new order
      throw error;
    }
    this.#say({ id: "renewed", kind: "info", title: text("renewed_title"), body: text("renewed_body"), closes: true });
  }

  /**
   * The market is chosen in this page's panel or in the iframe; the summary says it already. In another language all of
   * the page is made anew, after the iframe has been let go; what is typed in it stays.
   */
  #showMarket({ purchase_country: country, purchase_currency: currency, locale }) {
    const moved = country !== this.#country;
    const say = this.#switched ? "?market=changed" : moved ? "?market=delivery" : "";
    this.#switched = false;
    if (languageOf(locale) !== languageOf(document.documentElement.lang) || (moved && this.#form.perCountry)) {
      queueMicrotask(() => pageAnew(say));
      return;
    }
    if (!moved) return;
    this.#country = country;
    const label = document.querySelector("[data-market-label]");
    const option = document.querySelector(`form[data-market] option[value="${CSS.escape(country)}"]`);
    if (!label || !option) return;
    label.textContent = `${option.textContent.trim()}, ${currency}`;
    option.selected = true;
  }

  #failed(answer, change) {
    this.#confirmed = false;
    if (answer.summary_html && answer.saved) this.#show(answer, change);
    else paint(this.#root, this.queue.pending.lines);
    this.#look.unconfirmed();
    if (answer.code === "order_refused") {
      const { cart_url: href, basket } = this.#data;
      const actions = href ? [{ text: text(basket ? "back_to_shop" : "back_to_cart"), href }] : [];
      const body = text("unavailable_body", answer.request_id);
      this.#say({ id: "problem", kind: "bad", title: text("unavailable_title"), body, actions });
      return;
    }
    const saved = answer.saved || answer.why === "timeout"; // a change is stored before Klarna is asked
    const actions = [{ text: text("try_again"), run: () => this.change({}) }];
    let [name, kind] = saved ? ["saved", "warn"] : ["offline", "bad"];
    if (answer.code === "purchase_running") [name, kind] = ["running", "warn"];
    if (answer.why === "too_many_requests") {
      [name, kind] = ["too_many", "warn"];
      this.#again = setTimeout(() => this.queue.left || this.change({}), answer.again); // nothing changes while it is paid
    }
    this.#say({ id: "problem", kind, title: text(`${name}_title`), body: text(`${name}_body`), actions });
  }

  #refused({ code, message, sku, left }, { change, more }) {
    paint(this.#root, this.queue.pending.lines);
    if (!more) this.#nothingNew();
    const line = sku && lineOf(this.#root, sku);
    if (code === "sold_out" && left > 0 && left < change.lines?.[sku]) {
      show({ id: `quantity-${sku}`, kind: "warn", title: text("left", left, line?.dataset.name ?? sku), closes: true }, line || this.#root);
      if (this.queue.pending.lines?.[sku] === undefined) this.change({ lines: { [sku]: left } });
    } else if (code === "sold_out" && line) {
      const remove = { text: text("remove"), run: () => this.#setQuantity(line, 0, "button") };
      const [title, body] = [text("sold_out_title", line.dataset.name), text("sold_out_body")];
      show({ id: `sold-out-${sku}`, kind: "bad", title, body, actions: [remove] }, line);
    } else if (code === "quantity_limit") {
      show({ id: `quantity-${sku}`, kind: "warn", title: text("limit", line?.dataset.name ?? sku), closes: true }, line || this.#root);
    } else if (code === "unknown_sku") {
      this.#say({ id: "refused", kind: "bad", title: text("unknown_sku"), closes: true });
      this.change({}); // the summary then says which line is sold no more
    } else if (code === "unreachable") {
      const { region, postal_code } = change;
      this.#form.unreached?.({ region, postal_code });
    } else if (code === "bad_discount_code") {
      this.#badCode(text("bad_code", change.discount_code));
    } else if (code === "unknown_option" || code === "unknown_customer_type") {
      pageAnew(); // the shop offers something else by now
    } else {
      this.#say({ id: "refused", kind: "bad", title: message, closes: true });
    }
  }

  /** Says at the field, as the server does, that a code is not valid. @param {string} sentence */
  #badCode(sentence) {
    alarm(sentence);
    const field = byKey(this.#root, "discount:code");
    const around = field?.closest(".field");
    if (!around) return;
    around.querySelector(".err")?.remove();
    around.classList.add("bad");
    around.querySelector(".join").before(make("p", { className: "err", id: "code-error" }, sentence));
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", "code-error");
  }

  /** The emptied cart's page says what was removed and offers to put it back. */
  #withUndo(path, { lines = {} }) {
    const removed = Object.keys(lines).filter((sku) => lines[sku] === 0);
    const line = removed.length === 1 && path === "/cart" && lineOf(this.#root, removed[0]);
    if (!line) return path;
    return `/cart?${new URLSearchParams({ removed: removed[0], quantity: line.dataset.quantity })}`;
  }
}
