// The frame's calls to the fake, and the saving of what the shopper types.
import {settings} from './shop.js';

const orderURL = location.pathname.replace(/\/frame$/, '');
const patience = 5_000; // ms

// The order is unknown, expired or not this frame's to see.
export class Gone extends Error {}

const call = async (path, body) => {
  const response = await fetch(orderURL + path, {
    method: body ? 'POST' : 'GET',
    headers: {'Authorization': settings.AUTH_HEADER ?? '', 'Content-Type': 'application/json'},
    body: body && JSON.stringify(body),
    cache: 'no-store',
    keepalive: true, // what was typed last arrives although the page goes away
    signal: AbortSignal.timeout(body?.buy ? 6 * patience : patience),
  });
  if (response.status === 404 || response.status === 401) {
    throw new Gone(String(response.status));
  }
  if (!response.ok) {
    throw new Error(`the fake answered ${response.status}`);
  }
  return response.json();
};

export const readOrder = () => call('');

export const act = (action) => call('/shopper', action);

let unsaved = {};
let timer;
let saving = Promise.resolve();

// Sends what is unsaved, after what is on its way. Rejects when it could not be
// saved; it stays unsaved then.
export const flush = () => {
  clearTimeout(timer);
  saving = saving.catch(() => {}).then(async () => {
    const typed = unsaved;
    if (Object.keys(typed).length === 0) {
      return;
    }
    unsaved = {};
    try {
      await act({type: typed});
    } catch (error) {
      unsaved = {...typed, ...unsaved};
      throw error;
    }
  });
  return saving;
};

// Saves one field a moment later, so that not each key makes a call.
export const save = (name, value, onError) => {
  unsaved[name] = value;
  clearTimeout(timer);
  timer = setTimeout(() => flush().catch(onError), 250);
};

addEventListener('pagehide', () => {
  if (Object.keys(unsaved).length > 0) {
    const typed = unsaved;
    unsaved = {};
    act({type: typed}).catch(() => {});
  }
});
