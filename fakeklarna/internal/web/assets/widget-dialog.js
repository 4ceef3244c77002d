// The dialog over the shop's page in which the shopper approves a payment.
import {$, make, say} from './dom.js';
import {check, fill, showFields, typed} from './widget-fields.js';
import {explain} from './widget-method.js';
import {act, listen, send, settings} from './widget-shop.js';
import {speak, t} from './widget-texts.js';

const dialog = $('dialog');

let kind; // authorize, reauthorize or finalize
let question; // the shop's page's
let session;
let busy = false;
let answer; // called once, with the result
let verdict; // the result, when the shopper reads first that it is not approved

// The result of an outcome as Klarna.Payments gives it to the page.
const resultOf = ({approved, show_form, authorization_token, finalize_required, invalid_fields}) => ({
  approved,
  show_form,
  ...(authorization_token && {authorization_token}),
  ...(finalize_required && {finalize_required}),
  ...(invalid_fields && {error: {invalid_fields}}),
});

const showBusy = (on) => {
  busy = on;
  const amount = session.total > 0 ? session.total_text : '';
  say($('approve'), on ? t('approving') : amount ? t('approve', amount) : t('approve_nothing'));
  for (const button of [$('approve'), $('decline'), $('close')]) {
    button.ariaDisabled = on ? 'true' : null;
  }
};

const chosenMethod = () => session.methods.find(({id}) => id === question.category);

const show = () => {
  const method = chosenMethod();
  speak(session.locale);
  $('close').ariaLabel = t('close');
  const title = session.total > 0 ? (kind === 'reauthorize' ? 'ask_again' : 'ask') : 'ask_nothing';
  say($('title'), t(title, session.total_text, session.merchant));
  $('method').replaceChildren(make('h2', {textContent: method.name}), ...explain(session, method));
  $('missing').hidden = session.missing.length === 0;
  showFields($('fields'), session.missing);
  showBusy(false);
};

// Decides, and resolves to {outcome, session}.
const decide = (more) => {
  const {category, auto_finalize} = question;
  return act({[kind]: {category, auto_finalize, ...more}});
};

const approve = async () => {
  const wrong = check();
  if (wrong) {
    wrong.focus();
    return;
  }
  showBusy(true);
  say($('refusal'), '');
  let outcome;
  try {
    const {total, currency} = session; // what the dialog says
    ({outcome, session} = await decide({typed: typed(), total, currency}));
  } catch {
    say($('refusal'), t('lost'));
    showBusy(false);
    return;
  }
  if (outcome.approved || outcome.invalid_fields) {
    answer(resultOf(outcome));
    return;
  }
  if (outcome.refused?.code === 'total_changed' && chosenMethod()) {
    show();
    say($('refusal'), t('changed', session.total_text));
    return;
  }
  // Not approved: said here, and told to the page when the shopper goes back.
  busy = false;
  $('close').ariaDisabled = null;
  $('ask').hidden = true;
  $('verdict').hidden = false;
  dialog.setAttribute('aria-labelledby', 'verdict-title');
  say($('verdict-title'), t(outcome.show_form ? 'failed' : 'denied'));
  say($('verdict-text'), t(outcome.show_form ? 'failed_text' : 'denied_text'));
  $('verdict-title').focus();
  verdict = resultOf(outcome);
};

const close = () => {
  if (verdict) {
    answer(verdict);
  } else if (!busy) {
    decide({decision: 'close'}).catch(() => {});
    answer({approved: false, show_form: true});
  }
};

const decline = async () => {
  showBusy(true);
  await decide({decision: 'decline'}).catch(() => {});
  answer({approved: false, show_form: false});
};

// Tells the fake what the page changed, if anything.
const tell = ({category, data}) => act(Object.keys(data).length > 0 ? {load: {category, data}} : undefined);

// Answers a question of the shop's page: tells the fake what the page changed
// and, unless that cannot be, asks the shopper.
const ask = (what) => async (asked) => {
  kind = what;
  question = asked;
  let outcome;
  try {
    ({outcome, session} = await tell(asked));
  } catch {
    return {approved: false, show_form: false};
  }
  if (outcome.invalid_fields) {
    return resultOf(outcome);
  }
  if (session.status === 'complete' || !chosenMethod()) {
    return {approved: false, show_form: false};
  }
  const result = new Promise((resolve) => {
    answer = resolve;
  });
  show();
  send('show');
  return result;
};

$('form').addEventListener('submit', (event) => {
  event.preventDefault();
  if (!busy) {
    approve();
  }
});
$('decline').addEventListener('click', () => busy || decline());
$('close').addEventListener('click', close);
$('back').addEventListener('click', close);
$('fill').addEventListener('click', () => {
  fill(session.test_person);
  $('approve').focus();
});
dialog.addEventListener('cancel', (event) => {
  event.preventDefault();
  close();
});

speak(settings.language);
listen({
  authorize: ask('authorize'),
  reauthorize: ask('reauthorize'),
  finalize: ask('finalize'),
  shown: () => {
    dialog.showModal();
    ($('fields').querySelector('input, select') ?? $('close')).focus();
  },
  cancel: close,
});
send('ready', {title: t('dialog_title')});
