// What every page does with scripts; without them everything here still works by forms and links.
import { startCart } from "./cart.js";
import { openChannel } from "./channel.js";
import { startChoice } from "./choice.js";
import { dress } from "./iframe.js";
import { Kept } from "./kept.js";
import { drop, show } from "./messages.js";
import { announce, languageOf, loadPage, make, pageData, showCount, text } from "./page.js";
import { startPanel } from "./panel.js";
import { steppers } from "./stepper.js";
import { keepPresses } from "./summary.js";

const toastTime = 6000; // milliseconds
const requestLimit = 13_000; // milliseconds

startPanel();

keepPresses();

const market = document.querySelector("form[data-market]");
if (market) offerLanguages(market.elements);

const cart = document.querySelector("main[data-cart]");
if (cart) startCart(cart);
else if (!document.getElementById("order-summary")) startShelf();

document.addEventListener("click", ({ target }) => target.closest?.("a[href='/checkout']") && tell("checkout"));

if (document.querySelector("[data-thanks]")) new Kept(pageData().cart_id_hash, "").forget(); // it is bought

const snippet = document.getElementById("kco");
if (snippet) dress(snippet);

for (const made of document.querySelectorAll(".toast")) live(made); // the server's, after a form was sent

/** Tells scripts that count what shoppers do, such as the shop's `measure`. */
function tell(what, detail) {
  document.dispatchEvent(new CustomEvent(`shopd:${what}`, { detail }));
}

/** Of the languages of all markets those of the chosen country. @param {HTMLFormControlsCollection} fields */
function offerLanguages({ country, language }) {
  const offer = () => {
    const spoken = country.selectedOptions[0].dataset.locales.split(" ").map(languageOf);
    for (const option of language.options) option.hidden = option.disabled = !spoken.includes(option.value);
    if (!spoken.includes(language.value)) language.value = spoken[0];
  };
  country.addEventListener("change", offer);
  offer();
}

/** Pages with things to add: adding does not leave them. */
function startShelf() {
  let data = pageData();
  let announceRevision = openChannel(data.cart_id_hash);
  let adding = Promise.resolve();
  announceRevision(data.cart_revision);

  for (const form of document.querySelectorAll("form[data-add]")) {
    const typed = (line) => Number(/^\d{1,4}$/.exec(line.querySelector("[name=quantity]").value)?.[0] ?? 1);
    steppers(form, { quantity: typed, set: () => {}, pause: 600 });
    if (form.querySelector("[data-choice]")) startChoice(form);
  }
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-add]")) return;
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(event.target));
    adding = adding.then(() => add(event.target, fields)); // in the order of the clicks
  });
  addEventListener("pageshow", ({ persisted }) => persisted && look().catch(() => {}));

  /** What the shop says of the cart now, when this page cannot know. */
  async function look() {
    const { page } = await loadPage("/cart", { signal: AbortSignal.timeout(requestLimit) });
    showCount(page);
    data = pageData(page);
    announceRevision = openChannel(data.cart_id_hash);
  }

  /** @param {HTMLFormElement} form @param {URLSearchParams} fields */
  async function add(form, fields) {
    try {
      const response = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: fields,
        keepalive: true,
        signal: AbortSignal.timeout(requestLimit),
      });
      if (response.status >= 400 && response.status < 500) return refused(form, await response.json());
      if (!response.ok) throw new Error(String(response.status));
      for (const note of form.querySelectorAll("[data-note]")) note.remove();
      await added(await response.json(), fields.get("sku"));
      tell("add", { sku: fields.get("sku"), quantity: Number(fields.get("quantity") ?? 1) });
    } catch {
      const actions = [{ text: text("try_again"), run: () => form.requestSubmit() }];
      show({ id: "problem", kind: "bad", title: text("offline_title"), body: text("offline_body"), actions }, form);
    }
  }

  /** Says why nothing was added, where it was tried. @param {HTMLFormElement} form @param {any} answer */
  function refused(form, { error, left }) {
    const line = form.querySelector("[data-name]");
    if (error?.code !== "sold_out" || !line) return form.submit(); // the page says why
    const { sku, name } = line.dataset;
    const title = left > 0 ? text("few_left", left, name) : text("sold_out_title", name);
    show({ id: `quantity-${sku}`, kind: "warn", title, body: text("unchanged"), closes: true }, form).scrollIntoView({ block: "nearest" });
    for (const old of document.querySelectorAll(".toast")) old.remove();
  }

  async function added({ revision, lines }, sku) {
    const count = lines.reduce((sum, line) => sum + line.quantity, 0);
    const name = lines.find((line) => line.sku === sku)?.name ?? sku;
    showCount(count);
    drop("problem");
    toast(`${text("added", name)} ${text("in_cart", count)}`);
    // The first thing makes the cart. It is in it whether this is learned or not: to add it again would be wrong.
    if (!data.cart_id_hash) await look().catch(() => {});
    announceRevision(revision);
  }
}

/** Says that something was added, for a while. @param {string} sentence */
function toast(sentence) {
  const close = make("button", { type: "button" }, text("close"));
  const made = make("div", { className: "toast" }, make("p", {}, sentence), make("a", { href: "/cart" }, text("view_cart")), close);
  for (const old of document.querySelectorAll(".toast")) old.remove();
  announce(sentence);
  live(made);
}

/** A toast goes by itself, but not while the pointer or the focus is in it. Where the page has a bar at the edge of a phone's screen, it stands on that. */
function live(made) {
  (document.querySelector(".foothold") ?? document.querySelector("main")).append(made);
  let timer = 0;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => made.remove(), toastTime);
  };
  const stay = () => clearTimeout(timer);
  made.addEventListener("pointerenter", stay);
  made.addEventListener("pointerleave", wait);
  made.addEventListener("focusin", stay);
  made.addEventListener("focusout", wait);
  made.querySelector("button")?.addEventListener("click", () => made.remove());
  wait();
}
