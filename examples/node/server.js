// A shop with Express that has shopd's checkout in its own page: npm install && npm start
import { randomBytes } from "node:crypto";
import express from "express";
import { Webhook } from "standardwebhooks";

const goods = { TENT: ["Tent for two", 249900], MUG: ["Enamel mug", 14900] }; // kronor × 100, tax included
const {
  SHOPD_URL: shopd = "http://localhost:8080", SHOPD_KEY: key = "sk_demo", PORT: port = 8002,
  KLARNA_ORIGIN: klarna = "http://127.0.0.1:9090", // hosts that Klarna's form uses
  SHOP_URL: self = `http://localhost:${port}`,
  SHOPD_WEBHOOK_SECRET: secret, // whsec_…, that of the endpoint in the shop file; without it no webhook is believed
} = process.env;
// In a real shop these three are tables.
const visitors = new Map(); // by their cookie: {basket, reference, bought}
const orders = new Map(); // by their reference: {state, revision, amount}
const seen = new Set(); // the webhook-id of each webhook that is done
const random = (n = 16) => randomBytes(n).toString("hex");

/** Asks shopd; returns the status and what it answers, and logs why it says no. */
async function ask(method, path, body) {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const signal = AbortSignal.timeout(15_000);
  try {
    const answer = await fetch(`${shopd}/v1/${path}`, { method, headers, signal, body: body && JSON.stringify(body) });
    const json = await answer.json();
    if (!answer.ok) console.error("shopd:", answer.status, JSON.stringify(json));
    return { status: answer.status, json };
  } catch ({ message }) {
    console.error("shopd:", message); // it is away, or broke off
    return { status: 503, json: {} };
  }
}

/** Tells shopd what is in the basket: all of it, each time. */
const tell = (visitor, basket) => ask("PUT", `checkout_sessions/${visitor.reference}`, {
  country: "SE", locale: "en-SE", mode: "embedded",
  order_lines: Object.entries(basket).map(([sku, quantity]) => ({ id: sku, reference: sku, name: goods[sku][0], quantity, unit_price: goods[sku][1], tax_rate: 2500 })),
  delivery_options: [{ id: "parcel", name: "To your door", price: 4900, tax_rate: 2500 }],
  success_url: `${self}/thanks`, checkout_url: `${self}/checkout`, cancel_url: `${self}/`,
});

/**
 * Whether shopd has kept what it was told, though Klarna may hear of it later. Where it has not, or has not answered, the
 * basket here stays as it was: the next change tells all of it again.
 */
const isKept = ({ status, json }) => status < 300 || json.code === "klarna_unavailable";

/** Reads an order at shopd into the shop's own. Older news than what is known changes nothing; false: try again later. */
async function learn(id) {
  const { status, json: order } = await ask("GET", `orders/${encodeURIComponent(id)}`);
  const own = orders.get(order.reference); // none: it is not of this shop
  if (status === 200 && own && order.revision > own.revision) {
    const paid = order.status.includes("captured") || order.shippable ? "paid" : "being checked by Klarna";
    const state = ["cancelled", "expired"].includes(order.status) ? order.status : paid;
    Object.assign(own, { state, revision: order.revision, number: order.number, amount: order.amounts.authorized });
  }
  return status === 200;
}

const kronor = (amount) => (amount / 100).toLocaleString("en", { minimumFractionDigits: 2 }) + " kr";

/** The basket, with buttons that work without JavaScript too. */
const basketOf = ({ basket }) => "<ul>" + Object.entries(goods).map(([sku, [name, price]]) =>
  `<li><form method=post action=/basket><input type=hidden name=sku value=${sku}>${name}, ${kronor(price)}
  <button name=by value=-1 aria-label="Less of ${name}"${basket[sku] ? "" : " disabled"}>−</button> <b>${basket[sku] ?? 0}</b>
  <button name=by value=1 aria-label="More of ${name}">+</button></form></li>`).join("") + "</ul>";

/**
 * Handles one request of a visitor at a time, as PHP does it with its sessions: each begins with the basket that the one
 * before has left, also when the browser waits for that no more.
 */
const inTurn = (handle) => (request, response) => {
  const { visitor } = request;
  return visitor.turn = Promise.allSettled([visitor.turn]).then(() => handle(request, response));
};

function page(response, title, main, script) {
  const nonce = random();
  response.set("Content-Security-Policy", `default-src 'none'; base-uri 'none'; form-action 'self'; script-src 'nonce-${nonce}' 'strict-dynamic'; ` +
    `style-src 'nonce-${nonce}'; connect-src 'self' ${shopd}; frame-src ${klarna}; img-src 'self' ${klarna}`);
  response.send(`<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width"><title>${title}</title>
    <style nonce=${nonce}>body { font: 1rem system-ui; max-width: 60rem; margin: auto; padding: 1rem } ul { padding: 0; list-style: none } button { min-width: 2.75rem; min-height: 2.75rem }</style>
    <main><h1>${title}</h1>${main}</main>${script ? `<script type=module nonce=${nonce}>const nonce = "${nonce}"; ${script}</script>` : ""}`);
}

const app = express();
app.post("/webhook", express.raw({ type: "*/*", limit: "1mb" }), async (request, response) => {
  let event;
  try { // the signature is of the bytes that came, and of a time that is no longer ago than 5 minutes
    event = new Webhook(secret).verify(request.body.toString(), request.headers);
  } catch {
    return response.sendStatus(401);
  }
  const id = request.headers["webhook-id"]; // the same one may come again
  if (!seen.has(id)) {
    if (event.data.object === "order" && !(await learn(event.data.id))) return response.sendStatus(503); // shopd tells it again
    seen.add(id);
  }
  response.sendStatus(204);
});
app.use(express.urlencoded(), (request, response, next) => {
  const [, id = random()] = /(?:^|; )visitor=(\w+)/.exec(request.headers.cookie ?? "") ?? [];
  if (!visitors.has(id)) visitors.set(id, { basket: {} });
  request.visitor = visitors.get(id);
  response.cookie("visitor", id, { httpOnly: true, sameSite: "lax" });
  next();
});
app.get("/", ({ visitor }, response) => {
  const more = Object.keys(visitor.basket).length ? "<p><a href=/checkout>To the checkout</a>" : "<p>Put something in.";
  page(response, "Basket", basketOf(visitor) + more);
});
app.post("/basket", inTurn(async ({ visitor, body, headers }, response) => {
  const sku = Object.hasOwn(goods, body?.sku) ? body.sku : "MUG";
  const basket = { ...visitor.basket, [sku]: Math.max(0, Math.min(99, (visitor.basket[sku] ?? 0) + Math.trunc(Number(body?.by) || 0))) };
  if (!basket[sku]) delete basket[sku];
  if (visitor.reference) { // a checkout may be open: shopd first, for it may be bought already
    const left = Object.keys(basket).length;
    const answer = await (left ? tell(visitor, basket) : ask("POST", `checkout_sessions/${visitor.reference}/expire`));
    const none = !left && answer.status === 404; // no checkout was ever opened: there is nothing to end
    if (!none && !isKept(answer)) {
      return response.status(answer.status === 503 ? 503 : 409).send("This basket cannot be changed now. Try again in a moment.");
    }
  }
  visitor.basket = basket;
  response.redirect(303, headers["x-part"] ? "/part" : "/");
}));
app.get("/part", inTurn(({ visitor }, response) => response.send(basketOf(visitor)))); // for the script on the checkout page
app.get("/checkout", inTurn(async ({ visitor }, response) => {
  if (!Object.keys(visitor.basket).length) return response.redirect(303, "/");
  visitor.reference ??= "node-" + random(8);
  if (!orders.has(visitor.reference)) orders.set(visitor.reference, { state: "not paid", revision: 0 });
  const { status, json } = await tell(visitor, visitor.basket);
  if (json.code === "complete") return response.redirect(303, "/thanks");
  if ([400, 401, 403, 404, 422].includes(status)) return page(response.status(500), "Checkout", "<p>The checkout cannot be opened."); // the log says what is to be mended
  if (status >= 400) return page(response.status(503), "Checkout", "<p>The checkout cannot be opened now. <a href=/checkout>Try again</a>");
  page(response, "Checkout", `<div id=basket>${basketOf(visitor)}</div><p>In all <b id=total>${kronor(json.order_amount)}</b><p id=note role=status><div id=checkout></div>`, `
    import { mountCheckout } from "${shopd}/v1/checkout.js";
    const at = (id) => document.getElementById(id);
    const checkout = await mountCheckout("#checkout", { clientSecret: "${json.client_secret}", nonce });
    checkout.on("change", ({ order_amount }) => { at("total").textContent = (order_amount / 100).toLocaleString("en", { minimumFractionDigits: 2 }) + " kr" });
    at("basket").addEventListener("submit", async (event) => {
      event.preventDefault();
      const body = new URLSearchParams(new FormData(event.target, event.submitter));
      at("note").textContent = await checkout.update(async () => {
        const answer = await fetch("/basket", { method: "POST", body, headers: { "X-Part": "basket" } });
        if (!answer.ok) throw new Error(await answer.text());
        at("basket").innerHTML = await answer.text();
      }).then(() => "", ({ message }) => message);
    });`);
}));
app.get("/thanks", inTurn(async ({ visitor }, response) => {
  const { json } = await ask("GET", `checkout_sessions/${visitor.reference ?? visitor.bought?.reference ?? "none"}`);
  if (["complete", "placing"].includes(json.status)) {
    if (visitor.reference) Object.assign(visitor, { basket: {}, reference: undefined }); // bought: the next basket gets a reference of its own
    visitor.bought = json;
  }
  if (!visitor.bought) return response.redirect(303, "/");
  const { order } = visitor.bought; // none: it is paid, and still being written down: it may get another number
  const number = order ? `Your order has the number <b>${order.number}</b>.` : "Your order is being written down. <a href=/thanks>Its number</a>";
  page(response, "Thank you", `<p>${number} <a href=/order>What is known of it</a><div id=checkout></div>`, `
    import { mountConfirmation } from "${shopd}/v1/checkout.js";
    await mountConfirmation("#checkout", { clientSecret: "${visitor.bought.client_secret}", nonce });`);
}));
app.get("/order", ({ visitor }, response) => { // what webhooks have told
  const own = orders.get(visitor.bought?.reference);
  if (!own) return response.redirect(303, "/");
  page(response, `Order ${own.number ?? ""}`, `<p>It is <b id=state>${own.state}</b>${own.amount === undefined ? "" : `: ${kronor(own.amount)}`}.<p><a href=/>Back to the shop</a>`);
});
app.listen(port, "localhost", () => console.log(`shop ${self}`));
