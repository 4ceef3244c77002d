// The basket of a checkout session on an open page: the merchant's server may change it at any time.

/** Milliseconds between two looks. */
export const every = 5000;

/**
 * @typedef {object} Source
 * @property {number} revision the page was made with
 * @property {() => Promise<number|void>} look the newest revision; nothing where it is not known, or the page is left
 * @property {(revision: number) => Promise<boolean>} note says what the form shows; false: it did not arrive
 */

export class Follow {
  #source;
  #shown; // the revision that the form shows
  #told; // that of the newest answer
  #follow;
  #failed = false; // the last note did not arrive
  #end = new AbortController();

  /** @param {Source|null} source null: there is no session @param {() => void} follow brings page and form up to date @param {number} [pause] */
  constructor(source, follow, pause = every) {
    if (!source) return;
    this.#source = source;
    this.#shown = this.#told = source.revision;
    this.#follow = follow;
    const look = () => document.visibilityState === "visible" && this.#look();
    const timer = setInterval(look, pause);
    document.addEventListener("visibilitychange", look, { signal: this.#end.signal });
    this.#end.signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** An answer has this revision; the form shows it when it has read the order anew. @param {number} [revision] */
  told(revision) {
    if (revision) this.#told = revision;
  }

  /** The form has read the order anew: what it shows may be paid. */
  async shown() {
    if (!this.#source || (this.#told === this.#shown && !this.#failed)) return;
    const revision = this.#told;
    this.#shown = revision;
    this.#failed = !(await this.#source.note(revision));
  }

  /** Looks no more. */
  stop() {
    this.#end.abort();
  }

  async #look() {
    if (this.#failed) this.shown();
    const revision = await this.#source.look();
    if (revision > this.#shown && !this.#end.signal.aborted) this.#follow();
  }
}
