// The form stands still while the shop's page has it suspended.
import {withdraw} from './approval.js';
import {$, say} from './dom.js';
import {t} from './texts.js';

let suspended = false;
let suspends = 0;
let hadFocus;
let announcement;

export const isSuspended = () => suspended;

const suspend = (form) => {
  suspends++;
  if (suspended) {
    return;
  }
  suspended = true;
  withdraw();
  hadFocus = document.activeElement;
  form.inert = true;
  document.body.classList.add('suspended');
  $('veil').hidden = false;
  announcement = setTimeout(() => say($('status'), t('waiting')), 1_000);
};

const release = (form) => {
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

// What to do on suspend and resume. The shopper may act again once the new total
// is on the screen, or could not be had, but not when the page suspended anew
// meanwhile; reread says whether it was the latest.
export const onSuspension = (form, reread) => ({
  suspend: () => suspend(form),
  async resume() {
    const mine = suspends;
    if (await reread() && mine === suspends) {
      release(form);
    }
  },
});
