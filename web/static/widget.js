// Klarna's widget: the library on the page, what it is asked and what it answers. Only this module talks to
// window.Klarna.Payments. Source: docs.klarna.com, Klarna Payments SDK reference.
import { make } from "./page.js";

/**
 * What the library says to a call.
 * @typedef {object} Result
 * @property {boolean} [approved]
 * @property {boolean} [show_form] this way to pay can still be offered
 * @property {string} [authorization_token]
 * @property {boolean} [finalize_required]
 * @property {{invalid_fields?: string[]}} [error]
 * @property {boolean} [broken] the call could not be made, or had no answer: nothing is known of the shopper's will
 */

/** Durations in milliseconds. */
export const patience = {
  library: 15_000, // until the library must be there
  load: 15_000, // until a widget must be
};

export class Widget {
  #patience;
  #token = "";
  #library = null;
  #ready = false;

  /** @param {string} url of the library @param {string} token the session's client_token @param {Partial<typeof patience>} [shorter] */
  constructor(url, token, shorter) {
    this.url = url;
    this.#patience = { ...patience, ...shorter };
    this.renew(token);
  }

  /** Another session takes the place of the one before. @param {string} token its client_token */
  renew(token) {
    this.#token = token;
    this.#ready = false;
  }

  /**
   * Shows one way to pay, with what the session says or with newer data.
   * @param {HTMLElement} container @param {string} category @param {object} data
   * @returns {Promise<Result>} never rejects
   */
  async load(container, category, data) {
    try {
      await (this.#library ??= library(this.url, this.#patience.library));
      if (!this.#ready) window.Klarna.Payments.init({ client_token: this.#token });
      this.#ready = true;
    } catch (error) {
      this.#library = null; // the next call tries again
      reportError(error);
      return { broken: true };
    }
    const late = new Promise((resolve) => setTimeout(resolve, this.#patience.load, { broken: true }));
    return Promise.race([this.#call("load", { container, payment_method_category: category }, data), late]);
  }

  /**
   * Has the shopper approve. To be called directly where a click is handled: after a wait, browsers take Klarna's window
   * for an advertisement.
   * @param {string} category one that is loaded @param {object} data what the page shows @param {boolean} finalize false:
   *   the payment is only prepared, finalize makes it
   * @returns {Promise<Result>} never rejects
   */
  authorize(category, data, finalize) {
    const options = { payment_method_category: category };
    return this.#call("authorize", finalize ? options : { ...options, auto_finalize: false }, data);
  }

  /** The same once more, without a widget on the page. @param {string} category @param {object} data @returns {Promise<Result>} */
  reauthorize(category, data) {
    return this.#call("reauthorize", { payment_method_category: category }, data);
  }

  /** Makes the payment that authorize has prepared. @param {string} category @param {object} data @returns {Promise<Result>} */
  finalize(category, data) {
    return this.#call("finalize", { payment_method_category: category }, data);
  }

  /** What it throws is told to the callback before, as a refusal: it is none. */
  #call(name, options, data) {
    if (!this.#ready) return Promise.resolve({ broken: true });
    return new Promise((resolve) => {
      let early = null;
      let called = false;
      const answer = (result) => (called ? resolve(result ?? { broken: true }) : (early = result));
      try {
        window.Klarna.Payments[name](options, data, answer);
        called = true;
        if (early) resolve(early);
      } catch (error) {
        reportError(error);
        resolve({ broken: true });
      }
    });
  }
}

/** Puts the library in the page; resolves when it can be called. @param {string} src @param {number} limit */
function library(src, limit) {
  return new Promise((resolve, reject) => {
    if (window.Klarna?.Payments) return resolve();
    const script = make("script", { src, async: true, nonce: document.querySelector("script[nonce]")?.nonce ?? "" });
    const fail = () => {
      script.remove();
      reject(new Error("Klarna's library is not there"));
    };
    const timer = setTimeout(fail, limit);
    window.klarnaAsyncCallback = () => {
      clearTimeout(timer);
      resolve();
    };
    script.addEventListener("error", fail);
    document.body.append(script);
  });
}
