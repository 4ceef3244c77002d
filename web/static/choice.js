// The choice of a variant. Without scripts it is a list of all of them; here each option, such as size and colour, is
// chosen by itself, and the page shows the price, the stock and the item number of what is chosen.
import { make } from "./page.js";

/** Makes the choice of a product page work. @param {HTMLFormElement} form with a fieldset data-choice */
export function startChoice(form) {
  const list = form.querySelector("[data-choice]");
  const variants = [...list.querySelectorAll("[name=sku]")].map((radio) => {
    const label = radio.closest("label");
    return { radio, label, values: [...label.querySelectorAll("[data-value]")], sold: radio.disabled };
  });
  const options = [...list.querySelectorAll("[data-option]")];
  if (options.length > 1) each(list, variants, options);
  list.addEventListener("change", () => showChosen(form, variants));
  showChosen(form, variants);
}

/** One fieldset for each option, in place of the list. What is not there with what was chosen before cannot be chosen. */
function each(list, variants, options) {
  const wanted = (variants.find(({ radio }) => radio.checked)?.values ?? []).map((value) => value.textContent);
  const sets = options.map((option, k) => {
    const items = new Map();
    for (const { values } of variants) {
      const value = values[k];
      const name = value.textContent;
      if (items.has(name)) continue;
      const radio = make("input", { type: "radio", name: `option-${k}`, value: name, required: true, checked: wanted[k] === name });
      const none = make("span", { className: "visually-hidden" }, list.dataset.soldOut);
      const what = value.cloneNode(true);
      what.className = "what";
      items.set(name, { radio, none, item: make("li", {}, make("label", {}, radio, what, none)) });
    }
    const ul = make("ul", {}, ...[...items.values()].map(({ item }) => item));
    const element = make("fieldset", { className: "choice each" }, make("legend", {}, option.textContent), ul);
    return { element, items };
  });

  const follow = () => {
    let left = variants.filter(({ sold }) => !sold);
    sets.forEach(({ items }, k) => {
      for (const [name, { radio, none }] of items) {
        radio.disabled = !left.some(({ values }) => values[k].textContent === name);
        none.hidden = !radio.disabled;
        if (radio.disabled) radio.checked = false;
      }
      const chosen = [...items].find(([, { radio }]) => radio.checked)?.[0];
      if (chosen) left = left.filter(({ values }) => values[k].textContent === chosen);
    });
    const all = sets.every(({ items }) => [...items.values()].some(({ radio }) => radio.checked));
    for (const { radio } of variants) radio.checked = all && radio === left[0]?.radio;
    list.dispatchEvent(new Event("change"));
  };

  for (const { radio } of variants) radio.required = false;
  for (const { element } of sets) element.addEventListener("change", follow);
  list.hidden = true;
  list.after(...sets.map(({ element }) => element));
  follow();
}

/** Shows what is particular to the chosen variant, or nothing of any. */
function showChosen(form, variants) {
  const { radio, label } = variants.find((variant) => variant.radio.checked) ?? {};
  const head = document.querySelector(".pr[data-price]");
  const badges = [...(label?.querySelectorAll(".badge") ?? [])].map((badge) => badge.cloneNode(true));
  head.textContent = (radio ?? head).dataset.price;
  document.querySelector("[data-stock]").replaceChildren(...badges);
  fact("tr[data-item] code", radio?.value ?? "");
  fact("tr[data-weight] td", radio?.dataset.weight ?? "");
  if (!radio) return;
  const line = form.querySelector("[data-max]:not(input)");
  const field = line.querySelector("[name=quantity]");
  line.dataset.max = radio.dataset.max;
  if (Number(field.value) > Number(line.dataset.max)) field.value = line.dataset.max;
}

function fact(selector, value) {
  const cell = document.querySelector(selector);
  cell.textContent = value;
  cell.closest("tr").hidden = value === "";
}
