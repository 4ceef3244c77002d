// What this tab remembers of a purchase: the address as it is typed, and what Klarna approved. It stays in the browser,
// in the tab alone, and goes with it: the shop has no use for an address before it is ordered, and what it does not
// have it need not guard.

/** @typedef {{billing_address: object, shipping_address: object, customer: object}} Details */

/**
 * @typedef {object} Approval
 * @property {string} category
 * @property {string} of what was approved, as a text that is another one when anything is
 * @property {Details} details who orders and where the goods go, as it was approved
 * @property {string} token "" while it has to be finalized, or asked for anew
 * @property {boolean} finalize it has to be finalized
 * @property {number} at when, in milliseconds since 1970
 */

/**
 * @typedef {object} Purchase
 * @property {Record<string, string>} address as typed, and what else the fields have
 * @property {boolean|null} elsewhere the goods go to another address than the bill; null: as the page says
 * @property {string} form which session all but the address belongs to
 * @property {string} category chosen
 * @property {string[]} declined categories
 * @property {string[]} invalid members of an address that Klarna refused
 * @property {Approval|null} approval
 * @property {boolean} renewed the session was, and the shopper is yet to be told
 */

/** How long an approval can be used, in milliseconds: Klarna's 60 minutes less one for the way. */
const approvalLife = 59 * 60_000;

/**
 * Which call gets an approval of what the page shows now: the widget is on the page, or it is the review page, where the
 * payment is finalized or approved anew.
 * @param {"one-step"|"details"|"review"} page @param {Approval|null} approval @param {string} of what is shown
 * @param {number} now in milliseconds since 1970
 * @returns {"authorize"|"reauthorize"|"finalize"|""} "" none: what was approved is just that
 */
export function callFor(page, approval, of, now) {
  const same = approval?.of === of && now - approval.at < approvalLife;
  if (same && (approval.token || (approval.finalize && page === "details"))) return "";
  if (page !== "review") return "authorize";
  return approval?.finalize ? "finalize" : "reauthorize";
}

export class Kept {
  #key;
  /** @type {Purchase} */ #purchase = { address: {}, elsewhere: null, form: "", category: "", declined: [], invalid: [], approval: null, renewed: false };

  /** @param {string} cart the cart's hash @param {string} form names the session that the page shows */
  constructor(cart, form) {
    this.#key = `shopd-purchase-${cart}`;
    try {
      Object.assign(this.#purchase, JSON.parse(sessionStorage.getItem(this.#key)));
    } catch {
      // what cannot be read was not kept
    }
    this.renew(form);
  }

  get now() {
    return this.#purchase;
  }

  /** @param {Partial<Purchase>} what */
  keep(what) {
    Object.assign(this.#purchase, what);
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(this.#purchase));
    } catch {
      // a full or forbidden storage: it lasts as long as the page
    }
  }

  /** Another session knows nothing of what was approved in the one before. @param {string} form */
  renew(form) {
    if (form !== this.#purchase.form) this.keep({ form, declined: [], invalid: [], approval: null });
  }

  /** It is bought. */
  forget() {
    try {
      sessionStorage.removeItem(this.#key);
    } catch {
      // see above
    }
  }
}
