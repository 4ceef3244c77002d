// What the frame tells the shop's page. Names and members are Klarna's.
// Source: docs.kustom.co, Client side events.
import {separate, value} from './fields.js';
import {emit} from './shop.js';

// Where names and e-mail are not given away.
const withheld = (country) => ['AT', 'DE'].includes(country);

const known = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value));

const postalCode = (prefix = '') => value(`${prefix}postal_code`).replaceAll(' ', '');

const contactOf = (order) => known({
  email: value('email'),
  postal_code: postalCode(),
  country: order.alpha3[order.country],
  given_name: value('given_name'),
  family_name: withheld(order.country) ? '' : value('family_name'),
});

const addressOf = (order, country, prefix = '') => known({
  postal_code: postalCode(prefix),
  country: order.alpha3[country],
  ...(withheld(country) ? {} : {
    given_name: value(`${prefix}given_name`),
    family_name: value(`${prefix}family_name`),
    email: value('email'),
  }),
});

// Without a separate shipping address, shipping follows billing: only older checkouts tell of
// it then.
const tellAddress = (order) => {
  if (postalCode()) {
    emit('billing_address_change', addressOf(order, order.country));
  }
  if (order.early_address_event && !separate() && postalCode()) {
    emit('shipping_address_change', addressOf(order, order.country));
  }
  if (separate() && postalCode('shipping.')) {
    emit('shipping_address_change', addressOf(order, order.separate_shipping.country, 'shipping.'));
  }
};

export const optionChosen = (order) => {
  const chosen = order.shipping_options.find(({id}) => id === order.selected_shipping_option);
  if (chosen) {
    const {id, name, description, price, promo, tax_amount, tax_rate} = chosen;
    emit('shipping_option_change', {id, name, description, price, promo, tax_amount, tax_rate});
  }
};

export const customerChosen = (order) => emit('customer', {type: order.customer_type});

export const loaded = (order) => {
  const there = separate() ? order.separate_shipping.country : order.country;
  emit('load', {
    customer: {type: order.customer_type},
    shipping_address: known({country: order.alpha3[there], postal_code: postalCode(separate() ? 'shipping.' : '')}),
  });
  customerChosen(order);
  // What the shop itself filled in is not told back to it.
  const contact = contactOf(order);
  for (const name of order.prefilled) {
    delete contact[name];
  }
  emit('change', contact);
  tellAddress(order);
  optionChosen(order);
};

export const addressChanged = (order) => {
  emit('change', contactOf(order));
  tellAddress(order);
};

export const totalChanged = (order) => emit('order_total_change', {order_total: order.total});

export const boxTicked = (key, checked) => emit('checkbox_change', {key, checked});

let interaction = false;

for (const type of ['mousedown', 'keydown']) {
  addEventListener(type, () => {
    if (!interaction) {
      interaction = true;
      emit('user_interacted', {type});
    }
  }, {capture: true});
}
