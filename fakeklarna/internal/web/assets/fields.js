// The shopper's contact and address fields: made from the order's field list,
// kept as they are while the list stays the same.
import {$} from './dom.js';
import {create, fill, mark, problemOf, recheck as recheckField} from './field.js';

const made = new Map(); // every field there ever was, with what was typed in it
const touched = new Set();
let shown = []; // the names of those that the order asks for

export const isShipping = (name) => name.startsWith('shipping.');

const arrange = (group, boxes) => {
  for (const box of [...group.children]) {
    if (!boxes.includes(box)) {
      box.remove();
    }
  }
  boxes.forEach((box, i) => {
    if (group.children[i] !== box) {
      group.insertBefore(box, group.children[i] ?? null);
    }
  });
};

export const touch = (name) => touched.add(name);

export const value = (name) => (shown.includes(name) ? made.get(name).control.value.trim() : '');

// Whether the shopper gives a separate shipping address.
export const separate = () => $('separate-box').checked;

// The names of the fields that count now; of the first step's only, or all.
const counted = (firstOnly) => shown.filter((name) => {
  const {group} = made.get(name).spec;
  return group === 'contact' || (!firstOnly && (group !== 'shipping' || separate()));
});

export const shippingNames = () => shown.filter(isShipping);

export const isFirst = (name) => made.get(name)?.spec.group === 'contact';

// Whether the fake would keep what the field has now: half an e-mail address or
// date it would not.
export const savable = (name) => !['email', 'date_of_birth'].includes(name) || value(name) === '' || !problemOf(made.get(name));

// Whether the first step's (or all) fields can be used as they are.
export const complete = (firstOnly) => counted(firstOnly).every((name) => !problemOf(made.get(name)));

// Marks each field that cannot be used, and returns the first of them.
export const check = (firstOnly) => counted(firstOnly).map((name) => made.get(name)).filter(mark)[0]?.control;

// After a change (or, blurred, on leaving the field): see field.js.
export const recheck = (name, blurred) => {
  if (made.has(name)) {
    recheckField(made.get(name), blurred);
  }
};

const fillIn = (field, name, order, isNew) => {
  const {control} = field;
  if (name === 'country') {
    control.value = order.country;
  } else if (name === 'shipping.country') {
    control.value = order.separate_shipping.country;
  } else if (isNew || (!touched.has(name) && !control.value)) {
    control.value = order.values[name] ?? '';
  }
};

// Shows the order's fields. What the shopper has typed is never overwritten;
// only the countries, which are the order's, follow it.
export const showFields = (order) => {
  shown = order.fields.map(({name}) => name);
  for (const spec of order.fields) {
    const isNew = !made.has(spec.name);
    const field = made.get(spec.name) ?? create(spec);
    made.set(spec.name, field);
    fill(field, spec);
    fillIn(field, spec.name, order, isNew);
    recheck(spec.name, true);
  }
  const boxes = (group) => order.fields.filter((spec) => spec.group === group).map(({name}) => made.get(name).box);
  arrange($('contact'), boxes('contact'));
  arrange($('address'), boxes('address'));
  arrange($('shipping-fields'), boxes('shipping'));
};
