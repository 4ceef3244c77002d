// The shopper's contact and address fields: made from the order's field list,
// kept as they are while the list stays the same.
import {make, say} from './dom.js';
import {countryName, t} from './texts.js';

const firstStep = new Set(['email', 'postal_code', 'country']);
const byName = new Map();
const touched = new Set();

const create = (spec) => {
  const id = `field-${spec.name}`;
  const control = make(spec.options ? 'select' : 'input', {id, name: spec.name});
  control.dataset.testid = spec.name;
  const field = {
    control,
    label: make('label', {htmlFor: id}),
    error: make('p', {id: `${id}-error`, className: 'error', hidden: true}),
  };
  field.box = make('div', {className: `field ${spec.name}`}, field.label, field.error, control);
  return field;
};

const fill = (field, spec) => {
  field.spec = spec;
  const {control, label} = field;
  say(label, spec.required ? t(spec.name) : `${t(spec.name)} (${t('optional')})`);
  control.required = spec.required;
  control.autocomplete = spec.autocomplete;
  if (!spec.options) {
    control.type = spec.type ?? 'text';
    control.maxLength = 255;
    control.inputMode = spec.inputmode ?? '';
    return;
  }
  const options = spec.options.map(({value, label}) => [value, label ?? countryName(value)]);
  if (spec.name !== 'country') {
    options.unshift(['', t('choose')]);
  }
  if (JSON.stringify(options) !== control.dataset.options) {
    control.dataset.options = JSON.stringify(options);
    const {value} = control;
    control.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
    control.value = value;
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

export const value = (name) => byName.get(name)?.control.value.trim() ?? '';

const problemOf = ({spec, control}) => {
  const typed = control.value.trim();
  if (typed === '' ? !spec.required : new RegExp(`^(?:${spec.pattern ?? '.*'})$`, 'iu').test(typed)) {
    return '';
  }
  return spec.name === 'postal_code' && spec.example ? t('error_postal_code_like', spec.example) : t(`error_${spec.name}`);
};

// Whether the fake would keep what the field has now: half an e-mail address it
// would not.
export const savable = (name) => name !== 'email' || value(name) === '' || !problemOf(byName.get(name));

const showProblem = ({box, control, error}, text) => {
  say(error, text);
  error.hidden = !text;
  box.classList.toggle('bad', Boolean(text));
  if (text) {
    control.setAttribute('aria-invalid', 'true');
    control.setAttribute('aria-describedby', error.id);
  } else {
    control.removeAttribute('aria-invalid');
    control.removeAttribute('aria-describedby');
  }
};

// Whether the first step's (or all) fields can be used as they are.
export const complete = (firstOnly) =>
  [...byName].every(([name, field]) => (firstOnly && !firstStep.has(name)) || !problemOf(field));

// Marks each field that cannot be used, and returns the first of them.
export const check = (firstOnly) => {
  let first;
  for (const [name, field] of byName) {
    if (!firstOnly || firstStep.has(name)) {
      const problem = problemOf(field);
      showProblem(field, problem);
      first ??= problem ? field.control : undefined;
    }
  }
  return first;
};

// After a change: a mark goes as soon as the field is right, and the text of one
// that is still wrong follows (on blur).
export const recheck = (name, blurred) => {
  const field = byName.get(name);
  if (field?.box.classList.contains('bad')) {
    const problem = problemOf(field);
    if (!problem || blurred) {
      showProblem(field, problem);
    }
  }
};

// Shows the order's fields. What the shopper has typed is never overwritten;
// only the country, which is the order's, follows it.
export const showFields = (contact, address, {fields, values, country}) => {
  for (const spec of fields) {
    const isNew = !byName.has(spec.name);
    const field = byName.get(spec.name) ?? create(spec);
    byName.set(spec.name, field);
    fill(field, spec);
    if (spec.name === 'country') {
      field.control.value = country;
    } else if (isNew || (!touched.has(spec.name) && !field.control.value)) {
      field.control.value = values[spec.name] ?? '';
    }
  }
  const current = fields.map(({name}) => name);
  const kept = current.map((name) => [name, byName.get(name)]);
  byName.clear();
  kept.forEach(([name, field]) => byName.set(name, field));
  const boxes = (inFirst) => current.filter((name) => firstStep.has(name) === inFirst).map((name) => byName.get(name).box);
  arrange(contact, boxes(true));
  arrange(address, boxes(false));
  for (const name of current) {
    recheck(name, true);
  }
};
