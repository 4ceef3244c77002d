// Puts a checkout session, or reads it; `make clients` checks it against the types of schema.d.ts.
// @ts-check
/** @typedef {import("./schema.d.ts").components["schemas"]} Schemas */

const [url, key, reference, step] = /** @type {any} */ (globalThis).process.argv.slice(2);

/** @type {Schemas["SessionRequest"]} */
const basket = {
  country: "SE",
  mode: "hosted",
  order_lines: [{ reference: "TENT-2P", name: "Tent", quantity: 1, unit_price: 249900, tax_rate: 2500, type: "physical" }],
  delivery_options: [{ id: "parcel", name: "Home", price: 7900, tax_rate: 2500 }],
  success_url: "https://www.example.com/thanks",
};

/** @param {string} method @param {Schemas["SessionRequest"]} [body] @returns {Promise<Schemas["Session"]>} */
async function call(method, body) {
  const answer = await fetch(`${url}/v1/checkout_sessions/${reference}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (answer.ok) return answer.json();
  /** @type {Schemas["Problem"]} */
  const problem = await answer.json();
  throw new Error(`${problem.status} ${problem.code}: ${problem.detail}`);
}

console.log(step === "put" ? (await call("PUT", basket)).url : (await call("GET")).status);
