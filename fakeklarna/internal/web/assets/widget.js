// The widget in the shop's page: one way to pay and what it means, or several to
// choose from.
import {$, make, say} from './dom.js';
import {explain} from './widget-method.js';
import {act, Gone, listen, send, settings} from './widget-shop.js';
import {speak, t} from './widget-texts.js';

const notice = (title, text) => {
  $('methods').hidden = true;
  $('notice').hidden = false;
  say($('notice-title'), title);
  say($('notice-text'), text);
  $('notice-text').hidden = !text;
};

const one = (session, method) => make('section', {className: 'method'},
  make('h2', {textContent: method.name}), ...explain(session, method));

const row = (session, method, chosen) => {
  const radio = make('input', {type: 'radio', name: 'category', value: method.id, checked: method.id === chosen});
  radio.dataset.testid = `category-${method.id}`;
  const id = `about-${method.id}`;
  radio.setAttribute('aria-describedby', id);
  return make('div', {className: 'row'},
    make('label', {className: 'option'}, radio, make('b', {textContent: method.name})),
    make('div', {className: 'method', id}, ...explain(session, method)));
};

// Several methods as a radio group; the one chosen stays when it still can.
const several = (session, methods, preferred) => {
  const before = document.querySelector('[name="category"]:checked')?.value;
  const chosen = [before, preferred].find((id) => methods.some((method) => method.id === id)) ?? methods[0].id;
  const group = make('div', {className: 'options'}, ...methods.map((method) => row(session, method, chosen)));
  group.setAttribute('role', 'radiogroup');
  group.setAttribute('aria-labelledby', 'title');
  return group;
};

const review = (session) => make('section', {className: 'method'},
  make('p', {className: 'total'}, make('span', {textContent: t('total')}), make('b', {textContent: session.total_text})),
  make('p', {className: 'small', textContent: t('review_note')}));

const draw = (shown) => {
  const focus = $('methods').contains(document.activeElement);
  $('methods').replaceChildren(shown);
  $('methods').hidden = false;
  $('notice').hidden = true;
  if (focus) {
    shown.querySelector(':checked')?.focus({preventScroll: true});
  }
};

const tellChoice = () => send('chosen', {
  category: document.querySelector('[name="category"]:checked')?.value ?? $('methods').dataset.only,
});

const show = ({outcome, session}, {categories, preferred, review: inReview}) => {
  speak(session.locale);
  const methods = categories.length > 0
    ? categories.map((id) => session.methods.find((method) => method.id === id)).filter(Boolean)
    : session.methods;
  if (session.status === 'complete') {
    notice(t('paid'), t('paid_text'));
    return {show_form: false};
  }
  if (methods.length === 0) {
    notice(t('unavailable'), t('unavailable_text'));
    return {show_form: false};
  }
  if (inReview) {
    draw(review(session));
  } else {
    draw(methods.length === 1 ? one(session, methods[0]) : several(session, methods, preferred));
    $('methods').dataset.only = methods[0].id;
    tellChoice();
  }
  return outcome.invalid_fields
    ? {show_form: true, error: {invalid_fields: outcome.invalid_fields}}
    : {show_form: true};
};

let loads = 0;

const loadWidget = async (question) => {
  const mine = ++loads;
  let answer;
  try {
    const shown = await act(question.data && {load: {data: question.data}});
    answer = () => show(shown, question);
  } catch (error) {
    answer = () => {
      notice(...(error instanceof Gone ? [t('expired'), t('expired_text')] : [t('network'), '']));
      return {show_form: false};
    };
  }
  // A later load may have been answered before this one.
  return mine === loads ? answer() : {show_form: true};
};

$('methods').addEventListener('change', tellChoice);

speak(settings.language);
say($('notice-title'), t('loading'));
listen({load: loadWidget});
send('ready', {title: t('widget_title')});

// From here on, so that the page's place for the widget opens once.
const main = document.querySelector('main');
new ResizeObserver(() => send('height', {height: main.getBoundingClientRect().height})).observe(main);
