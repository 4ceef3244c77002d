// The basket of a checkout session on a page of ours.
import { Follow } from "./follow.js";
import { show } from "./messages.js";
import { pageAnew, pageData, text } from "./page.js";
import { isLocal } from "./update.js";

/** On a page of the shop's own cart it does nothing. */
export class Basket extends Follow {
  /** @param {import("./follow.js").Page} page @param {number} [pause] milliseconds between two looks */
  constructor(page, pause) {
    super(source(pageData().basket), page, pause);
  }
}

/** @returns {import("./follow.js").Source|null} */
function source(data) {
  if (!data) return null;
  let left = false; // another browser has gone on with this checkout, and the shopper was told
  return {
    revision: data.revision,
    async look() {
      try {
        const response = await fetch(data.state_url, { headers: { Accept: "application/json" } });
        const { revision, redirect, elsewhere } = await response.json();
        if (response.status === 409 && isLocal(redirect)) return () => location.assign(redirect);
        if (response.ok && !elsewhere) return revision;
        // To follow would take the other's place, and it would take ours.
        if (response.ok && elsewhere && !left) goneOn();
        left ||= elsewhere;
      } catch {
        // the next look tells
      }
    },
    async note(revision) {
      try {
        const headers = { "Content-Type": "application/json", Accept: "application/json" };
        const response = await fetch(data.seen_url, { method: "POST", headers, body: JSON.stringify({ revision }), keepalive: true });
        return response.ok;
      } catch {
        return false;
      }
    },
  };
}

function goneOn() {
  const actions = [{ text: text("elsewhere_here"), key: "elsewhere", run: () => pageAnew() }];
  show({ id: "elsewhere", kind: "warn", title: text("elsewhere_title"), body: text("elsewhere_body"), actions });
}
