// One field of a form: a control with its label, an example and what is wrong with it.
import {make, say} from './dom.js';
import {countryName, t} from './speech.js';

// A text's key: a shipping address has the words of the billing address.
const key = (name) => name.replace('shipping.', '');

// A field without its spec, which fill gives it.
export const create = (spec) => {
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

export const fill = (field, spec) => {
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
    control.maxLength = spec.maxlength ?? 255;
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

export const problemOf = ({spec, control}) => {
  const typed = control.value.trim();
  if (typed === '' ? !spec.required : new RegExp(`^(?:${spec.pattern ?? '.*'})$`, 'iu').test(typed)) {
    return '';
  }
  return spec.example ? t(`error_${key(spec.name)}_like`, unbroken(spec.example)) : t(`error_${key(spec.name)}`);
};

// Marks a field that cannot be used, takes the mark from one that can, and returns what is wrong.
export const mark = (field) => {
  const {box, control, error} = field;
  const problem = problemOf(field);
  say(error, problem);
  error.hidden = !problem;
  box.classList.toggle('bad', Boolean(problem));
  if (problem) {
    control.setAttribute('aria-invalid', 'true');
  } else {
    control.removeAttribute('aria-invalid');
  }
  describe(field);
  return problem;
};

// A mark goes as soon as the field is right; the text of one that is still wrong follows where
// it may.
export const recheck = (field, still) => {
  if (field.box.classList.contains('bad') && (still || !problemOf(field))) {
    mark(field);
  }
};
