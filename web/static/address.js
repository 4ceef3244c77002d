// The address form: what stands in it, what is wrong with it, and how that is said. The rules are the server's: they come
// with the fields.
import { make, text } from "./page.js";

/** What is typed, without what does not count. @param {string} typed */
const clean = (typed) => typed.trim().replace(/\s+/g, " ");

/**
 * Whether a postal code is one of a list. A * at an end stands for any end. Of an American one the first five digits count.
 * @param {string[]} codes @param {string} typed @param {string} [country]
 */
export const within = (codes, typed, country) => {
  const written = typed.replace(/[\s-]/g, "").toUpperCase();
  const code = country === "US" ? written.replace(/^(\d{5})\d{4}$/, "$1") : written;
  return codes.some((entry) => (entry.endsWith("*") ? code.startsWith(entry.slice(0, -1)) : code === entry));
};

/** Whether a text has the form of what a field asks for. @param {HTMLElement} field @param {string} value */
const fits = ({ dataset: { pattern } }, value) => !pattern || new RegExp(`^(?:${pattern})$`, "v").test(value);

export class AddressForm {
  #form;
  #summary;
  #title = document.title;
  #refused = new Map(); // by field: what Klarna or the shop has refused
  #nowhere = new Map(); // by field: the part of a place to which nothing goes, as the shop has said
  #wrong = new Set(); // names of the fields that say so
  #changed;
  #right;

  /**
   * @param {HTMLFormElement} form
   * @param {{typed: Record<string, string>, changed: (name: string) => void, right: () => void}} use what was typed
   *   before; told when something is; and when nothing is wrong any more
   */
  constructor(form, { typed, changed, right }) {
    this.#form = form;
    this.#summary = form.querySelector("[data-errors]");
    this.#changed = changed;
    this.#right = right;
    for (const field of this.#texts) field.value = typed[field.name] ?? field.value;
    form.addEventListener("input", ({ target }) => this.fields.includes(target) && this.#typed(target));
    form.addEventListener("focusout", ({ target }) => {
      if (this.#wrong.has(target.name)) this.#look(target);
    });
    this.#summary.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link) return;
      event.preventDefault();
      document.querySelector(link.hash)?.focus();
    });
  }

  get #all() {
    return [...this.#form.querySelectorAll("[data-field]")];
  }

  /** All but the checkboxes, whose answers are given anew with each page. */
  get #texts() {
    return this.#all.filter(({ type }) => type !== "checkbox");
  }

  /** The fields that are asked for. */
  get fields() {
    return this.#all.filter((field) => !field.matches(":disabled"));
  }

  /** What stands in the fields, as it is, also in those that are not asked for now. */
  get typed() {
    return Object.fromEntries(this.#texts.map(({ name, value }) => [name, value]));
  }

  /** What is to be sent of the fields that are asked for, by their names. @returns {Record<string, string>} */
  get given() {
    const given = {};
    for (const { name, value } of this.fields) if (clean(value)) given[name] = clean(value);
    return given;
  }

  /** The goods go to the other address. */
  get #elsewhere() {
    return Boolean(this.#form.elements.elsewhere?.checked);
  }

  /** What the names of the fields begin with that say where the goods go. */
  get #goods() {
    return this.#elsewhere ? "shipping_" : "";
  }

  /** Where the goods go, as far as it is typed whole. @returns {import("./taxplace.js").Place} */
  get place() {
    const whole = (name) => {
      const field = this.fields.find((other) => other.name === this.#goods + name);
      const value = clean(field?.value ?? "");
      return value && fits(field, value) ? value : undefined;
    };
    return { region: whole("region"), postal_code: whole("postal_code") };
  }

  /** Who orders and where the goods go, as Klarna and the shop get it. @returns {import("./kept.js").Details} */
  get details() {
    const { organization_registration_id, date_of_birth, national_identification_number, ...given } = this.given;
    const { country } = this.#form.dataset;
    const of = (here) => Object.entries(given).filter(([name]) => name.startsWith("shipping_") === here);
    const bill = { country, ...Object.fromEntries(of(false)) };
    const { email, phone } = bill;
    const goods = of(true).map(([name, value]) => [name.slice("shipping_".length), value]);
    return {
      billing_address: bill,
      shipping_address: this.#elsewhere ? { country, ...Object.fromEntries(goods), email, phone } : bill,
      customer: { organization_registration_id, date_of_birth, national_identification_number },
    };
  }

  /** Other fields are asked for, or other postal codes can be reached: what is not wrong any more does not say so. */
  look() {
    if (this.#wrong.size === 0) return;
    this.#show(this.fields.filter((field) => this.#wrong.has(field.name) && this.#fault(field)), false);
    if (this.#wrong.size === 0) this.#right();
  }

  /** Says what is wrong, if anything. @returns {boolean} nothing is */
  check() {
    this.#show(this.fields.filter((field) => this.#fault(field)), true);
    return this.#wrong.size === 0;
  }

  /**
   * Says what somebody else found wrong.
   * @param {string[]} names of members of an address @param {{focus?: boolean}} [o]
   * @returns {boolean} at least one of them is a field of the form
   */
  refuse(names, { focus = true } = {}) {
    const fields = this.fields.filter(({ name }) => names.includes(name));
    for (const { name, value } of fields) this.#refused.set(name, clean(value));
    this.#show(this.fields.filter((field) => this.#fault(field)), focus);
    return fields.length > 0;
  }

  /**
   * The shop has said that nothing goes to a place. What else is not typed yet is not wrong.
   * @param {import("./taxplace.js").Place} place @param {{focus?: boolean}} [o]
   */
  unreached(place, { focus = true } = {}) {
    for (const [name, value] of Object.entries(place)) this.#nowhere.set(this.#goods + name, value);
    const said = ({ name }) => this.#wrong.has(name) || this.#nowhere.has(name);
    this.#show(this.fields.filter((field) => said(field) && this.#fault(field)), focus);
  }

  /** The order is another one: something may go there. */
  reached() {
    if (this.#nowhere.size === 0) return;
    this.#nowhere.clear();
    this.look();
  }

  /** What is wrong with a field, in words; "" nothing. */
  #fault(field) {
    const { error } = field.dataset;
    if (field.type === "checkbox") return field.required && !field.checked ? error : "";
    const value = clean(field.value);
    if (value === "") return field.required ? error : "";
    if (this.#refused.get(field.name) === value) return error;
    if (!fits(field, value)) return error;
    return this.#isOut(field, value) ? text("unreachable", field.selectedOptions?.[0].text ?? value) : "";
  }

  /** Whether nothing is brought to what is typed. Only where the goods go has to be reached, and not by every way of delivery. */
  #isOut({ name, dataset: { unreachable } }, value) {
    if (name.startsWith("shipping_") !== this.#elsewhere) return false;
    const { anywhere, country } = this.#form.dataset;
    const out = Boolean(unreachable) && anywhere === undefined && within(unreachable.split(" "), value, country);
    return out || this.#nowhere.get(name) === value;
  }

  #typed(field) {
    this.#nowhere.delete(field.name); // the shop is asked anew
    this.#changed(field.name);
    if (this.#wrong.has(field.name) && !this.#fault(field)) this.#look(field);
  }

  /** Looks once more at a field that said that it is wrong. */
  #look(field) {
    this.#mark(field, this.#fault(field));
    this.#summarize();
    if (this.#wrong.size === 0) this.#right();
  }

  #show(fields, focus) {
    for (const field of this.#all) this.#mark(field, fields.includes(field) ? this.#fault(field) : "");
    this.#summarize();
    if (focus && fields.length > 0) this.#summary.focus();
  }

  #mark(field, fault) {
    const around = field.closest(".field");
    around.classList.toggle("bad", fault !== "");
    around.querySelector(".err")?.remove();
    if (!fault) {
      this.#wrong.delete(field.name);
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
      return;
    }
    this.#wrong.add(field.name);
    const error = make("p", { className: "err", id: `${field.id}-error` }, fault);
    (field.closest("label") ?? field).before(error);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", error.id);
  }

  #summarize() {
    const wrong = this.fields.filter(({ name }) => this.#wrong.has(name));
    const count = text("numbers").split(" ")[wrong.length - 1] ?? String(wrong.length);
    const title = make("h2", {}, wrong.length === 1 ? text("check_one") : text("check_many", count));
    const item = (field) => make("li", {}, make("a", { href: `#${field.id}` }, this.#fault(field)));
    this.#summary.replaceChildren(...(wrong.length ? [title, make("ul", {}, ...wrong.map(item))] : []));
    this.#summary.hidden = wrong.length === 0;
    document.title = wrong.length ? text("error_title", this.#title) : this.#title;
  }
}
