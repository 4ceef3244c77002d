// Loaded by the inline script of the html_snippet. Makes the iframe, takes over
// window._klarnaCheckout from the snippet's stub and speaks with the iframe by
// postMessage. A classic script, as Klarna's is: it runs once per snippet.
(() => {
  'use strict';

  const autoResumeAfter = 10_000; // ms
  const stub = window._klarnaCheckout;
  const config = stub?.config;
  if (!config?.container || stub.running?.config === config) {
    return; // no snippet, or a script of an earlier snippet that came late
  }
  stub.running?.end();

  const frameOrigin = new URL(config.ORDER_URL, location.href).origin;
  const listeners = new Map();
  let suspended = false;
  let ready = false;
  let timer;

  const iframe = document.createElement('iframe');
  iframe.id = 'klarna-checkout-iframe';
  iframe.name = 'klarna-checkout-iframe';
  iframe.title = config.TITLE;
  iframe.style.cssText = 'display:block;width:100%;min-width:100%;height:600px;border:0';
  const {container, ...settings} = config;
  settings.ORIGIN = self.origin; // an address may have another: about:srcdoc, file:
  iframe.src = `${config.ORDER_URL}/frame#${encodeURIComponent(JSON.stringify(settings))}`;

  // Before the frame is ready nothing is sent: it starts by reading the order.
  const send = (type, data) => {
    if (ready) {
      iframe.contentWindow?.postMessage({klarnaCheckout: type, ...data}, frameOrigin);
    }
  };

  // A listener that throws must not keep the frame from going on.
  const call = (fn, ...args) => {
    try {
      fn(...args);
    } catch (error) {
      reportError(error);
    }
  };

  const api = Object.freeze({
    suspend(options) {
      clearTimeout(timer);
      if (options?.autoResume?.enabled !== false) {
        timer = setTimeout(api.resume, autoResumeAfter);
      }
      suspended = true;
      send('suspend');
      return api;
    },
    resume() {
      clearTimeout(timer);
      suspended = false;
      send('resume');
      return api;
    },
    on(events) {
      for (const [event, listener] of Object.entries(events ?? {})) {
        if (typeof listener === 'function') {
          listeners.set(event, listener);
        }
      }
      return api;
    },
  });

  // The frame waits for the answer: a listener that fails before it has given one
  // has not agreed.
  const validate = async () => {
    let answer = (verdict) => {
      send('validated', {should_proceed: verdict?.should_proceed === true, message: String(verdict?.message ?? '')});
      answer = () => {};
    };
    const listener = listeners.get('validation_callback') ?? ((_, callback) => callback({should_proceed: true}));
    try {
      await listener({}, (verdict) => answer(verdict));
    } catch (error) {
      reportError(error);
      answer({should_proceed: false});
    }
  };

  const redirect = (url) => {
    if (/^https?:$/.test(new URL(url, location.href).protocol)) {
      location.assign(url);
    }
  };

  const onMessage = ({source, origin, data}) => {
    if (source !== iframe.contentWindow || origin !== frameOrigin || !data) {
      return;
    }
    switch (data.klarnaCheckout) {
      case 'ready':
        ready = true;
        document.getElementById('klarna-unsupported-page')?.remove();
        if (suspended) {
          send('suspend');
        }
        break;
      case 'height':
        if (Number.isFinite(data.height)) {
          iframe.style.height = `${Math.min(Math.max(Math.ceil(data.height), 0), 20_000)}px`;
        }
        break;
      case 'event': {
        const listener = listeners.get(data.event);
        if (listener) {
          call(listener, data.data);
        }
        break;
      }
      case 'validate':
        validate();
        break;
      case 'dialog':
        document.documentElement.classList.toggle('klarna-checkout-fso-open', data.open === true);
        break;
      case 'redirect':
        redirect(data.url);
        break;
    }
  };

  // A snippet of another order, injected in the same page, puts its config on
  // this function: from then on calls wait for that snippet's own bootstrap.
  const takeOver = function (callback) {
    if (takeOver.config !== config) {
      (takeOver.q ??= []).push(arguments);
    } else if (typeof callback === 'function') {
      call(callback, api);
    }
  };
  takeOver.config = config;
  takeOver.running = {
    config,
    end() {
      removeEventListener('message', onMessage);
      listeners.clear();
      ready = false;
      document.documentElement.classList.remove('klarna-checkout-fso-open');
      iframe.remove();
    },
  };

  window._klarnaCheckout = takeOver;
  addEventListener('message', onMessage);
  container.append(iframe);
  for (const args of stub.q ?? []) {
    takeOver(...args);
  }
})();
