// The basket of a checkout session on an open page: the merchant's server may change it at any time.

/** Milliseconds between two looks. */
export const every = 5000;

/**
 * @typedef {object} Source
 * @property {number} revision the page was made with
 * @property {() => Promise<number|(() => void)|void>} look the newest revision; what leaves the page, where it has nothing
 *   to follow any more; nothing where neither is known
 * @property {(revision: number) => Promise<boolean>} note says what the form shows; false: it did not arrive
 */

/**
 * @typedef {object} Page
 * @property {() => void} follow brings page and form up to date
 * @property {() => boolean} left it is on its way elsewhere, and a look must not break that off
 */

export class Follow {
  #source;
  #shown; // the revision that the form shows
  #told; // that of the newest answer
  /** @type {Page} */ #page;
  #over = false; // it was told to leave: to be told again would begin the way anew
  #failed = false; // the last note did not arrive
  #end = new AbortController();

  /** @param {Source|null} source null: there is no session @param {Page} page @param {number} [pause] milliseconds between two looks */
  constructor(source, page, pause = every) {
    if (!source) return;
    this.#source = source;
    this.#shown = this.#told = source.revision;
    this.#page = page;
    const look = () => document.visibilityState === "visible" && !this.#over && this.#look();
    const timer = setInterval(look, pause);
    const { signal } = this.#end;
    document.addEventListener("visibilitychange", look, { signal });
    addEventListener("pageshow", ({ persisted }) => persisted && (this.#over = false), { signal }); // the shopper came back
    signal.addEventListener("abort", () => clearInterval(timer));
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
    const found = await this.#source.look();
    if (this.#end.signal.aborted || this.#over || this.#page.left()) return;
    this.#over = typeof found === "function";
    if (this.#over) found();
    else if (found > this.#shown) this.#page.follow();
  }
}
