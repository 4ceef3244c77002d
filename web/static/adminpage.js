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

// How many orders are ticked, and all of the page at once.
const ticked = document.querySelector("[data-ticked]");
if (ticked) {
  const all = document.querySelector("[data-all]");
  const boxes = [...document.querySelectorAll(".list [name=order]")];
  const count = () => {
    const n = boxes.filter((box) => box.checked).length;
    ticked.textContent = `${n} of ${boxes.length} ticked`;
    all.checked = n > 0 && n === boxes.length;
    all.indeterminate = n > 0 && n < boxes.length;
  };
  addEventListener("change", ({ target }) => {
    if (target === all) for (const box of boxes) box.checked = all.checked;
    count();
  });
  addEventListener("pageshow", count);
}
