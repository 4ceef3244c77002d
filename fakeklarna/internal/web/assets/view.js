// Everything on the frame's page but the shopper's fields.
import {showBoxes, words} from './boxes.js';
import {$, keep, make, say} from './dom.js';
import {value} from './fields.js';
import {countryName, t, timeSpan} from './texts.js';

// A provider's picture; where it cannot be loaded, what stands for it. A picture
// without a text says what is written beside it.
const picture = (src, alt, ...instead) => {
  const image = make('img', {src, alt, referrerPolicy: 'no-referrer'});
  image.addEventListener('error', () => image.replaceWith(...instead));
  return image;
};

const optionRow = (group, {id, name, note, price, more = [], image}) => {
  const radio = make('input', {type: 'radio', name: group, value: id});
  radio.dataset.testid = `${group}-${id}`;
  return make('label', {className: 'option'}, radio,
    make('b', {}, ...(image ? [picture(image, '')] : []), name), make('em', {textContent: note ?? ''}), make('i', {textContent: price ?? ''}),
    ...more.map(([text, className]) => make('small', {textContent: text, className})));
};

const showOptions = (box, group, options, chosen) => {
  keep(box, options, () => {
    const focused = box.contains(document.activeElement) && document.activeElement.value;
    box.replaceChildren(...options.map((option) => optionRow(group, option)));
    [...box.querySelectorAll('input')].find((radio) => radio.value === focused)?.focus({preventScroll: true});
  });
  for (const radio of box.querySelectorAll('input')) {
    radio.checked = radio.value === chosen;
  }
};

// The value chosen in a radio group, "" when none is.
const choice = (group) => document.querySelector(`input[name="${group}"]:checked`)?.value ?? '';

export const chosenMethod = (order) => order.methods.find(({id}) => id === choice('method')) ?? order.methods[0];

const showMethods = (order) => {
  const rows = order.methods.map(({id, external, note, fee_text: fee, image_url: image}) => ({
    id,
    image,
    name: external ? id : t(id),
    note: external ? note || t('external_note') : t(`${id}_note`),
    price: fee && `+ ${fee}`,
  }));
  showOptions($('methods'), 'method', rows, chosenMethod(order).id);
};

// The place where the goods are fetched, as far as the shop's own texts do not tell it; who brings
// them, and when.
const deliveryTexts = ({carrier, timeslot, pickup_location: place} = {}, ...told) => {
  const untold = (text) => (told.some((other) => other?.includes(text)) ? '' : text);
  const listed = (separator, ...texts) => texts.filter(Boolean).join(separator);
  const {street_address, street_address2, street_name, street_number, postal_code, city} = place?.address ?? {};
  const street = listed(' ', ...[street_address, street_address2, street_name, street_number].map(untold));
  return [
    [listed(', ', untold(place?.name), street, untold(listed(' ', postal_code, city)).replaceAll(' ', '\u00a0')), ''],
    [listed(' · ', carrier, timeSpan(timeslot?.start, timeslot?.end)), 'muted'],
  ].filter(([text]) => text);
};

const showDelivery = ({shipping_options: options, selected_shipping_option: chosen}) => {
  $('delivery').hidden = options.length === 0;
  showOptions($('shipping-options'), 'shipping_option',
    options.map(({id, name, description, promo, price_text: price, delivery_details: details}) =>
      ({id, name, note: [description, promo].filter(Boolean).join(' · '), price, more: deliveryTexts(details, name, description)})),
    chosen);
};

const checkoutRow = ({id, label, note, fee_text: fee, image_url: image}) => {
  const text = t(`external_${label}`, id);
  const button = make('button', {type: 'button', className: 'quiet', value: id}, picture(image, text, text));
  button.dataset.testid = `checkout-${id}`;
  const about = [note, fee && `+ ${fee}`].filter(Boolean).join(' · ');
  return make('div', {className: 'checkout'}, button, ...(about ? [make('p', {className: 'muted', textContent: about})] : []));
};

// Other checkouts need nothing of the form: they are there from the start.
const showCheckouts = ({checkouts, locale}) => {
  $('checkouts').hidden = checkouts.length === 0;
  keep($('checkout-list'), [checkouts, locale], () => $('checkout-list').replaceChildren(...checkouts.map(checkoutRow)));
};

const showTerms = (order) => {
  const [before, after] = t('terms', '\n').split('\n');
  const link = {href: order.terms_url, target: '_blank', rel: 'noopener', textContent: t('terms_link')};
  keep($('terms'), [before, link, after], () => $('terms').replaceChildren(before, make('a', link), after));
  $('merchant-terms').hidden = order.merchant_terms.length === 0;
  keep($('merchant-terms'), order.merchant_terms, () => $('merchant-terms').replaceChildren(...words(order.merchant_terms)));
};

const payText = (order) => {
  const {external, id, label} = chosenMethod(order);
  return external ? t(`external_${label}`, id) : t('pay', order.total_text);
};

export const showPaying = (order, paying) => {
  const pay = $('pay');
  say(pay, paying ? t('paying') : payText(order));
  pay.ariaDisabled = paying ? 'true' : null;
};

const showLines = ({lines, tax_text: tax, open}, first) => {
  $('lines').open = first ? open : $('lines').open;
  $('lines').hidden = lines.length === 0;
  keep($('line-list'), lines, () => $('line-list').replaceChildren(...lines.map(({name, quantity, text}) =>
    make('li', {}, make('span', {textContent: quantity ? `${quantity} × ${name}` : name}), make('span', {textContent: text})))));
  $('tax').hidden = !tax;
  say($('tax'), tax ? t('tax', tax) : '');
};

const showCustomer = ({customer_types: types, customer_type: type}) => {
  $('customer-types').hidden = types.length < 2;
  const row = (name) => {
    const radio = make('input', {type: 'radio', name: 'customer_type', value: name});
    radio.dataset.testid = `customer-${name}`;
    return make('label', {}, radio, make('span', {textContent: t(name)}));
  };
  keep($('customer-type-list'), types.map((name) => [name, t(name)]), () => $('customer-type-list').replaceChildren(...types.map(row)));
  for (const radio of $('customer-types').querySelectorAll('input')) {
    radio.checked = radio.value === type;
  }
};

// The separate shipping address; first says that the form is shown for the
// first time, later the box is the shopper's.
export const showSeparate = ({separate_shipping: {allowed, required, on}, country}, first) => {
  const box = $('separate-box');
  box.checked = allowed && (required || (first ? on : box.checked));
  $('separate').hidden = !allowed || required;
  $('separate-needed').hidden = !required;
  say($('separate-needed'), required ? t('separate_needed', countryName(country)) : '');
  $('shipping').hidden = !box.checked;
};

// The merchant's colours, as far as they can be read.
const showColours = ({palettes, radius}) => {
  const {style} = document.documentElement;
  for (const [scheme, palette] of Object.entries(palettes)) {
    for (const name of ['button', 'button-text', 'link', 'header', 'checkbox']) {
      style.setProperty(`--${scheme}-${name}`, palette[name] ?? '');
    }
  }
  style.setProperty('--radius', radius < 0 ? '' : `${radius}px`);
};

// All but the fields as the order says now; first says that the form is shown for
// the first time.
export const showOrder = (order, first) => {
  $('notice').hidden = true;
  $('checkout').hidden = false;
  showDelivery(order);
  showCustomer(order);
  showMethods(order);
  showBoxes(order.checkboxes);
  showLines(order.summary, first);
  const total = document.querySelector('[data-testid="total"]');
  say(total, order.total_text);
  total.dataset.amount = order.total;
  total.dataset.currency = order.currency;
  showPaying(order, $('pay').hasAttribute('aria-disabled'));
  showTerms(order);
  showCheckouts(order);
  showColours(order);
};

const join = (separator, ...names) => names.map(value).filter(Boolean).join(separator);

const placeOf = (prefix) => {
  const names = (...list) => list.map((name) => prefix + name);
  const street = join(' ', ...names('street_address', 'street_name', 'street_number', 'house_extension'));
  return [street, join(' ', ...names('postal_code', 'city', 'region'))].filter(Boolean).join(', ');
};

// Contact and delivery as a summary, when shown is true.
export const showSummary = (shown, separate) => {
  $('summary').hidden = !shown;
  say($('change'), t('change'));
  $('change').ariaLabel = t('change_contact');
  say($('summary-company'), value('organization_name'));
  say($('summary-name'), join(' ', 'given_name', 'family_name'));
  say($('summary-address'), placeOf(''));
  say($('summary-email'), value('email'));
  const there = [join(' ', 'shipping.given_name', 'shipping.family_name'), placeOf('shipping.')].filter(Boolean).join(', ');
  say($('summary-shipping'), separate ? `${t('shipping')}: ${there}` : '');
};

// Says why nothing was bought or saved; "" takes it away.
export const refuse = (text) => say($('refusal'), text);

// The same for an address, where it was typed.
export const refuseAddress = (text) => say($('address-refusal'), text);

export const isField = (target) => target.matches('.field input, .field select');

// One message in place of the form, whose focus it takes over; button is the
// text of its button, if any, rows are terms with their descriptions.
export const showNotice = (title, {text = '', button = '', rows = [], details = ''} = {}) => {
  const focus = document.hasFocus() && !$('checkout').hidden;
  $('checkout').hidden = true;
  $('notice').hidden = false;
  delete $('notice-title').dataset.text;
  say($('notice-title'), title);
  for (const [id, words] of [['notice-text', text], ['notice-details', details], ['notice-button', button]]) {
    $(id).hidden = !words;
    say($(id), words);
  }
  $('receipt').hidden = rows.length === 0;
  $('receipt').replaceChildren(...rows.map(([term, description]) =>
    make('div', {}, make('dt', {textContent: term}), make('dd', {textContent: description}))));
  if (focus) {
    $('notice-title').focus({preventScroll: true});
  }
};
