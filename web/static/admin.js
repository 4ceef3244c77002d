// What scripts add to the back office's actions: the sum of a form while it is
// filled in, one submit per question, and the focus on what happened. All of it
// works without.

const amounts = new Intl.NumberFormat("en", { minimumFractionDigits: 2, useGrouping: true });

/** An amount as the pages write it: 110300n → "1 103.00". @param {bigint} minor */
function write(minor) {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(3, "0");
  const whole = amounts.formatToParts(BigInt(digits.slice(0, -2)))
    .map(({ type, value }) => (type === "group" ? "\u00a0" : type === "integer" ? value : "")).join("");
  return `${minor < 0n ? "−" : ""}${whole}.${digits.slice(-2)}`;
}

/** An amount as staff type it, in minor units; null when it is none. @param {string} text */
function read(text) {
  const [, whole, part = ""] = /^(\d{1,12})(?:[.,](\d{1,2}))?$/.exec(text.replace(/\s/g, "")) ?? [];
  return whole === undefined ? null : BigInt(whole + part.padEnd(2, "0"));
}

/** part ÷ of of an amount, rounded half away from zero, as the server does. */
function share(amount, part, of) {
  if (of === 0n) return 0n;
  const product = (amount < 0n ? -amount : amount) * part;
  const result = (2n * product + of) / (2n * of);
  return amount < 0n ? -result : result;
}

/** What a quantity of a line comes to; null when the quantity is none. */
function lineAmount({ dataset }, quantity) {
  const [of, unit, total] = [dataset.of, dataset.unit, dataset.lineTotal].map(BigInt);
  return quantity <= of ? share(total, quantity, of) : total + unit * (quantity - of);
}

/** What a percentage takes off goods, on top of what it took off those before: as the server rounds. */
function discount({ percent, before, back }, taken) {
  const off = (goods) => share(goods, BigInt(percent), 10000n);
  const were = BigInt(before);
  return back === undefined ? off(were + taken) - off(were) : off(were) - off(were - taken);
}

/** The sum of the form's lines, in minor units; null when a quantity is none. */
function sumOfLines(form) {
  const lines = [...form.querySelectorAll("[data-line]")];
  const goods = [];
  const following = [];
  let sum = 0n;
  let all = true;
  for (const line of lines) {
    const typed = line.querySelector("[data-quantity]")?.value.trim() || "0";
    if (!/^\d{1,6}$/.test(typed)) return null;
    const quantity = BigInt(typed);
    if ("follows" in line.dataset) {
      if (quantity > 0n || !line.querySelector("[data-quantity]")) following.push(line);
      continue;
    }
    const amount = lineAmount(line, quantity);
    all &&= quantity === BigInt(line.dataset.of);
    const { rate, lineTotal } = line.dataset;
    if ("goods" in line.dataset) goods.push({ rate: "voucher" in line.dataset ? null : rate, amount, of: BigInt(lineTotal) });
    sum += amount;
  }
  for (const { dataset } of following) {
    const own = goods.filter(({ rate }) => rate === dataset.rate);
    const [taken, of] = (own.length > 0 ? own : goods).reduce(([a, b], g) => [a + g.amount, b + g.of], [0n, 0n]);
    if (all) sum += BigInt(dataset.lineTotal);
    else if ("percent" in dataset) sum -= discount(dataset, taken);
    else sum += share(BigInt(dataset.lineTotal), taken < of ? taken : of, of);
  }
  return sum;
}

/** What the form comes to, in minor units; null when it cannot be said. */
function sumOf(form, { all, minus }) {
  const what = form.querySelector("[name=what]:checked")?.value ?? "lines";
  let sum = what === "all" ? BigInt(all) : what === "amount" ? read(form.elements.amount.value) : sumOfLines(form);
  const fee = minus && what !== "amount" ? form.elements[minus]?.value.trim() : "";
  if (fee && sum !== null) sum = read(fee) === null ? null : sum - read(fee);
  return sum;
}

function follow(form) {
  const line = form.querySelector("[data-sum]");
  if (!line) return;
  const show = () => {
    const sum = sumOf(form, line.dataset);
    line.querySelector("[data-sum-text]").textContent = sum === null ? "…" : write(sum);
  };
  const choose = (what) => {
    const button = form.querySelector(`[name=what][value=${what}]`);
    if (button) button.checked = true;
  };
  form.addEventListener("input", ({ target }) => {
    // Who types a quantity means quantities.
    if (target.matches("[data-quantity]")) choose("lines");
    if (target.name === "amount" && target.value.trim()) choose("amount");
    if (form.querySelector("[name=what][value=amount]:checked")) {
      for (const field of form.querySelectorAll("[data-quantity]")) field.value = "0";
    }
    if (target.value === "all" && target.name === "what") {
      for (const field of form.querySelectorAll("[data-quantity]")) field.value = field.closest("[data-line]").dataset.of;
    }
    show();
  });
  show();
}

for (const form of document.querySelectorAll("[data-action-form]")) follow(form);

// A question is answered once, by the button that says data-busy. The server takes care of it too: by the form's key.
for (const form of document.querySelectorAll("[data-once]")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) {
      event.preventDefault();
      return;
    }
    const button = event.submitter ?? form.querySelector("[data-busy]");
    if (!button?.dataset.busy) return;
    sent = true;
    button.dataset.label = button.textContent;
    button.textContent = button.dataset.busy;
    button.setAttribute("aria-disabled", "true");
  });
  // Back in the history shows the page as it was left: it may be asked again.
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    sent = false;
    for (const button of form.querySelectorAll("[data-label]")) {
      button.textContent = button.dataset.label;
      button.removeAttribute("aria-disabled");
    }
  });
}

// What happened is read first.
document.querySelector("[data-result]")?.focus();
