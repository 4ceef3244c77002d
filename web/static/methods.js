// The ways to pay that the form of Klarna Payments has: which can be offered, and which is chosen.
import { make } from "./page.js";

export class Methods {
  #form;
  #declined;
  #unfit = new Set(); // that Klarna does not offer for the order as it is now

  /** @param {HTMLFormElement} form @param {() => string[]} declined those that the shopper was refused */
  constructor(form, declined) {
    this.#form = form;
    this.#declined = declined;
  }

  get #radios() {
    return [...this.#form.querySelectorAll("input[name=method]")];
  }

  /** Those that can still be offered. @returns {HTMLInputElement[]} */
  get left() {
    return this.#radios.filter(({ disabled }) => !disabled);
  }

  /** The one that is chosen, undefined when there is none left. @returns {HTMLInputElement|undefined} */
  get chosen() {
    return this.#radios.find(({ checked }) => checked);
  }

  /** @param {string} category */
  choose(category) {
    const radio = this.#radios.find(({ value }) => value === category);
    if (radio) radio.checked = true;
  }

  /** Klarna does not offer it for the order as it is now. @param {string} category */
  leaveOut(category) {
    this.#unfit.add(category);
  }

  /** The order is another one: what Klarna did not offer it may offer. */
  renew() {
    this.#unfit.clear();
  }

  /** Offers those that are left; one of them is chosen. @returns {boolean} false: there is none */
  offer() {
    for (const radio of this.#radios) {
      const out = this.#unfit.has(radio.value) || this.#declined().includes(radio.value);
      radio.closest("[data-method]").hidden = out;
      radio.disabled = out;
      if (out) radio.checked = false;
    }
    const { left } = this;
    if (left.length > 0 && !left.some(({ checked }) => checked)) left[0].checked = true;
    return left.length > 0;
  }

  /** Shows these ways to pay. A widget that stays is not touched. @param {{identifier: string, name: string}[]} methods */
  show(methods) {
    const box = this.#form.querySelector("[data-methods]");
    if (!box) return;
    const shown = new Map([...box.querySelectorAll("[data-method]")].map((method) => [method.dataset.method, method]));
    let next = null;
    for (const { identifier, name } of methods.toReversed()) {
      let method = shown.get(identifier);
      shown.delete(identifier);
      if (!method) {
        const radio = make("input", { type: "radio", name: "method", value: identifier });
        const widget = make("div", { className: "wg", hidden: true });
        widget.dataset.widget = "";
        method = make("div", { className: "method" }, make("label", {}, radio, name), widget);
        method.dataset.method = identifier;
        box.insertBefore(method, next);
      }
      next = method;
    }
    for (const gone of shown.values()) gone.remove();
  }
}
