// A frame's line to the shop's page, which made the frame, and its calls to the
// fake.

const readSettings = () => {
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return {}; // opened by itself
  }
};

// What the page has told the frame.
export const settings = readSettings();

// The line to a page of that origin, whose messages have a member named mark. A
// page without an origin (a file, a blank page that a test filled) is called
// "null", which postMessage does not take. Nobody but the page around the frame is
// sent anything, and that is who has said the origin.
export const lineTo = (page, mark) => {
  const send = (type, data) => {
    if (page) {
      window.parent.postMessage({[mark]: type, ...data}, page === 'null' ? '*' : page);
    }
  };

  // Calls handlers[type] for each message of the page. What a handler returns, if
  // anything, answers the page's question.
  const listen = (handlers) => {
    const types = new Map(Object.entries(handlers));
    addEventListener('message', async ({source, origin, data}) => {
      if (source !== window.parent || origin !== page) {
        return;
      }
      const {[mark]: type, id, ...question} = data ?? {};
      const result = await types.get(type)?.(question);
      if (result) {
        send('answer', {id, result});
      }
    });
  };
  return {send, listen};
};

// What is asked for is unknown, expired or not this frame's to see.
export class Gone extends Error {}

// Posts an action, or reads without one.
export const call = async (url, authorization, patience, action) => {
  const body = action && JSON.stringify(action);
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    headers: {'Authorization': authorization, 'Content-Type': 'application/json'},
    body,
    cache: 'no-store',
    keepalive: !body || body.length < 50_000, // it arrives although the frame goes away; browsers allow 64 KiB
    signal: AbortSignal.timeout(patience),
  });
  if (response.status === 404 || response.status === 401) {
    throw new Gone(String(response.status));
  }
  if (!response.ok) {
    throw new Error(`the fake answered ${response.status}`);
  }
  return response.json();
};
