// Small helpers for the frame's page.

export const $ = (id) => document.getElementById(id);

// An element with properties and children.
export const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// Sets an element's text; an element that says it already is left alone.
export const say = (element, text) => {
  if (element.textContent !== text) {
    element.textContent = text;
  }
};

// Runs show when what it would show differs from what the box shows.
export const keep = (box, shown, show) => {
  const wanted = JSON.stringify(shown);
  if (box.dataset.shown !== wanted) {
    box.dataset.shown = wanted;
    show();
  }
};
