// The checkout inside the iframe: shows the order, takes what the shopper types,
// stands still while the shop's page has it suspended, and buys.
import {act, flush, Gone, readOrder, save} from './api.js';
import {$, say} from './dom.js';
import {addressChanged, loaded, optionChosen, totalChanged} from './events.js';
import {check, complete, recheck, savable, showFields, touch} from './fields.js';
import {emit, listen, send, settings} from './shop.js';
import {load, speak, t} from './texts.js';
import {choice, refuse, showNotice, showOrder, showPaying, showSummary} from './view.js';

const form = $('checkout');
let order;
let opened = false; // the address fields are shown
let folded = false; // contact and delivery are a summary

const layOut = () => {
  opened ||= complete(true);
  $('address').hidden = !opened;
  $('fields').hidden = folded;
  showSummary(folded);
};

const maskedEmail = (email) => email.replace(/^(.)[^@]*/, '$1•••');

// For an order that is open no longer.
const showClosed = () => {
  if (order.status !== 'checkout_complete') {
    showNotice(t('expired'), t('expired_text'));
  } else if (settings.ORDER_STATUS !== 'checkout_complete') {
    showNotice(t('paid'), t('paid_text'), t('paid_button'));
  } else if (order.receipt) {
    showNotice(t('thanks'), t('thanks_text', maskedEmail(order.values.email ?? '')));
  } else {
    showNotice(t('receipt_gone'), t('receipt_gone_text'));
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
  showFields($('contact'), $('address'), order);
  showOrder(order);
  refuse('');
  folded ||= !before && complete(false);
  layOut();
  if (!before) {
    loaded(order);
  } else if (before.total !== order.total) {
    totalChanged(order);
  }
};

const failed = (error) => {
  if (error instanceof Gone) {
    showNotice(t('expired'), t('expired_text'));
    return;
  }
  emit('network_error', {});
  if (order) {
    refuse(t('network'));
  } else {
    showNotice(t('network'), '', t('retry'));
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

// Suspended by the shop's page.

let suspended = false;
let suspends = 0;
let hadFocus;
let announcement;

const suspend = () => {
  suspends++;
  if (suspended) {
    return;
  }
  suspended = true;
  hadFocus = document.activeElement;
  form.inert = true;
  document.body.classList.add('suspended');
  $('veil').hidden = false;
  announcement = setTimeout(() => say($('status'), t('waiting')), 1_000);
};

const release = () => {
  clearTimeout(announcement);
  say($('status'), '');
  suspended = false;
  form.inert = false;
  document.body.classList.remove('suspended');
  $('veil').hidden = true;
  if (document.hasFocus() && document.activeElement === document.body) {
    hadFocus?.focus({preventScroll: true});
  }
};

// The shopper may act again once the new total is on the screen, or could not be
// had, but not when the page suspended anew meanwhile.
const resume = async () => {
  const mine = suspends;
  if (await reread() && mine === suspends) {
    release();
  }
};

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

const buy = async () => {
  await flush();
  const verdict = order.client_validation ? await approvedByShop() : {should_proceed: true};
  if (!verdict.should_proceed) {
    refuse(verdict.message || t('refused'));
    return;
  }
  let outcome;
  try {
    outcome = await act({buy: {method: choice('method')}});
  } catch (error) {
    if (error instanceof Gone) {
      throw error;
    }
    await askWhetherBought();
    return;
  }
  if (outcome.refused?.code === 'read_only_order') {
    await reread(); // bought or aborted meanwhile: shows which
    return;
  }
  if (outcome.refused) {
    refuse(outcome.refused.message || t('refused'));
    return;
  }
  showNotice(t('leaving'));
  emit('redirect_initiated', true);
  send('redirect', {url: outcome.confirmation_url});
};

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (buying || suspended) {
    return;
  }
  const wrong = check(false);
  if (wrong) {
    opened = true;
    folded = false;
    layOut();
    refuse(t('check_fields'));
    wrong.focus();
    return;
  }
  buying = true;
  refuse('');
  showPaying(order, true);
  await buy().catch(failed);
  buying = false;
  showPaying(order, false);
});

// Typing.

const isField = (target) => target.matches('.field input, .field select');

form.addEventListener('input', ({target}) => {
  if (isField(target) && target.name !== 'country') {
    touch(target.name);
    recheck(target.name, false);
    layOut();
    if (savable(target.name)) {
      save(target.name, target.value.trim(), failed);
    }
  }
});

const changed = async ({name, value}) => {
  await flush();
  switch (name) {
    case 'country':
      await act({country: value});
      await reread();
      addressChanged(order);
      break;
    case 'shipping_option':
      await act({shipping_option: value});
      await reread();
      optionChosen(order);
      break;
    default:
      addressChanged(order);
  }
};

form.addEventListener('change', ({target}) => {
  if (isField(target)) {
    recheck(target.name, true);
  }
  if (isField(target) || target.name === 'shipping_option') {
    changed(target).catch(failed);
  }
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
  const wrong = check(first);
  if (wrong) {
    wrong.focus();
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

await load();
speak(settings.LOCALE);
listen({suspend, resume, validated: (verdict) => onVerdict(verdict)});
send('ready');
await reread();
