// Buys in Firefox: reads a walk as JSON from stdin, and writes what the browser reported to stdout. A step is one of
// {go: address}, {click: selector}, {total: amount that Klarna's form shows}, {pay: [[name of a field, text], …]}, {at: the
// address that is reached}, {picture: file}.
import puppeteer from "puppeteer-core";

const { firefox, width, steps } = JSON.parse(await new Response(process.stdin).text());
const patience = 20_000; // milliseconds for a step
const browser = await puppeteer.launch({
  browser: "firefox", executablePath: firefox, headless: true, timeout: 90_000, extraPrefsFirefox: { "intl.accept_languages": "en-SE" },
});
const page = await browser.newPage();
const problems = [];
page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
page.on("pageerror", (error) => problems.push(String(error)));
await page.evaluateOnNewDocument(() => {
  document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => console.error(`policy: ${effectiveDirective} ${blockedURI}`));
});
await page.setViewport({ width, height: 900 });

async function until(what, holds) {
  for (const end = Date.now() + patience; ; await new Promise((done) => setTimeout(done, 50))) {
    const found = await holds().catch(() => undefined); // the page is on its way to another
    if (found) return found;
    if (Date.now() > end) {
      const texts = await Promise.all(page.frames().map((frame) => frame.evaluate(() => document.body.innerText).catch(String)));
      throw new Error(`waited for ${what} at ${page.url()}: ${texts.join("\n---\n")}`);
    }
  }
}

async function form() {
  const frame = await (await page.$("#klarna-checkout-iframe"))?.contentFrame();
  const ready = await frame?.evaluate(() => document.querySelector("#checkout")?.hidden === false);
  return ready && frame;
}

const does = {
  go: (address) => page.goto(address),
  click: async (selector) => (await until(selector, () => page.$(selector))).evaluate((element) => element.click()),
  total: (amount) => until(`a total of ${amount}`, async () =>
    (await (await form()).evaluate(() => document.querySelector("[data-testid=total]").dataset.amount)) === String(amount)),
  pay: async (fields) => {
    const frame = await until("the form", form);
    for (const [name, text] of fields) {
      const field = await frame.waitForSelector(`[data-testid=${name}]`, { visible: true, timeout: patience });
      await field.evaluate((element, text) => { // at once, as a browser fills in: the form saves what is there meanwhile
        element.focus();
        document.execCommand("insertText", false, text);
        element.blur();
      }, text);
    }
    // Who presses while the form takes in what was typed, or shows another total, presses again.
    const here = page.url();
    await until("the purchase", async () => {
      if (page.url() !== here) return true;
      await frame.evaluate(() => document.body.classList.contains("suspended") || document.querySelector("[data-testid=pay]").click());
      await new Promise((done) => setTimeout(done, 1000));
      return page.url() !== here;
    });
  },
  at: (address) => until(address, async () => page.url().startsWith(address)),
  shows: (selector) => until(selector, () => page.$(selector)),
  picture: (path) => page.screenshot({ path, fullPage: true }),
};

let failed;
try {
  for (const step of steps) {
    for (const [what, argument] of Object.entries(step)) await does[what](argument);
  }
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (beyond > 0) problems.push(`scrolls sideways by ${beyond} px`);
} catch (error) {
  failed = String(error);
}
await browser.close();
process.stdout.write(JSON.stringify({ failed, problems }));
