// The review page of Klarna Payments: what was approved, to be read once more.
import { make } from "./page.js";

/** An address as it is read once more. */
const linesOf = ({ organization_name, given_name, family_name, attention, street_address, street_address2, postal_code, city, region }) =>
  [[organization_name], [given_name, family_name], [attention], [street_address], [street_address2], [postal_code, city], [region]]
    .map((parts) => parts.filter(Boolean).join(" "))
    .filter(Boolean);

/** @param {HTMLElement} form @param {import("./kept.js").Approval} approval @param {string} method the name of the way to pay */
export function fillReview(form, { details: { billing_address: bill, shipping_address: goods, customer } }, method) {
  const fill = (name, lines) => {
    const part = form.querySelector(`[data-review=${name}]`);
    part.replaceChildren(...lines.filter(Boolean).map((line) => make("span", {}, line)));
    if (!part.firstChild) part.parentElement.remove();
  };
  fill("email", [bill.email]);
  fill("phone", [bill.phone]);
  fill("company", bill.organization_name ? [bill.organization_name, customer.organization_registration_id] : []);
  fill("address", linesOf(goods));
  fill("bill", JSON.stringify(linesOf(bill)) === JSON.stringify(linesOf(goods)) ? [] : linesOf(bill));
  fill("method", [method]);
}
