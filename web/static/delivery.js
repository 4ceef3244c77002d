// The ways of delivery that the form of Klarna Payments has, and the one that is chosen.

export class Delivery {
  #form;
  #chosen;

  /** @param {HTMLFormElement} form @param {() => void} chosen told when another one may be chosen than before */
  constructor(form, chosen) {
    this.#form = form;
    this.#chosen = chosen;
  }

  get #radios() {
    return [...this.#form.querySelectorAll("input[name=delivery]")];
  }

  /** The form says whether no place is out of reach by the one that is chosen. */
  look() {
    const chosen = this.#radios.find(({ checked }) => checked);
    this.#form.toggleAttribute("data-anywhere", "anywhere" in (chosen?.dataset ?? {}));
    this.#chosen();
  }

  /** Shows them as the server says. @param {string} [html] @param {string} [chosen] what it does not know yet */
  show(html, chosen) {
    const box = this.#form.querySelector("[data-delivery]");
    if (!box || html === undefined) return;
    const focused = this.#radios.find((radio) => radio === document.activeElement)?.value;
    box.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    for (const radio of this.#radios) {
      if (radio.value === chosen) radio.checked = true;
      if (radio.value === focused) radio.focus();
    }
    this.look();
  }
}
