// The dialog in which the shopper approves a payment, as with 3-D Secure or at a
// bank.
import {$, say} from './dom.js';
import {send} from './shop.js';
import {t} from './texts.js';

const dialog = $('approval');

// The frame is as high as its content, so its middle may be off the screen; the
// button that was pressed is not.
const place = () => {
  const {bottom} = $('pay').getBoundingClientRect();
  dialog.style.top = `${Math.max(16, Math.round(bottom - dialog.offsetHeight))}px`;
};

// Resolves with approve, decline or close.
export const approve = ({total_text: total}, method) => new Promise((resolve) => {
  say($('approval-title'), t('approve_title', total));
  say($('approval-text'), t(`approve_${method}`));
  say($('approve'), t('approve', total));
  dialog.returnValue = '';
  dialog.addEventListener('close', () => {
    send('dialog', {open: false});
    resolve(dialog.returnValue || 'close');
  }, {once: true});
  dialog.showModal();
  place();
  $('close').focus({preventScroll: true});
  send('dialog', {open: true});
});

// Closes the dialog if it is open: what it asks about is being changed.
export const withdraw = () => dialog.close('close');
