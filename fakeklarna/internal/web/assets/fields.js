// The shopper's contact and address fields: made from the order's field list,
// kept as they are while the list stays the same.
import {$, make, say} from './dom.js';
import {countryName, t} from './texts.js';

const made = new Map(); // every field there ever was, with what was typed in it
const touched = new Set();
let shown = []; // the names of those that the order asks for

export const isShipping = (name) => name.startsWith('shipping.');

// A text's key: a shipping address has the words of the billing address.
const key = (name) => name.replace('shipping.', '');

const create = (spec) => {
  const id = `field-${spec.name}`;
  const control = make(spec.options ? 'select' : 'input', {id, name: spec.name});
  control.dataset.testid = spec.name;
  const field = {
    control,
    label: make('label', {htmlFor: id}),
    hint: make('p', {id: `${id}-hint`, className: 'hint', hidden: true}),
    error: make('p', {id: `${id}-error`, className: 'error', hidden: true}),
  };
  field.box = make('div', {className: `field ${key(spec.name)}`}, field.label, field.hint, field.error, control);
  return field;
};

// Numbers that people do not know by heart have an example under their label.
const hinted = new Set(['organization_registration_id', 'national_identification_number', 'date_of_birth']);

// An example as it is shown: not divided at its hyphens.
const unbroken = (example) => example.replaceAll('-', '\u2060-\u2060');

const fill = (field, spec) => {
  field.spec = spec;
  const {control, label, hint} = field;
  const words = t(key(spec.name));
  say(label, spec.required ? words : `${words} (${t('optional')})`);
  hint.hidden = !(spec.example && hinted.has(spec.name));
  say(hint, hint.hidden ? '' : t('example', unbroken(spec.example)));
  control.required = spec.required;
  control.autocomplete = spec.autocomplete;
  if (!spec.options) {
    control.type = spec.type ?? 'text';
    control.maxLength = 255;
    control.inputMode = spec.inputmode ?? '';
  } else {
    fillSelect(control, spec);
  }
  describe(field);
};

const fillSelect = (control, spec) => {
  const options = spec.options.map(({value, label}) => [value, label ?? countryName(value)]);
  if (key(spec.name) !== 'country') {
    options.unshift(['', t(spec.required ? 'choose' : 'none')]);
  }
  if (JSON.stringify(options) !== control.dataset.options) {
    control.dataset.options = JSON.stringify(options);
    const {value} = control;
    control.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
    control.value = value;
  }
};

// Links a control to the texts about it that are shown.
const describe = ({control, hint, error}) => {
  const ids = [error, hint].filter(({hidden}) => !hidden).map(({id}) => id).join(' ');
  if (ids) {
    control.setAttribute('aria-describedby', ids);
  } else {
    control.removeAttribute('aria-describedby');
  }
};

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

const problemOf = ({spec, control}) => {
  const typed = control.value.trim();
  if (typed === '' ? !spec.required : new RegExp(`^(?:${spec.pattern ?? '.*'})$`, 'iu').test(typed)) {
    return '';
  }
  return spec.example ? t(`error_${key(spec.name)}_like`, unbroken(spec.example)) : t(`error_${key(spec.name)}`);
};

// Whether the fake would keep what the field has now: half an e-mail address or
// date it would not.
export const savable = (name) => !['email', 'date_of_birth'].includes(name) || value(name) === '' || !problemOf(made.get(name));

const showProblem = (field, text) => {
  const {box, control, error} = field;
  say(error, text);
  error.hidden = !text;
  box.classList.toggle('bad', Boolean(text));
  if (text) {
    control.setAttribute('aria-invalid', 'true');
  } else {
    control.removeAttribute('aria-invalid');
  }
  describe(field);
};

// Whether the first step's (or all) fields can be used as they are.
export const complete = (firstOnly) => counted(firstOnly).every((name) => !problemOf(made.get(name)));

// Marks each field that cannot be used, and returns the first of them.
export const check = (firstOnly) => {
  let first;
  for (const name of counted(firstOnly)) {
    const field = made.get(name);
    const problem = problemOf(field);
    showProblem(field, problem);
    first ??= problem ? field.control : undefined;
  }
  return first;
};

// After a change: a mark goes as soon as the field is right, and the text of one
// that is still wrong follows (on blur).
export const recheck = (name, blurred) => {
  const field = made.get(name);
  if (field?.box.classList.contains('bad')) {
    const problem = problemOf(field);
    if (!problem || blurred) {
      showProblem(field, problem);
    }
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
