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
