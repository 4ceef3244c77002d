// The queue of changes of an open page: what is sent when, and when the payment iframe is held. No DOM, no network:
// both are behind the port, so that it can be tested by itself.

/**
 * What the shopper changed; every member is optional and absolute, so that a later one simply wins. {} = sync only.
 * @typedef {object} Change
 * @property {Record<string, number>} [lines] quantity by SKU, 0 removes
 * @property {string} [country]
 * @property {string} [locale]
 * @property {string} [discount_code] "" removes
 * @property {string} [region] of the typed address, where tax depends on it
 * @property {string} [postal_code] the same, or where delivery does
 * @property {string} [shipping_option] ID of a way of delivery
 * @property {"person"|"organization"} [customer_type]
 * @property {boolean} [declined] the form has said that nothing pays the order
 */

/**
 * What became of one request. "ok": done. "replaced": done, and a new iframe takes the old one's place. "navigate": the
 * page is left. "refused": nothing changed because of one member; rest is the change without it. "failed": no usable
 * answer; saved says that the change was taken all the same.
 * @typedef {object} Answer
 * @property {"ok"|"replaced"|"navigate"|"refused"|"failed"} kind
 * @property {Change} [rest] refused only
 * @property {boolean} [saved] failed only
 * @property {boolean} [refresh] ok to a quiet change: the iframe shows something else and has to read again
 * @property {string} [why] failed only: "timeout", or the port's own words
 */

/**
 * @typedef {object} Port
 * @property {() => void} suspend holds the iframe
 * @property {() => void} resume lets it go; it then reads the order again
 * @property {(change: Change, signal: AbortSignal) => Promise<Answer>} send
 * @property {(answer: Answer, sent: {change: Change, quiet: boolean, more: boolean}) => void} answered shows the answer;
 *   more: another request follows at once. Called before the iframe is let go
 * @property {() => void} skipped nothing had to be sent after all
 */

/** Durations in milliseconds. */
export const limits = {
  collect: 120, // from the first change that waits until it is sent
  timeout: 13_000, // for one request
  resumeAfter: 12_000, // an answer after so long lets the iframe go even if more waits
  neverLonger: 14_000, // and so long it is never held, whatever happens
};

/** @param {Change} older @param {Change} newer @returns {Change} */
export function merge(older, newer) {
  const merged = { ...older, ...newer };
  if (older.lines || newer.lines) merged.lines = { ...older.lines, ...newer.lines };
  return merged;
}

/** Whether it changes nothing of the cart. @param {Change} change */
export const isEmpty = (change) => Object.keys(change).every((member) => member === "declined");

export class Queue {
  /** @type {Change|null} */ #waiting = null;
  /** @type {Change|null} */ #sending = null;
  /** @type {Change} */ #unsent = {}; // had no answer; goes with the next request
  /** @type {Change|null} */ #once = null; // under way, and not said again if it has no answer
  /** @type {Change|null} */ #forgotten = null; // under way, and of a page that was away
  /** @type {(() => boolean)[]} */ #reasons = [];
  #quiet = true; // all that waits is quiet
  #since = 0; // when the first of it came
  #timer = 0;
  #guard = 0;
  #heldAt = -1;
  #leaving = false;
  #ended = false;
  #replaced = false;
  #running = new Set(); // what changes the order elsewhere
  #port;
  #limits;

  /** @param {Port} port @param {Partial<typeof limits>} [shorter] */
  constructor(port, shorter) {
    this.#port = port;
    this.#limits = { ...limits, ...shorter };
  }

  /** @returns {"idle"|"updating"|"replaced"} */
  get state() {
    if (this.#replaced) return "replaced";
    return this.#sending || this.#waiting || this.#running.size > 0 ? "updating" : "idle";
  }

  /** Whether the shopper is on the way to the confirmation page. */
  get left() {
    return this.#leaving;
  }

  /** All that the shopper changed and no answer has confirmed. */
  get pending() {
    const sending = this.#sending === this.#forgotten ? null : this.#sending;
    return merge(merge(this.#unsent, sending ?? {}), this.#waiting ?? {});
  }

  /**
   * Takes a change: holds the iframe at once and sends with what else comes meanwhile.
   * @param {Change} [change] nothing: sync only
   * @param {{quiet?: boolean, needed?: () => boolean}} [o] quiet: does not hold the iframe. needed: asked before an
   *   empty change is sent; all that wait say no = it is not sent
   */
  change(change = {}, { quiet = false, needed = () => true } = {}) {
    if (this.#ended) return;
    if (!this.#waiting) this.#since = performance.now();
    this.#waiting = merge(this.#waiting ?? {}, change);
    this.#quiet &&= quiet;
    this.#reasons.push(needed);
    if (!quiet) this.#hold();
    this.#plan();
  }

  /**
   * Holds the iframe while something runs that changes the order elsewhere, and syncs when all that runs has ended. What
   * takes longer than the iframe is ever held is synced when it has ended.
   * @template T @param {() => T|Promise<T>} run is called once @returns {Promise<T>}
   */
  during(run) {
    this.#hold();
    const running = new Promise((done) => done(run()));
    const ended = () => {
      this.#running.delete(running);
      this.change();
    };
    this.#running.add(running);
    running.then(ended, ended);
    return running;
  }

  /** Nothing is held or sent any more: the form has left the page. */
  end() {
    this.leave();
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#waiting = null;
    this.#running.clear();
  }

  /**
   * Sends what waits without collecting any longer, because the page is being left. It does not wait for an answer
   * either, and says once more what has none yet: members are absolute, and the one may arrive where the other is lost.
   */
  hurry() {
    if (!this.#waiting || (!this.#timer && isEmpty(this.#waiting))) return; // what waits is for this page alone
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#sending) {
      this.#ask(merge(this.#sending, this.#waiting));
      this.#waiting = null;
    } else {
      this.#flush();
    }
  }

  /** Says nothing again that has no answer: a change of another tab's was answered after it. What waits is newer. */
  giveWay() {
    this.#unsent = {};
    this.#once = this.#sending;
  }

  /** Drops what no answer has confirmed: the page was away, the cart may be another by now. */
  forget() {
    this.giveWay();
    this.#leaving = false;
    this.#waiting = null;
    this.#forgotten = this.#sending;
  }

  /** The shopper is on the way to the confirmation page: the iframe is not held any more. */
  leave() {
    this.#leaving = true;
    this.#release();
  }

  #hold() {
    if (this.#heldAt >= 0 || this.#leaving) return;
    this.#heldAt = performance.now();
    this.#guard = setTimeout(() => {
      this.#release();
      this.#running.clear(); // nothing waits for it any longer
      this.#plan();
    }, this.#limits.neverLonger);
    this.#port.suspend();
  }

  #release() {
    if (this.#heldAt < 0) return;
    this.#forgetHold();
    this.#port.resume();
  }

  #forgetHold() {
    this.#heldAt = -1;
    clearTimeout(this.#guard);
  }

  /** Makes the iframe read the order again. */
  #refresh() {
    if (this.#leaving) return;
    this.#hold();
    this.#release();
  }

  #plan() {
    if (this.#sending || this.#timer || !this.#waiting || this.#running.size > 0) return;
    const wait = this.#since + this.#limits.collect - performance.now();
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#flush();
    }, Math.max(0, wait));
  }

  async #flush() {
    const change = merge(this.#unsent, this.#waiting ?? {});
    const quiet = this.#quiet && isEmpty(change); // with what had no answer it is a change
    const needed = this.#reasons.some((reason) => reason());
    this.#waiting = null;
    this.#quiet = true;
    this.#reasons = [];
    if (isEmpty(change) && !needed) {
      if (this.#running.size === 0) this.#release();
      this.#port.skipped();
      return;
    }
    this.#unsent = {};
    this.#sending = change;
    const answer = await this.#ask(change);
    this.#sending = null;
    this.#settle(answer, change, quiet);
  }

  /** Always answers within the limit, also when the request neither ends nor can be ended. @returns {Promise<Answer>} */
  #ask(change) {
    const abort = new AbortController();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve({ kind: "failed", why: "timeout" });
        abort.abort();
      }, this.#limits.timeout);
      new Promise((sent) => sent(this.#port.send(change, abort.signal)))
        .catch((error) => ({ kind: "failed", why: String(error) }))
        .then((answer) => {
          clearTimeout(timer);
          resolve(answer);
        });
    });
  }

  /** @param {Answer} answer @param {Change} change @param {boolean} quiet */
  #settle(answer, change, quiet) {
    if (answer.kind === "failed" && !answer.saved && change !== this.#once) this.#unsent = change;
    if (answer.kind === "refused" && !isEmpty(answer.rest) && change !== this.#forgotten) {
      if (!this.#waiting) this.#since = performance.now();
      this.#waiting = merge(answer.rest, this.#waiting ?? {});
      this.#quiet = false;
      this.#reasons.push(() => true);
    }
    const more = this.#waiting !== null;
    this.#replaced = answer.kind === "replaced";
    if (this.#replaced) this.#forgetHold(); // there is no iframe any more that could be let go
    try {
      this.#port.answered(answer, { change, quiet, more });
    } catch (error) {
      answer = { kind: "failed", saved: true, why: String(error) };
      this.#unsent = change; // what is on the screen now is uncertain, so it is said once more
      this.#port.answered(answer, { change, quiet, more });
    } finally {
      this.#replaced = false;
      this.#letGo(answer, quiet);
      this.#plan();
    }
  }

  /** @param {Answer} answer @param {boolean} quiet */
  #letGo(answer, quiet) {
    const more = this.#waiting !== null || this.#running.size > 0;
    const held = this.#heldAt >= 0;
    switch (answer.kind) {
      case "failed":
        this.#release();
        if (more) this.#hold();
        break;
      case "replaced":
        if ((more && !this.#quiet) || this.#running.size > 0) this.#hold();
        break;
      case "navigate": // the guard lets go if the page stays after all
        break;
      default:
        if (held && (!more || performance.now() - this.#heldAt >= this.#limits.resumeAfter)) this.#release();
        else if (!held && !more && answer.kind === "ok" && (!quiet || answer.refresh)) this.#refresh();
    }
  }
}
