// What every module needs of the page: its data, its texts, its live regions.

/**
 * What the server says about the page.
 * @typedef {object} PageData
 * @property {number} cart_revision the page was made with
 * @property {string} cart_id_hash the same for all pages of one cart, "" without a cart
 * @property {string} [page_url] of a page that can be the answer to a form
 * @property {string} [order_id] checkout only
 * @property {string} [update_url] checkout only
 * @property {string} [country] checkout only: purchase country of the prices shown
 * @property {Record<string, string>} texts
 */

/** @param {Document} [from] @returns {PageData} */
export function pageData(from = document) {
  const element = from.getElementById("checkout-data") ?? from.getElementById("page-data");
  return JSON.parse(element?.textContent || '{"cart_revision": 0, "cart_id_hash": "", "texts": {}}');
}

/**
 * Loads the page anew. The address of a page that answers a form is the form's: to reload that would send it again.
 * @param {string} [query] in place of the address's
 */
export function pageAnew(query) {
  const { page_url: own } = pageData();
  if (own) location.replace(own + (query ?? ""));
  else if (query === undefined) location.reload();
  else location.replace(location.pathname + query);
}

const { texts } = pageData();

/** A text of the page with {0}, {1} … filled in. @param {string} key @param {...(string|number)} values */
export function text(key, ...values) {
  return (texts[key] ?? "").replace(/\{(\d)\}/g, (_, i) => String(values[i]));
}

/** Has a screen reader say it when nothing else is being said. @param {string} sentence */
export const announce = (sentence) => say("live-status", sentence);

/** Has a screen reader say it at once. @param {string} sentence */
export const alarm = (sentence) => say("live-alert", sentence);

function say(id, sentence) {
  const region = document.getElementById(id);
  if (region) region.replaceChildren(sentence);
}

/**
 * Makes an element. Properties are set as such, data-* and aria-* as attributes.
 * @param {string} tag @param {Record<string, any>} [properties] @param {...(Node|string)} children
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/**
 * Loads a page of the shop, following redirects. A form that is refused is answered with the page too, which says why.
 * @param {string} url @param {RequestInit} [request]
 * @returns {Promise<{page: Document, refused: boolean}>} rejects when nothing or another error came
 */
export async function loadPage(url, request = {}) {
  const response = await fetch(url, { ...request, headers: { Accept: "text/html" } });
  const refused = response.status === 422;
  if (!response.ok && !refused) throw new Error(`${url}: ${response.status}`);
  return { page: new DOMParser().parseFromString(await response.text(), "text/html"), refused };
}

/** The language of a locale such as "sv-SE". @param {string} locale */
export const languageOf = (locale) => locale.split("-")[0];

/** Shows how many things are in the cart. @param {number|Document} from a number, or a page that knows it */
export function showCount(from) {
  const count = typeof from === "number" ? from : Number(from.querySelector("[data-cart-count]")?.textContent);
  if (Number.isNaN(count)) return;
  for (const here of document.querySelectorAll("[data-cart-count]")) {
    here.textContent = String(count);
    here.hidden = count === 0;
  }
  for (const link of document.querySelectorAll("[data-cart-link]")) link.hidden = count === 0;
}
