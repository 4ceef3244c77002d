// What a way to pay means in money and days, as widget and dialog show it.
import {make} from './dom.js';
import {day, t} from './widget-texts.js';

const date = (due) => (due ? day(due) : t('today'));

// The amount and when it is due, or each of several parts.
const plan = ({total_text}, {parts}) => {
  if (parts.length > 1) {
    const rows = parts.map(({due, amount_text}) =>
      make('li', {}, make('span', {textContent: date(due)}), make('b', {textContent: amount_text})));
    return make('ol', {className: 'parts'}, ...rows);
  }
  const [{due}] = parts;
  const [before, after] = t(due ? 'amount_due' : 'amount_today', '\n', due && day(due)).split('\n');
  return make('p', {}, before, make('b', {textContent: total_text}), after);
};

// The elements that explain a method of a session.
export const explain = (session, method) => [
  ...(session.total > 0 ? [plan(session, method)] : []),
  make('p', {className: 'small', textContent: t(`${method.id}_note`)}),
];
