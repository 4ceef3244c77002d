// The merchant's checkboxes, and texts of the merchant with links in them.
import {$, keep, make, say} from './dom.js';
import {t} from './texts.js';

// The pieces of a merchant's text as nodes.
export const words = (pieces) => pieces.map(({text, url}) =>
  (url ? make('a', {href: url, target: '_blank', rel: 'noopener', textContent: text}) : text));

const row = ({id, text, required}, i) => {
  const error = make('p', {id: `box-${i}-error`, className: 'error', hidden: true});
  const input = make('input', {type: 'checkbox', name: 'box', value: id, required});
  input.dataset.testid = `box-${id}`;
  const span = make('span', {}, ...words(text));
  if (!required) {
    span.append(' ', make('span', {className: 'muted', textContent: `(${t('optional')})`}));
  }
  return make('div', {className: 'tick-row'}, error, make('label', {className: 'tick'}, input, span));
};

const inputs = () => [...$('checkboxes').querySelectorAll('input')];

export const showBoxes = (boxes) => {
  $('checkboxes').hidden = boxes.length === 0;
  keep($('checkboxes'), [boxes.map(({id, text, required}) => [id, text, required]), t('optional')],
    () => $('checkboxes').replaceChildren(...boxes.map(row)));
  inputs().forEach((input, i) => {
    input.checked = boxes[i].checked;
  });
};

const mark = (input, wrong) => {
  const box = input.closest('.tick-row');
  const error = box.firstElementChild;
  say(error, wrong ? t('error_box') : '');
  error.hidden = !wrong;
  box.classList.toggle('bad', wrong);
  for (const [name, value] of [['aria-invalid', 'true'], ['aria-describedby', error.id]]) {
    if (wrong) {
      input.setAttribute(name, value);
    } else {
      input.removeAttribute(name);
    }
  }
};

export const unmark = (input) => mark(input, false);

// Marks each required box that is not ticked, and returns the first of them.
export const checkBoxes = () => {
  const wrong = inputs().filter((input) => {
    const missing = input.required && !input.checked;
    mark(input, missing);
    return missing;
  });
  return wrong[0];
};
