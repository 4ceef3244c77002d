// Where the goods go, as far as tax and delivery follow it: the order is told of a region, and of a postal code that counts.
import { within } from "./address.js";

/** @typedef {{region?: string, postal_code?: string}} Place */

export class TaxPlace {
  #order; // what it knows
  #regional;
  #untaxed;
  #asked;
  #change;

  /**
   * @param {Place & {regional?: boolean, asks_place?: boolean, untaxed?: string[], no_vat?: boolean}} order what the page
   *   was made with @param {(change: Place) => void} change changes the order
   */
  constructor({ regional, region, postal_code, asks_place, untaxed = [], no_vat = false }, change) {
    this.#order = { region, postal_code, no_vat };
    this.#regional = regional;
    this.#asked = asks_place;
    this.#untaxed = untaxed;
    this.#change = change;
  }

  /** @param {Place} to where the goods go now, as far as it is typed whole */
  moved({ region, postal_code }) {
    const order = this.#order;
    if (this.#regional && region && region !== order.region) {
      this.#change({ region });
      order.region = region;
    }
    if (!postal_code) return;
    const free = within(this.#untaxed, postal_code);
    if (this.#asked ? postal_code !== order.postal_code : free !== order.no_vat) this.#change({ postal_code });
    Object.assign(order, { postal_code, no_vat: free });
  }

  /** The shop has not taken over where the goods go: it is told anew. */
  refused() {
    this.#order = {};
  }
}
