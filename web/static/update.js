// An update of the order on the page, and what its answer means. Pages of either payment form send the same.
import { ask } from "./ask.js";

/** @typedef {import("./queue.js").Change} Change */

/**
 * The server's answer, beside what the queue needs to know of it.
 * @typedef {import("./queue.js").Answer & {
 *   order_id?: string, order_amount?: number, purchase_currency?: string, purchase_country?: string, locale?: string,
 *   cart_revision?: number,
 *   html_snippet?: string, summary_html?: string,
 *   again?: number, to?: string, code?: string, message?: string, sku?: string, left?: number, request_id?: string}} UpdateAnswer
 */

/**
 * Sends a change.
 * @param {string} url
 * @param {object} shown what this page shows, as members of the request
 * @param {Change} change
 * @param {AbortSignal} signal
 * @param {(json: any) => boolean} whole a good answer has all that the page's payment form needs
 * @returns {Promise<UpdateAnswer>} never rejects
 */
export async function update(url, shown, change, signal, whole) {
  const body = { ...shown, ...change };
  if (change.lines) body.lines = Object.entries(change.lines).map(([sku, quantity]) => ({ sku, quantity }));
  const answer = await ask(url, body, signal);
  if (!answer) return { kind: "failed", why: "unreachable" };
  // Nothing has changed: the same can be sent again after that time.
  if (answer.status === 429 || answer.json.error?.code === "crowded") return { kind: "failed", why: "too_many_requests", again: answer.again };
  return understand(answer.status, answer.json, change, whole);
}

/** @param {number} status @param {any} json @param {Change} change @param {(json: any) => boolean} whole @returns {UpdateAnswer} */
function understand(status, json, change, whole) {
  if (status === 200 && isUpdate(json) && whole(json)) return { ...json, kind: json.replaced ? "replaced" : "ok" };
  if (status === 409 && isLocal(json.redirect)) return { kind: "navigate", to: json.redirect };
  if (typeof json.error?.code !== "string") return { kind: "failed", why: "unintelligible" };
  const { code, message, request_id } = json.error;
  const answer = { code, message, request_id, sku: json.sku, left: json.left };
  if (status < 500 && code !== "order_refused") return { ...answer, kind: "refused", rest: without(change, answer) };
  const { cart_revision, summary_html } = json;
  return { ...answer, kind: "failed", why: code, saved: Number.isInteger(cart_revision), cart_revision, summary_html };
}

/** The members that every update's good answer has. @param {any} json */
export const isUpdate = ({ order_amount, purchase_country, locale, cart_revision, summary_html }) =>
  [purchase_country, locale, summary_html].every((member) => typeof member === "string") &&
  Number.isInteger(order_amount) && Number.isInteger(cart_revision);

/** A path of this site, not another one's address. */
export const isLocal = (path) =>
  typeof path === "string" && path.startsWith("/") && new URL(path, location.href).origin === location.origin;

/**
 * The change less the member that was refused; nothing of it when the answer does not name one. (The server takes all
 * of a change or nothing.)
 * @param {Change} change @param {{code: string, sku?: string}} refused @returns {Change}
 */
function without(change, { code, sku }) {
  const rest = structuredClone(change);
  switch (code) {
    case "bad_discount_code":
      delete rest.discount_code;
      return rest;
    case "unreachable":
      delete rest.region;
      delete rest.postal_code;
      return rest;
    case "unknown_market":
      delete rest.country;
      delete rest.locale;
      return rest;
    case "sold_out":
    case "quantity_limit":
    case "unknown_sku":
      if (!rest.lines || !(sku in rest.lines)) return {};
      delete rest.lines[sku];
      if (Object.keys(rest.lines).length === 0) delete rest.lines;
      return rest;
    default:
      return {};
  }
}
