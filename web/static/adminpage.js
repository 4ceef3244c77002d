// What scripts add to every page of the back office: buttons that copy, show and print.

const say = (text) => {
  const status = document.getElementById("live-status");
  if (status) status.textContent = text;
};

addEventListener("click", async ({ target }) => {
  const button = target instanceof Element ? target.closest("button") : null;
  if (!button) return;
  if (button.dataset.copy !== undefined) {
    const was = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.copied;
      say(button.dataset.copied);
      setTimeout(() => { button.textContent = was; }, 2000);
    } catch {
      // No clipboard: mark the ID, to be copied by hand.
      const id = button.previousElementSibling;
      if (id) getSelection().selectAllChildren(id);
    }
  } else if (button.dataset.show !== undefined) {
    const field = document.getElementById(button.dataset.show);
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  } else if (button.dataset.print !== undefined) {
    print();
  }
});

// How many orders are ticked.
const ticked = document.querySelector("[data-ticked]");
const count = () => {
  const n = document.querySelectorAll(".list :checked").length;
  ticked.textContent = n === 1 ? "1 order." : `${n} orders.`;
};
if (ticked) {
  addEventListener("change", count);
  addEventListener("pageshow", count);
}
