// Where the goods go, as far as tax follows it: the order is told of a region, and of a postal code that counts.
import { within } from "./address.js";

export class TaxPlace {
  #order; // what it knows
  #regional;
  #untaxed;
  #asked;
  #change;

  /**
   * @param {{regional?: boolean, region?: string, postal_code?: string, asks_place?: boolean, untaxed?: string[], no_vat?: boolean}} order what
   *   the page was made with @param {(change: object) => void} change changes the order
   */
  constructor({ regional, region, postal_code, asks_place, untaxed = [], no_vat = false }, change) {
    this.#order = { region, postal_code, no_vat };
    this.#regional = regional;
    this.#asked = asks_place;
    this.#untaxed = untaxed;
    this.#change = change;
  }

  /** @param {{region?: string, postal_code?: string}} to where the goods go now */
  moved({ region, postal_code }) {
    const order = this.#order;
    if (this.#regional && region && region !== order.region) {
      this.#change({ region });
      order.region = region;
    }
    if (postal_code && this.#asked && postal_code !== order.postal_code) {
      this.#change({ postal_code });
      order.postal_code = postal_code;
    }
    if (!postal_code?.replace(/[\s-]/g, "") || this.#untaxed.length === 0) return;
    const free = within(this.#untaxed, postal_code);
    if (free !== order.no_vat) this.#change({ postal_code });
    order.no_vat = free;
  }
}
