// The order beside a form that pays: folded on a narrow screen, and only there; beside the form it stays in sight.
const narrow = matchMedia("(max-width: 899.98px)");

/** Makes the panel work, where the page has one. The page itself has folded it. */
export function startPanel() {
  const panel = document.getElementById("order-summary");
  const order = panel?.querySelector("details[data-collapse]");
  if (!order) return;
  narrow.addEventListener("change", () => narrow.matches || (order.open = true));
  // One that is higher than the screen is scrolled with the page, until its end is in sight.
  new ResizeObserver(() => panel.style.setProperty("--height", `${panel.offsetHeight}px`)).observe(panel);
}
