// The frame's line to the shop's page: the checkout.bootstrap.js that made it.

const readSettings = () => {
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return {}; // opened by itself, without a snippet
  }
};

// The snippet's config, and the ORIGIN of the page that shows it.
export const settings = readSettings();

export const send = (type, data) => {
  if (settings.ORIGIN) {
    window.parent.postMessage({klarnaCheckout: type, ...data}, settings.ORIGIN);
  }
};

export const emit = (event, data) => send('event', {event, data});

// Calls handlers[type] for each message of the shop's page.
export const listen = (handlers) => {
  const types = new Map(Object.entries(handlers));
  addEventListener('message', ({source, origin, data}) => {
    if (source === window.parent && origin === settings.ORIGIN) {
      types.get(data?.klarnaCheckout)?.(data);
    }
  });
};
