// Everything on the frame's page but the shopper's fields.
import {$, make, say} from './dom.js';
import {value} from './fields.js';
import {t} from './texts.js';

const optionRow = (group, {id, name, note, price}) => {
  const radio = make('input', {type: 'radio', name: group, value: id});
  radio.dataset.testid = `${group}-${id}`;
  return make('label', {className: 'option'}, radio,
    make('b', {textContent: name}), make('em', {textContent: note ?? ''}), make('i', {textContent: price ?? ''}));
};

// Runs show when what it would show differs from what the box shows.
const keep = (box, shown, show) => {
  const wanted = JSON.stringify(shown);
  if (box.dataset.shown !== wanted) {
    box.dataset.shown = wanted;
    show();
  }
};

const showOptions = (box, group, options, chosen) => {
  keep(box, options, () => box.replaceChildren(...options.map((option) => optionRow(group, option))));
  for (const radio of box.querySelectorAll('input')) {
    radio.checked = radio.value === chosen;
  }
};

// The value chosen in a radio group, "" when none is.
export const choice = (group) => document.querySelector(`input[name="${group}"]:checked`)?.value ?? '';

const showTerms = (url) => {
  const [before, after] = t('terms', '\n').split('\n');
  const link = {href: url, target: '_blank', rel: 'noopener', textContent: t('terms_link')};
  keep($('terms'), [before, link, after], () => $('terms').replaceChildren(before, make('a', link), after));
};

export const showPaying = (order, paying) => {
  const pay = $('pay');
  say(pay, paying ? t('paying') : t('pay', order.total_text));
  pay.ariaDisabled = paying ? 'true' : null;
};

// Delivery, payment methods and total as the order says now.
export const showOrder = (order) => {
  $('notice').hidden = true;
  $('checkout').hidden = false;
  $('delivery').hidden = order.shipping_options.length === 0;
  showOptions($('shipping-options'), 'shipping_option',
    order.shipping_options.map(({id, name, description, price_text}) => ({id, name, note: description, price: price_text})),
    order.selected_shipping_option);
  showOptions($('methods'), 'method',
    order.methods.map((id) => ({id, name: t(id), note: t(`${id}_note`)})),
    order.methods.includes(choice('method')) ? choice('method') : order.methods[0]);
  const total = document.querySelector('[data-testid="total"]');
  say(total, order.total_text);
  total.dataset.amount = order.total;
  total.dataset.currency = order.currency;
  showPaying(order, $('pay').hasAttribute('aria-disabled'));
  showTerms(order.terms_url);
};

// Contact and delivery as a summary, when shown is true.
export const showSummary = (shown) => {
  $('summary').hidden = !shown;
  say($('change'), t('change'));
  $('change').ariaLabel = t('change_contact');
  const join = (separator, ...names) => names.map(value).filter(Boolean).join(separator);
  say($('summary-name'), join(' ', 'given_name', 'family_name'));
  const street = join(' ', 'street_address', 'street_name', 'street_number', 'house_extension');
  const place = join(' ', 'postal_code', 'city', 'region');
  say($('summary-address'), [street, place].filter(Boolean).join(', '));
  say($('summary-email'), value('email'));
};

// Says why nothing was bought or saved; "" takes it away.
export const refuse = (text) => say($('refusal'), text);

// One message in place of the form, whose focus it takes over; button is the
// text of its button, if any.
export const showNotice = (title, text = '', button = '') => {
  const focus = document.hasFocus() && !$('checkout').hidden;
  $('checkout').hidden = true;
  $('notice').hidden = false;
  delete $('notice-title').dataset.text;
  say($('notice-title'), title);
  for (const [id, words] of [['notice-text', text], ['notice-button', button]]) {
    $(id).hidden = !words;
    say($(id), words);
  }
  if (focus) {
    $('notice-title').focus({preventScroll: true});
  }
};
