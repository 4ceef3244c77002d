// Klarna's iframe: what the shop tells it and what it tells the shop. Only this module talks to window._klarnaCheckout.

/**
 * What the iframe reports.
 * @typedef {object} Reports
 * @property {() => void} moved the shopper gave another address or delivery method
 * @property {(total: number) => void} total it shows another total (minor units)
 * @property {() => void} leaving it goes to the confirmation page
 * @property {() => void} noMethod nothing that it offers can pay this order
 * @property {() => void} [loaded] it can be used
 */

export class Iframe {
  #container;
  #reports;
  #nonce;
  #own; // listeners of this script, of the form that is in the page
  /** @type {Map<string, Set<Function>>} */ #others = new Map(); // listeners to Klarna's own events

  /** @param {HTMLElement} container holds the snippet @param {Reports} reports @param {string} [nonce] of the page's policy */
  constructor(container, reports, nonce = document.querySelector("script[nonce]")?.nonce ?? "") {
    this.#container = container;
    this.#reports = reports;
    this.#nonce = nonce;
    this.#listen();
  }

  /** The shopper cannot act in it until resume; it does not let go by itself. */
  suspend() {
    call((api) => api.suspend({ autoResume: { enabled: false } }));
  }

  /** The shopper can act again, and it reads the order anew. */
  resume() {
    call((api) => api.resume());
  }

  /**
   * Puts a new order's iframe in the place of the old one's. A script or style that comes by innerHTML does nothing
   * under the page's policy, so each is made anew with the page's nonce.
   * Source: docs.kustom.co, Best practices.
   * @param {string} html the snippet
   */
  replace(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = template.content;
    for (const old of fresh.querySelectorAll("noscript")) old.remove(); // its content would be live here
    for (const old of fresh.querySelectorAll("script, style")) {
      const made = document.createElement(old.localName);
      for (const { name, value } of old.attributes) made.setAttribute(name, value);
      made.nonce = this.#nonce;
      made.textContent = old.textContent;
      old.replaceWith(made);
    }
    dress(fresh);
    // The snippet makes its own queue only where none is, and the one that is leads to the iframe that goes now.
    window._klarnaCheckout = undefined;
    this.#container.replaceChildren(fresh);
    this.#own = undefined;
    this.#listen();
  }

  /**
   * Listens to one of Klarna's own events. Klarna knows one listener for each: it is this script's.
   * @param {string} event @param {(...data: any[]) => void} listener @returns {() => void} ends it
   */
  on(event, listener) {
    const all = this.#others.get(event) ?? new Set();
    this.#others.set(event, all.add(listener));
    this.#listen();
    return () => all.delete(listener);
  }

  /** Takes it out of the page. */
  end() {
    window._klarnaCheckout = undefined;
    this.#container.replaceChildren();
  }

  /**
   * Klarna sends most events also while loading, and again after each resume: only what is new counts.
   * Source: docs.kustom.co, Client side events.
   */
  #listen() {
    const own = (this.#own ??= this.#ours());
    const events = { ...own };
    for (const [event, others] of this.#others) {
      events[event] = (...data) => {
        own[event]?.(...data);
        for (const other of others) attempt(() => other(...data));
      };
    }
    call((api) => api.on(events));
  }

  /** What this script does at Klarna's events. A fresh form begins afresh. */
  #ours() {
    const { moved, total, leaving, noMethod, loaded: ready } = this.#reports;
    /** @type {Record<string, string|undefined>} */ const known = {};
    let loaded = false;
    const place = (address) => `${address?.country ?? ""} ${address?.postal_code ?? ""}`;
    const addressChange = (name) => (address) => {
      const old = known[name];
      known[name] = place(address);
      if (loaded && known[name] !== old) moved();
    };
    return {
      load: (data) => {
        known.billing ??= place(data?.shipping_address);
        known.shipping ??= place(data?.shipping_address);
        loaded = true;
        ready?.();
      },
      billing_address_change: addressChange("billing"),
      shipping_address_change: addressChange("shipping"),
      shipping_option_change: (option) => {
        if (!option?.id || option.id === known.option) return;
        if (known.option) moved(); // the first one is what the order has
        known.option = option.id;
      },
      order_total_change: (data) => Number.isInteger(data?.order_total) && total(data.order_total),
      redirect_initiated: () => leaving(),
      can_not_complete_order: () => noMethod(),
    };
  }
}

/**
 * Sets the style attributes of a snippet: the policy forbids those that stand in HTML, so the server has called them
 * data-style.
 * @param {ParentNode} root
 */
export function dress(root) {
  for (const element of root.querySelectorAll("[data-style]")) {
    element.style.cssText = element.dataset.style;
    delete element.dataset.style;
  }
}

/** Without a snippet in the page there is nobody to call. */
function call(use) {
  if (typeof window._klarnaCheckout === "function") attempt(() => window._klarnaCheckout(use));
}

/** Runs what is not ours: its fault is told, and stops nothing. */
function attempt(run) {
  try {
    run();
  } catch (error) {
    reportError(error);
  }
}
