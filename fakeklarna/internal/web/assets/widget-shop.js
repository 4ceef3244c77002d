// A frame's line to the shop's page, that is to widget-library.js, and to the
// fake.

const readSettings = () => {
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return {}; // opened by itself
  }
};

// The client_token, its language and the origin of the page that shows the frame.
export const settings = readSettings();

export const send = (type, data) => {
  if (settings.origin) {
    window.parent.postMessage({klarnaPayments: type, ...data}, settings.origin);
  }
};

// Calls handlers[type] for each message of the shop's page. What a handler
// returns, if anything, answers the page's question.
export const listen = (handlers) => {
  const types = new Map(Object.entries(handlers));
  addEventListener('message', async ({source, origin, data}) => {
    if (source !== window.parent || origin !== settings.origin) {
      return;
    }
    const {klarnaPayments: type, id, ...question} = data ?? {};
    const result = await types.get(type)?.(question);
    if (result) {
      send('answer', {id, result});
    }
  });
};

const sessionOf = (token) => {
  const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
  return JSON.parse(atob(payload)).session_id;
};

// The session is unknown, expired or not this frame's to see.
export class Gone extends Error {}

const call = async (action) => {
  const body = action && JSON.stringify(action);
  const response = await fetch(new URL(`sessions/${sessionOf(settings.token)}`, location.href), {
    method: body ? 'POST' : 'GET',
    headers: {'Authorization': `KlarnaPayments ${settings.token}`, 'Content-Type': 'application/json'},
    body,
    cache: 'no-store',
    keepalive: Boolean(body) && body.length < 50_000, // a dialog that closes takes its frame away; browsers allow 64 KiB
    signal: AbortSignal.timeout(30_000),
  });
  if (response.status === 404 || response.status === 401) {
    throw new Gone(String(response.status));
  }
  if (!response.ok) {
    throw new Error(`the fake answered ${response.status}`);
  }
  return response.json();
};

// Does what the shopper does and returns {outcome, session}.
export const act = (action) => call(action);

// The same without doing anything.
export const look = () => call();
