// The checkout page of Klarna Payments: the shop's own form, Klarna's widget in it, and the order beside it. What is
// called when follows "Update the cart" of docs.klarna.com: whatever the shopper approved, the order is placed with the
// newest approval, and only if it is for what the page shows.
import { AddressForm } from "./address.js";
import { Basket } from "./basket.js";
import { Delivery } from "./delivery.js";
import { callFor, Kept } from "./kept.js";
import { drop, show } from "./messages.js";
import { Methods } from "./methods.js";
import { OpenOrder } from "./order.js";
import { announce, make, pageAnew, pageData, text } from "./page.js";
import { place } from "./place.js";
import { fillReview } from "./review.js";
import { reading } from "./summary.js";
import { TaxPlace } from "./taxplace.js";
import { Widget } from "./widget.js";

/** @typedef {import("./widget.js").Result} Result */

/**
 * Makes the page work.
 * @param {import("./order.js").Options & {patience?: Partial<typeof import("./widget.js").patience>, placing?: number}} [options]
 * @returns {import("./queue.js").Queue|null} null on a page without this form
 */
export function start(options) {
  const root = document.getElementById("order-summary");
  const form = document.getElementById("payments");
  if (!root || !form) return null;
  const payments = new Payments(root, form, options);
  return payments.queue;
}

class Payments {
  #data = pageData().payments;
  #page = this.#data.page;
  #shown = this.#data.session; // what Klarna is to know of the order that the page shows
  #root;
  #form;
  #button;
  #label; // of the button, while nothing is under way
  #order;
  #widget;
  #kept;
  #address = null;
  #delivery;
  #basket; // of a checkout session
  #taxed; // where
  #placing;
  #working = false; // the shopper is approving, or the order being placed
  #loads = 0;
  #loaded = ""; // what the widget shows, or will
  #blamed = false; // Klarna found fault with the address when it loaded the widget: it is told the next one too
  #methods;
  /** @type {(() => void)|null} */ #refused = null; // what follows from a refusal, when the session has not just ended

  constructor(root, form, options = {}) {
    this.#root = root;
    this.#form = form;
    this.#placing = options.placing;
    this.#button = form.querySelector("[data-buy]");
    this.#label = this.#button.textContent.trim();
    this.#kept = new Kept(pageData().cart_id_hash, this.#data.form);
    this.#delivery = new Delivery(form, () => this.#address?.look());
    this.#methods = new Methods(form, () => this.#kept.now.declined);
    this.#widget = new Widget(this.#data.library, this.#data.client_token, options.patience);
    this.#order = new OpenOrder(
      root,
      {
        hold: () => {}, // a click meanwhile is answered
        letGo: () => this.#letGo(),
        shown: () => ({ form: this.#data.form }),
        changed: () => drop("expired"), // it was about the order before
        whole,
        took: (answer) => this.#took(answer),
        unreached: (place) => this.#unreached(place, { focus: false }),
        renew: (answer) => this.#renew(answer),
        perCountry: true,
      },
      options,
    );
    this.queue = this.#order.queue;
    this.#taxed = new TaxPlace(this.#data, (change) => this.#order.change(change));
    this.#basket = new Basket({ follow: () => this.#order.change({}), left: () => this.#working || this.#order.left }, options.look);
    if (this.#page === "review") this.#review();
    else this.#fill();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    addEventListener("pageshow", ({ persisted }) => persisted && this.#rest());
    if (this.#working) return; // the review page of somebody who has not been here before: it is being left
    this.#offer();
    this.#load();
  }

  // The form.

  #fill() {
    const { address, category, elsewhere, invalid, renewed } = this.#kept.now;
    const separate = this.#form.elements.elsewhere;
    if (separate) {
      separate.checked = elsewhere ?? separate.checked;
      this.#kept.keep({ elsewhere: separate.checked });
    }
    this.#ask("elsewhere-address", separate?.checked);
    if (renewed) {
      this.#kept.keep({ renewed: false });
      this.#say("renewed", "info", "renewed_title", "renewed_body");
    }
    this.#address = new AddressForm(this.#form, {
      typed: address,
      changed: (name) => {
        this.#kept.keep({ address: { ...this.#kept.now.address, ...this.#address.typed } });
        if (/(region|postal_code)$/.test(name)) this.#taxed.moved(this.#address.place);
      },
      right: () => {
        this.#kept.keep({ invalid: [] });
        this.#load();
      },
    });
    this.#methods.choose(category);
    this.#form.addEventListener("change", ({ target: { name, value, checked } }) => {
      switch (name) {
        case "method":
          drop("payment");
          this.#kept.keep({ category: this.#category() });
          return this.#load();
        case "delivery":
          this.#order.change({ shipping_option: value });
          return this.#delivery.look();
        case "customer_type":
          this.#order.change({ customer_type: value });
          return this.#buyer(value);
        case "elsewhere":
          this.#kept.keep({ elsewhere: checked });
          this.#ask("elsewhere-address", checked);
          this.#taxed.moved(this.#address.place);
      }
    });
    this.#delivery.look();
    this.#taxed.moved(this.#address.place);
    if (invalid.length > 0) this.#address.refuse(invalid);
  }

  /** Asks for the fields of a group, or does not. */
  #ask(id, asked) {
    const group = document.getElementById(id);
    if (group) group.disabled = group.hidden = !asked;
    this.#address?.look();
  }

  /** Who orders and where the goods go. @returns {import("./kept.js").Details} */
  #details() {
    return this.#address?.details ?? this.#kept.now.approval.details;
  }

  /** The way to pay that is chosen, "" when there is none left. */
  #category() {
    if (this.#page === "review") return this.#kept.now.approval?.category ?? "";
    return this.#methods.chosen?.value ?? "";
  }

  /** The ways to pay that can still be offered; one of them is chosen. */
  #offer() {
    if (this.#page === "review") return;
    if (this.#methods.offer()) drop("method");
    else this.#say("method", "warn", "no_method_title", "no_method_body");
  }

  #decline(category) {
    const { declined } = this.#kept.now;
    this.#kept.keep({ declined: [...new Set([...declined, category])], approval: null });
    this.#offer();
  }

  // The review page.

  #review() {
    const { approval } = this.#kept.now;
    if (!approval?.details) {
      this.#working = true;
      location.replace(this.#data.details_url);
      return;
    }
    const { category } = approval;
    fillReview(this.#form, approval, this.#data.methods.find(({ identifier }) => identifier === category)?.name ?? category);
  }

  // The widget.

  async #load() {
    const category = this.#category();
    const wanted = JSON.stringify([category, this.#shown]);
    if (!category || wanted === this.#loaded) return;
    this.#loaded = wanted;
    const load = ++this.#loads;
    const waiting = make("p", { className: "muted" }, text("loading"));
    const container = this.#form.querySelector(`[data-method="${CSS.escape(category)}"] [data-widget]`) ?? this.#form.querySelector("[data-widget]");
    for (const other of this.#form.querySelectorAll("[data-widget]")) other.hidden = other !== container || this.#page === "review";
    if (!container.firstChild) container.append(waiting);
    container.setAttribute("aria-busy", "true");
    const result = await this.#widget.load(container, category, this.#blamed ? this.#wanted() : this.#shown);
    waiting.remove();
    if (load !== this.#loads) return; // a later one says what is true
    for (const busy of this.#form.querySelectorAll("[aria-busy]")) busy.removeAttribute("aria-busy");
    if (this.#order.settled) drop("wait");
    if (result.broken) {
      this.#loaded = "";
      const actions = [{ text: text("try_again"), run: () => this.#load() }];
      this.#say("library", "bad", "library_title", "library_body", [], actions);
      return;
    }
    drop("library");
    this.#blamed = Boolean(result.error?.invalid_fields);
    if (this.#blamed) {
      this.#loaded = "";
      this.#invalid(result.error.invalid_fields, { focus: false });
    } else if (!result.show_form && this.#page !== "review") {
      this.#doubt(() => {
        this.#methods.leaveOut(category);
        this.#offer();
        this.#load();
      });
    }
  }

  /**
   * Klarna refuses a way to pay: the shopper's, or any in a session that has ended while the page was open. Only the shop
   * can tell, and makes a new session then. @param {() => void} refused what follows when the session goes on
   */
  #doubt(refused) {
    this.#refused = refused;
    this.#order.change({});
  }

  /** The order is another one now. Klarna may offer other ways to pay for it, and the shop other ways of delivery. */
  #took({ session, payment_methods: methods, delivery_html, replaced, basket_revision, unreached }) {
    this.#basket.told(basket_revision);
    if (methods || replaced) this.#methods.show(methods ?? []);
    this.#delivery.show(delivery_html, this.queue.pending.shipping_option);
    this.#customer(session.customer?.type);
    if (JSON.stringify(session) !== JSON.stringify(this.#shown)) this.#methods.renew();
    this.#shown = session;
    this.#offer();
    if (this.#refused && !replaced) queueMicrotask(this.#refused); // when the answer is shown
    this.#refused = null;
    this.#address?.reached();
    if (unreached) this.#taxed.refused();
    queueMicrotask(() => this.#address && this.#taxed.moved(this.#address.place)); // what the shop has refused before
  }

  /** Asks for what is needed of a person or a company, as the shopper has said, perhaps in another tab. */
  #customer(type) {
    if (this.#page === "review" || type === this.#shown.customer?.type || this.queue.pending.customer_type) return;
    const radio = [...this.#form.querySelectorAll("input[name=customer_type]")].find(({ value }) => value === type);
    if (!radio) return pageAnew(); // the shop asks for something else by now
    radio.checked = true;
    this.#buyer(type);
  }

  #buyer(type) {
    this.#ask("organization", type === "organization");
    this.#ask("person", type === "person");
  }

  /** A new session knows nothing of what was refused in the one before: every way to pay is offered again. */
  #renew({ form, client_token }) {
    Object.assign(this.#data, { form, client_token });
    this.#kept.renew(form);
    this.#widget.renew(client_token);
    if (this.#page === "review") {
      this.#kept.keep({ renewed: true });
      return this.#leave(this.#data.details_url); // what was approved there is gone
    }
    this.#methods.renew();
    this.#offer();
    for (const id of ["payment", "expired"]) drop(id);
    this.#say("renewed", "info", "renewed_title", "renewed_body"); // at the button: the order's own takes its place
    this.#loaded = "";
    this.#letGo();
  }

  /** The order is as the page shows it: the widget shows the same, and the shopper may pay. */
  #letGo() {
    this.#name();
    this.#basket.shown();
    if (!this.#working) this.#load();
    if (!this.#form.querySelector("[aria-busy]")) drop("wait");
  }

  // Paying. Nothing may be waited for between the click and the call.

  #submit() {
    if (this.#working) return;
    if (!this.#order.settled) {
      if (this.queue.state === "idle") this.#order.change({}); // the last one had no answer
      this.#say("wait", "info", "wait_title", "wait_body");
      return;
    }
    if (this.#address && !this.#address.check()) return;
    const category = this.#category();
    if (!category && this.#page === "review") return this.#leave(this.#data.details_url);
    if (!category) return this.#offer();
    this.#approve(category);
  }

  /** What Klarna is told: all that the page shows and the shopper has typed. */
  #wanted() {
    const details = this.#details();
    return { ...this.#shown, ...details, customer: { ...details.customer, ...this.#shown.customer } };
  }

  async #approve(category) {
    const data = this.#wanted();
    const of = JSON.stringify([category, data]);
    const call = callFor(this.#page, this.#kept.now.approval, of, Date.now());
    if (!call) return this.#approved();
    if (call !== "reauthorize" && this.#form.querySelector("[aria-busy]")) return this.#say("wait", "info", "wait_title", "wait_body");
    const result =
      call === "authorize"
        ? this.#widget.authorize(category, data, this.#page === "one-step")
        : this.#widget[call](category, data);
    this.#work("waiting");
    for (const id of ["payment", "problem", "expired", "renewed"]) drop(id);
    const { billing_address, shipping_address, customer } = data;
    await this.#conclude(await result, { category, of, details: { billing_address, shipping_address, customer } });
  }

  /** @param {Result} result @param {{category: string, of: string, details: import("./kept.js").Details}} asked */
  async #conclude(result, { category, of, details }) {
    const { approved, show_form, authorization_token: token = "", finalize_required: finalize = false, error } = result;
    if (approved && (token || finalize)) {
      this.#kept.keep({ approval: { category, of, details, token, finalize: !token, at: Date.now() }, category });
      if (token || this.#page !== "one-step") return this.#approved();
      return this.#conclude(await this.#widget.finalize(category, this.#wanted()), { category, of, details });
    }
    this.#rest();
    if (result.broken) {
      this.#loaded = "";
      this.#say("library", "bad", "library_title", "library_body");
      this.#load();
    } else if (error?.invalid_fields) {
      this.#invalid(error.invalid_fields);
    } else if (show_form) {
      this.#say("payment", "info", "closed_title", "closed_body");
      this.#button.focus();
    } else {
      this.#doubt(() => this.#declined(category));
    }
  }

  #declined(category) {
    this.#decline(category);
    const actions = this.#page === "review" ? [{ text: text("other_method"), href: this.#data.details_url }] : [];
    const left = this.#page === "review" || this.#methods.left.length > 0;
    if (left) drop("method");
    else drop("payment");
    const note = left && this.#say("payment", "warn", "declined_title", "declined_body", [], actions); // else #offer has said that none is left
    if (this.#page === "review") note.querySelector("a").focus();
    else (this.#methods.chosen ?? this.#button).focus();
    this.#load();
  }

  /** Klarna found members of the address, or of what else it was told, wrong. @param {string[]} paths */
  #invalid(paths, o) {
    const goods = this.#kept.now.elsewhere ? "shipping_" : "";
    const names = paths.map((path) => path.replace("shipping_address.", goods).split(".").at(-1));
    if (this.#page === "review") {
      this.#kept.keep({ invalid: names });
      return this.#leave(this.#data.details_url);
    }
    if (!this.#address.refuse(names, o)) this.#say("payment", "warn", "invalid_title", "invalid_body");
  }

  /** The shop says that nothing goes to a place, which the order has not taken over. @param {import("./taxplace.js").Place} place */
  #unreached({ region, postal_code }, o) {
    if (this.#page === "review") return this.#leave(this.#data.details_url); // which tells the place, and then says it
    this.#taxed.refused();
    this.#address.unreached(postal_code ? { postal_code } : { region }, o);
  }

  /** The shopper has approved what the page shows. */
  #approved() {
    this.#work(this.#page === "details" ? "waiting" : "placing");
    const { approval } = this.#kept.now;
    if (JSON.stringify([approval.category, this.#wanted()]) !== approval.of) return this.#changed(); // another tab
    if (this.#page === "details") return this.#leave(this.#data.review_url);
    return this.#place(approval);
  }

  async #place({ token, details }) {
    const { type, organization_registration_id } = details.customer; // the rest is for Klarna alone
    const customer = { type, organization_registration_id };
    const sent = { authorization_token: token, form: this.#data.form, order_amount: this.#shown.order_amount, ...details, customer };
    const answer = await place(this.#data.place_url, sent, whole, this.#placing);
    switch (answer.kind) {
      case "placed":
        this.#kept.forget();
        return this.#leave(answer.to);
      case "navigate":
        if (answer.to !== "/cart") this.#kept.forget(); // it was bought meanwhile
        return this.#leave(answer.to);
      case "changed":
        this.#order.take(answer.order, { change: {}, quiet: false, more: false });
        return this.#changed(answer.says);
      case "expired":
        this.#kept.keep({ approval: { ...this.#kept.now.approval, token: "" } });
        this.#rest();
        this.#say("expired", "warn", "expired_title", "approve_again", [this.#total()]);
        this.#order.change({}); // the session may have ended too
        break;
      case "invalid":
        this.#rest();
        return this.#invalid(answer.fields);
      case "unreached":
        this.#rest();
        return this.#unreached(details.shipping_address);
      case "declined":
        this.#rest();
        return this.#declined(this.#category());
      case "refused":
        this.#rest();
        show({ id: "payment", kind: "warn", title: answer.message }, this.#button);
        break;
      default: {
        this.#rest();
        const actions = [{ text: text("try_again"), run: () => this.#submit() }];
        this.#say("payment", "warn", `${answer.name}_title`, `${answer.name}_body`, [], actions);
      }
    }
    this.#button.focus();
  }

  /** What was approved is not what the page shows any more, or is not there to be bought. @param {string} [says] which is sold out */
  #changed(says = "") {
    this.#rest();
    this.#load();
    if (says) show({ id: "expired", kind: "warn", title: says }, this.#button);
    else this.#say("expired", "warn", "changed_title", "approve_new", [this.#total()]);
    this.#button.focus();
  }

  // What the page looks like meanwhile.

  /** Nothing can be changed while the shopper approves and the order is placed. */
  #work(what) {
    this.#working = true;
    this.#root.inert = true;
    for (const part of this.#form.querySelectorAll("[data-lock]")) part.inert = true;
    this.#button.setAttribute("aria-disabled", "true");
    this.#button.textContent = text(what);
    announce(text(what));
  }

  #rest() {
    this.#working = false;
    this.#root.inert = false;
    for (const part of this.#form.querySelectorAll("[data-lock]")) part.inert = false;
    this.#button.removeAttribute("aria-disabled");
    this.#name();
    announce("");
  }

  /** The button says what is bought for. */
  #name() {
    if (this.#working) return;
    if (this.#page !== "details") this.#label = text("buy", this.#total());
    this.#button.textContent = this.#label;
  }

  #total() {
    return reading(this.#root)?.[0] ?? "";
  }

  #say(id, kind, title, body, values = [], actions = []) {
    return show({ id, kind, title: text(title), body: text(body, ...values), actions }, this.#button);
  }

  #leave(to) {
    this.#working = true;
    this.queue.leave();
    location.assign(to);
  }
}

/** An answer has all that the form needs. @param {any} json */
const whole = ({ form, session, client_token, replaced }) =>
  typeof form === "string" && typeof session?.order_amount === "number" && (!replaced || typeof client_token === "string");

// A script element starts the page; a module that imports this one does it itself.
if ([...document.scripts].some(({ src }) => src === import.meta.url)) start();
