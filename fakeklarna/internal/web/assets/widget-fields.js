// What the shop did not tell of the shopper, to be typed in the dialog.
import {create, fill as give, mark, recheck} from './field.js';

let fields = [];

// All of them are needed; what is typed here the fake takes up to 99 characters long.
const made = (spec) => {
  const field = create(spec);
  give(field, {...spec, required: true, maxlength: 99});
  return field;
};

// Shows a field for each of specs in box.
export const showFields = (box, specs) => {
  fields = specs.map(made);
  box.replaceChildren(...fields.map((field) => field.box));
  box.oninput = ({target}) => recheck(fields.find(({control}) => control === target));
};

// Marks each field that cannot be used, and returns the first of them.
export const check = () => fields.filter(mark)[0]?.control;

// Fills the empty fields in.
export const fill = (person) => {
  for (const field of fields) {
    field.control.value ||= person[field.spec.name] ?? '';
    mark(field);
  }
};

// What was typed, by the field's name.
export const typed = () => Object.fromEntries(fields.map(({spec, control}) => [spec.name, control.value.trim()]));
