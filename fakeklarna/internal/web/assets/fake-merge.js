// Makes a page look like a newer copy of itself without losing what the person
// at it has: focus, scrolling, what is unfolded, what is typed.

const arrivalTime = 1200; // ms for which a new row is marked

// The forms in which somebody has typed.
const touched = new WeakSet();

export const touch = (form) => touched.add(form);
export const untouch = (form) => touched.delete(form);

const key = (node) => node.nodeType === Node.ELEMENT_NODE ? node.dataset.key ?? node.id : '';

const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && key(a) === key(b);

// Whether the script or the person owns an element and all below it.
const mine = (element) => 'mine' in element.dataset || touched.has(element);

// Attributes that say what happened here, of which a newer copy knows nothing.
const kept = ['open', 'data-arrived'];

const mergeAttributes = (old, fresh) => {
  for (const {name} of [...old.attributes]) {
    if (!kept.includes(name) && !fresh.hasAttribute(name)) {
      old.removeAttribute(name);
    }
  }
  for (const {name, value} of fresh.attributes) {
    if (!kept.includes(name) && old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }
};

const arrive = (node) => {
  if (node.nodeType === Node.ELEMENT_NODE && node.dataset.key) {
    node.dataset.arrived = '';
    setTimeout(() => delete node.dataset.arrived, arrivalTime);
  }
};

// The child of old, from at on, that becomes fresh. One with a key is found
// wherever it is; on the way to one without no child with a key is passed, for it
// would be lost; and texts are only found where they are expected.
const counterpart = (at, fresh) => {
  for (let found = at; found; found = found.nextSibling) {
    if (alike(found, fresh)) {
      return found;
    }
    if (!key(fresh) && (fresh.nodeType !== Node.ELEMENT_NODE || key(found))) {
      return undefined;
    }
  }
  return undefined;
};

// Children that stay are never moved: a moved element loses focus and scrolling.
const mergeChildren = (old, fresh) => {
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const found = counterpart(at, child);
    if (!found) {
      const added = document.importNode(child, true);
      old.insertBefore(added, at);
      arrive(added);
      continue;
    }
    while (at !== found) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    merge(found, child);
    at = found.nextSibling;
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
};

export const merge = (old, fresh) => {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) {
      old.nodeValue = fresh.nodeValue;
    }
  } else if (!mine(old) && !old.isEqualNode(fresh)) {
    mergeAttributes(old, fresh);
    mergeChildren(old, fresh);
  }
};
