// What the frame tells the shop's page. Names and members are Klarna's.
// Source: docs.kustom.co, Client side events.
import {value} from './fields.js';
import {emit} from './shop.js';

// Where names and e-mail are not given away.
const withheld = (order) => ['AT', 'DE'].includes(order.country);

const known = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value));

const postalCode = () => value('postal_code').replaceAll(' ', '');

const contactOf = (order) => known({
  email: value('email'),
  postal_code: postalCode(),
  country: order.country_alpha3,
  given_name: value('given_name'),
  family_name: withheld(order) ? '' : value('family_name'),
});

const addressOf = (order) => known({
  postal_code: postalCode(),
  country: order.country_alpha3,
  ...(withheld(order) ? {} : {
    given_name: value('given_name'),
    family_name: value('family_name'),
    email: value('email'),
  }),
});

// Without a separate shipping address, shipping follows billing.
const tellAddress = (order) => {
  if (postalCode()) {
    emit('billing_address_change', addressOf(order));
    emit('shipping_address_change', addressOf(order));
  }
};

export const optionChosen = (order) => {
  const chosen = order.shipping_options.find(({id}) => id === order.selected_shipping_option);
  if (chosen) {
    const {id, name, description, price, promo, tax_amount, tax_rate} = chosen;
    emit('shipping_option_change', {id, name, description, price, promo, tax_amount, tax_rate});
  }
};

export const loaded = (order) => {
  emit('load', {
    customer: {type: order.customer_type},
    shipping_address: known({country: order.country_alpha3, postal_code: postalCode()}),
  });
  emit('customer', {type: order.customer_type});
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

let interaction = false;

for (const type of ['mousedown', 'keydown']) {
  addEventListener(type, () => {
    if (!interaction) {
      interaction = true;
      emit('user_interacted', {type});
    }
  }, {capture: true});
}
