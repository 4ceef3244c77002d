// The order call: what the shop is asked when the shopper has approved, and what its answer means.
import { ask } from "./ask.js";
import { isLocal, isUpdate } from "./update.js";

/** How long an answer may take, in milliseconds. */
const patience = 13_000;

/**
 * What became of it. "placed": Klarna wants to see the browser next. "navigate": bought before, or nothing to buy.
 * "changed": the order is another one than was approved, that of order; says is which of it is sold out, "" when all is there. "expired": to be approved once more.
 * "invalid": the address has faults. "unreached": nothing goes there. "declined": Klarna did. "refused": the merchant's own server did, and says why. "unknown": it may come yet; name is that of a text.
 * @typedef {{kind: "placed"|"navigate", to: string} | {kind: "invalid", fields: string[]} | {kind: "expired"|"declined"|"unreached"} |
 *   {kind: "refused", message: string} |
 *   {kind: "unknown", name: string} | {kind: "changed", says: string, order: import("./update.js").UpdateAnswer}} Placed
 */

/**
 * Places the order; may be repeated with the same approval, which places it once.
 * @param {string} url @param {object} approved @param {(json: any) => boolean} whole an answer with another order
 *   has all that the page's form needs
 * @param {number} [limit] milliseconds
 * @returns {Promise<Placed>} never rejects
 */
export async function place(url, approved, whole, limit = patience) {
  const late = new Promise((resolve) => setTimeout(resolve, limit, null));
  const answer = await Promise.race([ask(url, approved, AbortSignal.timeout(limit)), late]);
  const { status, json } = answer ?? { status: 0, json: {} };
  if (status === 200 && isWeb(json.redirect)) return { kind: "placed", to: json.redirect };
  if (status === 409 && isLocal(json.redirect)) return { kind: "navigate", to: json.redirect };
  if (status === 429 || json.error?.code === "crowded") return { kind: "unknown", name: "too_many_order" };
  switch (json.error?.code) {
    case "cart_changed":
    case "sold_out":
      if (!isUpdate(json) || !whole(json)) return { kind: "expired" };
      return { kind: "changed", says: json.error.code === "sold_out" ? json.error.message : "", order: { ...json, kind: json.replaced ? "replaced" : "ok" } };
    case "authorization_gone":
      return { kind: "expired" };
    case "declined":
      return { kind: "declined" };
    case "refused_by_shop":
      return { kind: "refused", message: json.error.message };
    case "bad_address":
      return { kind: "invalid", fields: json.invalid_fields ?? [] };
    case "unreachable":
      return { kind: "unreached" };
    case "purchase_running":
      return { kind: "unknown", name: "another" };
    default:
      return { kind: "unknown", name: "unknown" };
  }
}

/** An address that a browser may be sent to. */
const isWeb = (address) => typeof address === "string" && /^https?:$/.test(URL.parse(address, location.href)?.protocol ?? "");
