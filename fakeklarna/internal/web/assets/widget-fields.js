// What the shop did not tell of the shopper, to be typed in the dialog.
import {make, say} from './dom.js';
import {t} from './widget-texts.js';

let fields = [];

const create = (spec) => {
  const id = `field-${spec.name}`;
  const control = make(spec.options ? 'select' : 'input', {id, name: spec.name, required: true, autocomplete: spec.autocomplete});
  if (spec.options) {
    const states = spec.options.map(({value, label}) => new Option(label, value));
    control.append(new Option(t('choose'), ''), ...states);
  } else {
    Object.assign(control, {type: spec.type ?? 'text', inputMode: spec.inputmode ?? '', maxLength: 99});
  }
  control.dataset.testid = spec.name;
  const error = make('p', {id: `${id}-error`, className: 'error', hidden: true});
  const label = make('label', {htmlFor: id, textContent: t(spec.name)});
  const box = make('div', {className: `field ${spec.name}`}, label, error, control);
  return {spec, control, error, box};
};

const problemOf = ({spec, control}) => {
  const typed = control.value.trim();
  if (typed && new RegExp(`^(?:${spec.pattern ?? '.*'})$`, 'iu').test(typed)) {
    return '';
  }
  return spec.name === 'postal_code' && spec.example ? t('error_postal_code_like', spec.example) : t(`error_${spec.name}`);
};

const mark = (field) => {
  const problem = problemOf(field);
  const {box, control, error} = field;
  say(error, problem);
  error.hidden = !problem;
  box.classList.toggle('bad', Boolean(problem));
  if (problem) {
    control.setAttribute('aria-invalid', 'true');
    control.setAttribute('aria-describedby', error.id);
  } else {
    control.removeAttribute('aria-invalid');
    control.removeAttribute('aria-describedby');
  }
  return problem;
};

// Shows a field for each of specs in box.
export const showFields = (box, specs) => {
  fields = specs.map(create);
  box.replaceChildren(...fields.map((field) => field.box));
  box.oninput = ({target}) => {
    const field = fields.find(({control}) => control === target);
    if (field.box.classList.contains('bad') && !problemOf(field)) {
      mark(field);
    }
  };
};

// Marks each field that cannot be used, and returns the first of them.
export const check = () => fields.filter((field) => mark(field))[0]?.control;

// Fills the empty fields in.
export const fill = (person) => {
  for (const field of fields) {
    field.control.value ||= person[field.spec.name] ?? '';
    mark(field);
  }
};

// What was typed, by the field's name.
export const typed = () => Object.fromEntries(fields.map(({spec, control}) => [spec.name, control.value.trim()]));
