// The fake's own pages work without this. With it they follow what happens, and
// a form does not load the page anew.
import {merge, touch, untouch} from './fake-merge.js';

const slowBeat = 30_000; // ms between two looks at ages and remaining times
const retryAfter = 5_000; // ms between two looks while no stream is to be had
const html = {headers: {Accept: 'text/html'}, cache: 'no-store'};
const $ = (id) => document.getElementById(id);

document.documentElement.classList.add('script');

// The clock ticks between two copies of the page.
let clockRead;
let clockAt;
const tick = () => {
  const clock = $('clock');
  if (clockRead !== clock.dateTime) {
    clockRead = clock.dateTime;
    clockAt = performance.now();
  }
  const now = new Date(Date.parse(clockRead) + performance.now() - clockAt);
  const text = `${now.getUTCDate()} ${now.toLocaleString('en-GB', {month: 'short', timeZone: 'UTC'}).slice(0, 3)} ${now.toISOString().slice(11, 19)}`;
  if (clock.textContent !== text) {
    clock.textContent = text;
  }
};

const take = (text) => {
  const fresh = new DOMParser().parseFromString(text, 'text/html');
  document.title = fresh.title;
  merge(document.body, fresh.body);
  tick();
};

// At most one look at a time, and one more if something happened meanwhile.
let paused = false;
let busy = false;
let again = false;
const refresh = async () => {
  if (paused || document.hidden) {
    return;
  }
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const address = new URL(document.body.dataset.here ?? location.href, location.href);
    address.searchParams.delete('done');
    const response = await fetch(address, html);
    const text = await response.text();
    if (!paused) {
      keepSaid(() => take(text));
    }
  } catch {
    // The fake is not there: the stream says when it is again.
  } finally {
    busy = false;
  }
  if (again) {
    again = false;
    refresh();
  }
};

// What a form has said stays until the next one.
const keepSaid = (change) => {
  const regions = [$('said'), $('wrong')];
  regions.forEach((region) => { region.dataset.mine = ''; });
  change();
  regions.forEach((region) => { delete region.dataset.mine; });
};

// A page that nobody looks at holds no connection: browsers have six for a host.
let stream;
const follow = () => {
  stream?.close();
  stream = undefined;
  if (paused || document.hidden) {
    return;
  }
  const opened = new EventSource(document.body.dataset.live);
  stream = opened;
  opened.onmessage = refresh;
  opened.onerror = () => {
    if (opened.readyState === EventSource.CLOSED) {
      setTimeout(() => {
        if (stream === opened) {
          refresh();
          follow();
        }
      }, retryAfter);
    }
  };
};

document.addEventListener('visibilitychange', follow);
addEventListener('pagehide', () => stream?.close());
addEventListener('pageshow', ({persisted}) => persisted && follow());
setInterval(tick, 250);
setInterval(refresh, slowBeat);

const send = async (form, button) => {
  const body = new URLSearchParams(new FormData(form, button));
  button?.setAttribute('aria-disabled', 'true');
  form.ariaBusy = 'true';
  try {
    const response = await fetch(form.getAttribute('action'), {...html, method: 'POST', body});
    const text = await response.text();
    if (response.ok) {
      untouch(form);
      form.reset();
    }
    const there = new URL(response.url);
    if (response.redirected && there.pathname !== location.pathname) {
      location.assign(there);
      return;
    }
    button?.removeAttribute('aria-disabled');
    form.ariaBusy = null;
    document.querySelector('dialog[open]')?.close();
    $('said').replaceChildren(); // said twice, it is read out twice
    $('wrong').replaceChildren();
    const details = form.closest('details.act');
    if (response.ok && details?.contains(document.activeElement)) {
      details.open = false;
      details.firstElementChild.focus();
    }
    take(text);
    if (document.activeElement === document.body) {
      $('main').focus();
    }
    (response.ok ? $('said') : $('wrong')).scrollIntoView({block: 'nearest'});
  } catch {
    location.reload();
  }
};

document.addEventListener('input', ({target}) => {
  const form = target.closest('form');
  if (form) {
    touch(form);
  }
});

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.getAttribute('method') !== 'post') { // form.method may be a field of that name
    return;
  }
  event.preventDefault();
  if (form.ariaBusy !== 'true') {
    send(form, event.submitter);
  }
});

const copy = async (button) => {
  const pre = button.parentElement.querySelector('pre');
  try {
    await navigator.clipboard.writeText(pre.textContent);
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 2_000);
  } catch {
    getSelection().selectAllChildren(pre); // not allowed to: Ctrl+C is left
  }
};

document.addEventListener('click', (event) => {
  const at = (selector) => event.target.closest(selector);
  if (at('#pause')) {
    paused = !paused;
    at('#pause').ariaPressed = String(paused);
    refresh();
    follow();
  } else if (at('[data-copy]')) {
    copy(at('[data-copy]'));
  } else if (at('[data-dialog]')) {
    event.preventDefault();
    $(at('[data-dialog]').dataset.dialog).showModal();
  } else if (at('dialog [data-close]')) {
    event.preventDefault();
    at('dialog').close();
  }
});

tick();
follow();
