// The checkout inside the iframe: shows the order, takes what the shopper types
// and chooses, and buys. What the shopper does is carried out one after the
// other; each answer shows the order anew.
import {act, Gone, readOrder, save, settleTyped} from './api.js';
import {boxTicked, customerChosen, addressChanged, loaded, optionChosen, totalChanged} from './events.js';
import {approve} from './approval.js';
import {checkBoxes, unmark} from './boxes.js';
import {$, say} from './dom.js';
import {check, complete, isFirst, recheck, savable, separate, shippingNames, showFields, touch, value} from './fields.js';
import {isSuspended, onSuspension} from './suspension.js';
import {emit, listen, send, settings} from './shop.js';
import {speak, t} from './texts.js';
import {
  chosenMethod, isField, refuse, refuseAddress, showNotice, showOrder, showPaying, showSeparate, showSummary,
} from './view.js';

const form = $('checkout');
let order;
let opened = false; // the address fields are shown
let folded = false; // contact and delivery are a summary

const layOut = () => {
  opened ||= complete(true);
  $('more').hidden = !opened;
  $('fields').hidden = folded;
  showSummary(folded, separate());
};

const maskedEmail = (email) => email.replace(/^(.)[^@]*/, '$1•••');

const showReceipt = ({receipt: {number, method, details, minimal, pending}, total_text: total, values}) => {
  const rows = minimal ? [] : [[t('order_number'), number], [t('amount'), total], [t('paid_with'), t(method)]].filter(([, text]) => text);
  showNotice(t(pending ? 'thanks_pending' : 'thanks'), {text: t('thanks_text', maskedEmail(values.email ?? '')), rows, details: minimal ? '' : details});
};

// For an order that is open no longer.
const showClosed = () => {
  if (order.status !== 'checkout_complete') {
    showNotice(t('expired'), {text: t('expired_text')});
  } else if (settings.ORDER_STATUS !== 'checkout_complete') {
    showNotice(t('paid'), {text: t('paid_text'), button: t('paid_button')});
  } else if (order.receipt) {
    showReceipt(order);
  } else {
    showNotice(t('receipt_gone'), {text: t('receipt_gone_text')});
  }
};

// Shows what the order says now; what the shopper has typed is left alone.
const show = (next) => {
  const before = order;
  order = next;
  speak(order.locale);
  if (order.status !== 'checkout_incomplete') {
    showClosed();
    if (!before && settings.ORDER_STATUS === 'checkout_complete') {
      emit('load_confirmation', {});
    }
    return;
  }
  showSeparate(order, !before);
  showFields(order);
  showOrder(order, !before);
  refuse('');
  refuseAddress('');
  folded ||= !before && complete(false);
  folded &&= complete(false); // another country may ask for more
  layOut();
  if (!before) {
    loaded(order);
  } else if (before.total !== order.total) {
    totalChanged(order);
  }
};

const failed = (error) => {
  if (error instanceof Gone) {
    showNotice(t('expired'), {text: t('expired_text')});
    return;
  }
  emit('network_error', {});
  if (order) {
    refuse(t('network'));
  } else {
    showNotice(t('network'), {button: t('retry')});
  }
};

// Reads the order and shows it, unless a later read has begun meanwhile; says
// whether it was the latest.
let reads = 0;

const reread = async () => {
  const mine = ++reads;
  let answer;
  try {
    const next = await readOrder();
    answer = () => show(next);
  } catch (error) {
    answer = () => failed(error);
  }
  if (mine === reads) {
    answer();
  }
  return mine === reads;
};

const leave = (url, title) => {
  showNotice(title);
  send('redirect', {url});
};

// Refusals whose text is the provider's own: the shop does not know of them.
const ours = ['declined', 'technical_error', 'validation_failed'];

// Shows why an action was refused; says whether it was.
const refused = (outcome, tell) => {
  const refusal = outcome?.refused;
  if (refusal?.redirect_url) {
    leave(refusal.redirect_url, t('leaving_back'));
  } else if (refusal) {
    tell([refusal.message || t('refused'), ours.includes(refusal.code) ? t('nothing_charged') : ''].join(' ').trim());
  }
  if (refusal?.code === 'address_failed') {
    emit('shipping_address_update_error', {});
  }
  return Boolean(refusal);
};

// One after the other.

let queue = Promise.resolve();
let waiting = 0;

// Runs work after what was begun before. Resolves with its result, undefined
// when it failed, which it has told then.
const doNext = (work) => {
  waiting++;
  document.body.classList.add('working');
  const done = queue.then(work).catch(failed).finally(() => {
    document.body.classList.toggle('working', --waiting > 0);
  });
  queue = done;
  return done;
};

// Does what send does and shows the order that comes of it; says whether the
// order took it.
const perform = (send) => doNext(async () => {
  const total = order.total;
  const outcome = await send();
  if (!outcome) {
    return true;
  }
  await reread();
  if (total !== order.total && order.status === 'checkout_incomplete') {
    say($('status'), t('total_now', order.total_text));
  }
  return !refused(outcome, refuseAddress);
});

const settle = () => perform(settleTyped);

// Buying.

let buying = false;
let onVerdict = () => {};

const approvedByShop = () => new Promise((resolve) => {
  onVerdict = resolve;
  send('validate');
});

// After a purchase whose answer never came.
const askWhetherBought = async () => {
  try {
    show(await readOrder());
    refuse(t('network'));
  } catch {
    refuse(t('unknown'));
  }
};

const tryToBuy = async (action) => {
  try {
    return await act(action);
  } catch (error) {
    if (error instanceof Gone) {
      throw error;
    }
    await askWhetherBought();
    return undefined;
  }
};

const onPurchase = async (outcome, decision) => {
  if (outcome.refused?.code === 'read_only_order') {
    await reread(); // bought or aborted meanwhile: shows which
  } else if (outcome.refused?.code === 'total_changed') {
    show(await readOrder());
    refuse(t('changed', order.total_text));
  } else if (outcome.redirect_url) {
    leave(outcome.redirect_url, t('leaving_back'));
  } else if (!refused(outcome, refuse)) {
    emit('redirect_initiated', true);
    leave(outcome.confirmation_url, t('leaving'));
  } else if (outcome.refused.code.startsWith('address_')) {
    refuse(t('check_fields'));
    refuseAddress(outcome.refused.message);
  } else if (outcome.refused.code === 'declined' && decision !== 'decline') {
    emit('can_not_complete_order', {});
  }
};

// Buys what the button said. The fake refuses another total; one that is known to
// be another opens no dialog and no other provider's page.
const buy = async (asked) => {
  const {total, currency} = asked;
  if (!await settle() || order.status !== 'checkout_incomplete') {
    return;
  }
  if (order.total !== total || order.currency !== currency) {
    refuse(t('changed', order.total_text));
    return;
  }
  const method = chosenMethod(order);
  if (method.external) {
    await onPurchase(await act({external_method: method.id}));
    return;
  }
  const verdict = order.client_validation ? await approvedByShop() : {should_proceed: true};
  if (!verdict.should_proceed) {
    refuse(verdict.message || t('refused'));
    return;
  }
  const decision = method.approval ? await approve(asked, method.id) : undefined;
  if (decision === 'close') {
    refuse(isSuspended() ? '' : t('not_finished'));
    return;
  }
  const outcome = await tryToBuy({buy: {method: method.id, decision, total, currency}});
  if (outcome) {
    await onPurchase(outcome, decision);
  }
};

// Marks what is wrong with the form and goes there; says whether anything is.
const wrong = () => {
  const field = check(false);
  const box = checkBoxes();
  if (field) {
    opened = true;
    folded = false;
    layOut();
  }
  if (field || box) {
    refuse(t('check_fields'));
    (field ?? box).focus();
  }
  return field || box;
};

// What the button said when the shopper went for it: pressing it leaves a field,
// and with that the total may change.
let aimedAt;

$('pay').addEventListener('pointerdown', () => {
  aimedAt = order;
});

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const asked = aimedAt ?? order;
  aimedAt = undefined;
  if (buying || isSuspended() || wrong()) {
    return;
  }
  buying = true;
  refuse('');
  showPaying(order, true);
  await buy(asked).catch(failed);
  buying = false;
  showPaying(order, false);
});

// Another provider's checkout is left for at once.
$('checkout-list').addEventListener('click', async ({target}) => {
  const button = target.closest('button');
  if (!button || buying || isSuspended()) {
    return;
  }
  buying = true;
  refuse('');
  await doNext(async () => onPurchase(await act({external_method: button.value})));
  buying = false;
});

// Typing and choosing.

form.addEventListener('input', ({target}) => {
  if (isField(target) && !target.name.endsWith('country')) {
    touch(target.name);
    recheck(target.name, false);
    layOut();
    if (savable(target.name)) {
      save(target.name, target.value.trim(), failed);
    }
  }
});

// The merchant is told of an address when there is one: the first step's, or the
// whole.
const fieldChanged = async (name) => {
  recheck(name, true);
  if (complete(isFirst(name))) {
    await settle();
  }
  addressChanged(order);
};

const separateChanged = async (on) => {
  layOut();
  $('shipping').hidden = !on;
  const typed = Object.fromEntries(shippingNames().map((name) => [name, on ? value(name) : '']));
  await perform(() => act(on ? {type: typed, draft: true} : {ship_to_billing: true}));
  addressChanged(order);
};

const changed = async (target) => {
  const {name, value: chosen, checked} = target;
  switch (name) {
    case 'country':
      await settle();
      await perform(() => act({country: chosen}));
      addressChanged(order);
      break;
    case 'shipping.country':
      await perform(() => act({type: {[name]: chosen}}));
      addressChanged(order);
      break;
    case 'customer_type':
      await perform(() => act({customer: chosen}));
      customerChosen(order);
      break;
    case 'shipping_option':
      await perform(() => act({shipping_option: chosen}));
      optionChosen(order);
      break;
    case 'method':
      refuse('');
      showPaying(order, buying);
      break;
    case 'box':
      unmark(target);
      await perform(() => act({checkboxes: {[chosen]: checked}}));
      boxTicked(chosen, checked);
      break;
    default:
      await (target.id === 'separate-box' ? separateChanged(checked) : fieldChanged(name));
  }
};

form.addEventListener('change', ({target}) => {
  changed(target).catch(failed);
});

// Enter in a field goes on as Continue does; it does not pay.
form.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && event.target.matches('.field input')) {
    event.preventDefault();
    $('continue').click();
  }
});

$('continue').addEventListener('click', () => {
  const first = !opened;
  const field = check(first);
  if (field) {
    field.focus();
    return;
  }
  opened = true;
  folded = complete(false);
  layOut();
  (folded ? $('change') : $('address').querySelector('input, select')).focus();
});

$('change').addEventListener('click', () => {
  folded = false;
  layOut();
  $('field-email').focus();
});

$('notice-button').addEventListener('click', () => {
  if (order) {
    send('redirect', {url: order.confirmation_url});
  } else {
    location.reload();
  }
});

const main = document.querySelector('main');
new ResizeObserver(() => send('height', {height: main.getBoundingClientRect().height})).observe(main);

// What was said of going away holds until the form is seen again: browsers keep the
// page for the way back as it was.
addEventListener('pageshow', ({persisted}) => persisted && reread());

speak(settings.LOCALE);
listen({...onSuspension(form, reread), validated: (verdict) => onVerdict(verdict)});
send('ready');
await reread();
if (order?.status === 'checkout_incomplete') {
  await perform(() => act({load: true}));
}
