// window.Klarna.Payments, for the shop's page: served as /kp/lib/v1/api.js, a
// classic script as Klarna's is. What is shown is in iframes of the fake; this
// makes them, speaks with them by postMessage and checks how it is called.
// Source: docs.klarna.com, Klarna Payments SDK reference.
(() => {
  'use strict';

  const known = ['klarna', 'pay_later', 'pay_now', 'pay_over_time', 'direct_bank_transfer', 'direct_debit'];
  const patience = 15_000; // ms, for a frame to come up, and for the answer to load
  const frameBase = new URL('../../', document.currentScript.src);

  // What is thrown has one of Klarna's names.
  const problem = (name, message) => Object.assign(new Error(message), {name});

  // What the page gave us to call must not keep us from going on.
  const run = (fn, ...args) => {
    try {
      fn(...args);
    } catch (error) {
      reportError(error);
    }
  };

  // Events.

  const listeners = {heightChanged: new Set(), fullscreenOverlayShown: new Set(), fullscreenOverlayHidden: new Set()};

  const emit = (event, ...args) => {
    for (const listener of [...listeners[event]]) {
      run(listener, ...args);
    }
  };

  const listenersOf = (event) => {
    if (!Object.hasOwn(listeners, event)) {
      throw problem('EventNotSupportedError', `there is no event "${event}"`);
    }
    return listeners[event];
  };

  // The session that init named.

  let client;

  const decode = (part) => JSON.parse(atob(part.replaceAll('-', '+').replaceAll('_', '/')));

  const readToken = (token) => {
    try {
      const [header, payload, signature, ...more] = token.split('.');
      const {session_id: session, purchase_country: country, language} = decode(payload);
      if (decode(header).alg && session && signature && more.length === 0) {
        return {token, session, country, language};
      }
    } catch { // not a token
    }
    throw problem('InvalidClientTokenError', 'client_token is not one that creating a session has answered');
  };

  const initialized = () => {
    if (!client) {
      throw problem('ApplicationNotInitializedError', 'call init first');
    }
    return client;
  };

  // Frames.

  const frames = new Set();

  class Frame {
    #questions = new Map(); // without an answer: id → {put, answer}
    #asked = 0;
    #hears; // the window that was ready last

    // page is the frame's page below /kp/; handlers are called for what it tells
    // of its own accord.
    constructor(page, handlers) {
      const {token, language} = client;
      this.handlers = handlers;
      this.token = token;
      this.iframe = document.createElement('iframe');
      this.iframe.title = 'Klarna';
      const settings = {token, language, origin: self.origin}; // an address may have another: about:srcdoc, file:
      this.iframe.src = `${new URL(page, frameBase)}#${encodeURIComponent(JSON.stringify(settings))}`;
      frames.add(this);
    }

    post(type, data) {
      this.iframe.contentWindow?.postMessage({klarnaPayments: type, ...data}, frameBase.origin);
    }

    // The page may move the frame, which loads it anew in another window.
    get isUp() {
      return this.#hears === this.iframe.contentWindow;
    }

    // The frame's answer to a question, which is made up when the frame can hear
    // it; a frame that is loaded anew is asked again. With a limit in ms there is
    // no answer after that.
    ask(type, question, limit) {
      const id = ++this.#asked;
      const put = () => this.post(type, {id, ...question()});
      return new Promise((resolve) => {
        const answer = (result) => {
          this.#questions.delete(id);
          resolve(result);
        };
        this.#questions.set(id, {put, answer});
        if (limit) {
          setTimeout(answer, limit);
        }
        if (this.isUp) {
          put();
        }
      });
    }

    hear({klarnaPayments: type, id, ...data}) {
      if (type === 'answer') {
        this.#questions.get(id)?.answer(data.result);
        return;
      }
      this.handlers[type]?.(data);
      if (type === 'ready') {
        this.iframe.title = data.title;
        this.#hears = this.iframe.contentWindow;
        this.#questions.forEach(({put}) => put());
      }
    }

    remove() {
      frames.delete(this);
      this.iframe.remove();
    }
  }

  addEventListener('message', ({source, origin, data}) => {
    if (origin === frameBase.origin && data?.klarnaPayments) {
      [...frames].find(({iframe}) => iframe.contentWindow === source)?.hear(data);
    }
  });

  // Widgets: container → what is shown in it.

  const widgets = new Map();

  const containerOf = ({container}) => {
    let element = container;
    if (typeof container === 'string') {
      try {
        element = document.querySelector(container);
      } catch { // not a selector
        element = null;
      }
    }
    if (!(element instanceof Element)) {
      throw problem('InvalidContainerSelectorError', `there is no container ${container}`);
    }
    return element;
  };

  // The identifiers of the categories asked for, each given as such or as the
  // object of the session's answer; none mean all that the session has.
  const categoriesOf = ({payment_method_category: one, payment_method_categories: many}) => {
    if ((one ?? many ?? null) === null) {
      return [];
    }
    const identifiers = [one ?? many].flat().map((category) => category?.identifier ?? category);
    if (identifiers.length === 0 || identifiers.includes('')) {
      throw problem('PaymentMethodCategoryNotProvidedError', 'a payment method category is empty');
    }
    const strange = identifiers.find((identifier) => !known.includes(identifier));
    if (strange !== undefined) {
      throw problem('PaymentMethodCategoryNotSupportedError', `there is no payment method category "${strange}"`);
    }
    return identifiers;
  };

  const preferredOf = ({preferred_payment_method: preferred}, categories) => {
    const offered = categories.length > 0 ? categories : known;
    if ((preferred ?? null) !== null && !offered.includes(preferred)) {
      throw problem('PreferredPaymentMethodNotSupportedError', `"${preferred}" is not among the categories`);
    }
    return preferred;
  };

  const makeWidget = (container) => {
    const widget = {categories: [], loaded: false};
    widget.frame = new Frame('widget', {
      ready: () => widget.last && widget.frame.post('load', widget.last),
      chosen: ({category}) => {
        widget.chosen = category;
      },
      height: ({height}) => {
        if (Number.isFinite(height)) {
          const pixels = Math.min(Math.max(Math.ceil(height), 0), 20_000);
          widget.frame.iframe.style.height = `${pixels}px`;
          emit('heightChanged', pixels);
        }
      },
    });
    Object.assign(widget.frame.iframe.style, {display: 'block', width: '100%', height: '0', border: '0'});
    container.append(widget.frame.iframe);
    return widget;
  };

  // The widget in a container; one that the page has thrown out is made anew.
  const widgetIn = (container) => {
    const old = widgets.get(container);
    if (old && container.contains(old.frame.iframe)) {
      return old;
    }
    old?.frame.remove();
    const widget = makeWidget(container);
    widgets.set(container, widget);
    return widget;
  };

  const show = async (widget, question, answer) => {
    const result = await widget.frame.ask('load', () => question, patience);
    const {data, ...again} = question;
    Object.assign(widget, {last: again, loaded: true});
    answer(result ?? {show_form: false});
  };

  const same = (a, b) => a.length === b.length && a.every((category) => b.includes(category));

  // The widget that was loaded with these options.
  const loadedWith = (options) => {
    const {instance_id: instance} = options;
    const categories = categoriesOf(options);
    const loaded = [...widgets.values()].filter((widget) => widget.loaded && !widget.review);
    const widget = loaded.find((other) => other.instance === instance && same(other.categories, categories)) ??
      loaded.find((other) => instance === undefined && same(other.categories, categories));
    if (!widget && categories.length === 0 && loaded.length > 0) {
      throw problem('PaymentMethodCategoryNotProvidedError', 'name the payment method category that was loaded');
    }
    if (!widget) {
      throw problem('ApplicationNotLoadedError', 'call load with the same categories first');
    }
    return widget;
  };

  // The dialog in which the shopper approves. The frame fills a modal dialog of
  // the page, so that nothing behind it can be reached meanwhile.

  const openOverlay = (ended) => {
    const dialog = document.createElement('dialog');
    const frame = new Frame('dialog', {
      show: () => {
        if (!dialog.open) {
          dialog.showModal();
          frame.iframe.focus();
          frame.post('shown');
          emit('fullscreenOverlayShown');
        }
      },
    });
    const whole = {display: 'block', width: '100%', height: '100%', border: '0', background: 'transparent'};
    Object.assign(frame.iframe.style, whole, {colorScheme: 'light dark'});
    Object.assign(dialog.style, {
      position: 'fixed', inset: '0', width: '100%', height: '100%', maxWidth: 'none', maxHeight: 'none',
      margin: '0', padding: '0', border: '0', background: 'transparent', overflow: 'hidden',
    });
    dialog.append(frame.iframe);
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      frame.post('cancel');
    });
    dialog.addEventListener('close', ended); // browsers let a shopper out who insists
    document.body.append(dialog);
    return {
      frame,
      close() {
        const shown = dialog.open;
        dialog.close();
        dialog.remove();
        frame.remove();
        if (shown) {
          emit('fullscreenOverlayHidden');
        }
      },
    };
  };

  const closed = {approved: false, show_form: true};
  let running = false;

  // Lets the shopper approve; only one call at a time may.
  const approve = async (kind, question, answer) => {
    if (running) {
      queueMicrotask(() => answer({...closed}));
      return;
    }
    running = true;
    const before = document.activeElement;
    let end;
    const ended = new Promise((resolve) => {
      end = () => resolve({...closed});
    });
    const overlay = openOverlay(end);
    setTimeout(() => overlay.frame.isUp || end(), patience);
    const result = await Promise.race([overlay.frame.ask(kind, question), ended]);
    overlay.close();
    running = false;
    answer(result);
    if (document.activeElement === document.body && before?.isConnected) {
      before.focus({preventScroll: true}); // the page had it disabled meanwhile
    }
  };

  // What goes to a frame is JSON, as it will be on its way to the fake.
  const plain = (data) => JSON.parse(JSON.stringify(data));

  // A call (options, [data], [callback]): what it throws is told to the callback
  // before.
  const told = (refusal, call) => (options, ...rest) => {
    const callback = rest.find((arg) => typeof arg === 'function') ?? (() => {});
    const data = typeof rest[0] === 'function' ? {} : rest[0] ?? {};
    const answer = (result) => run(callback, result);
    try {
      initialized();
      call(options ?? {}, plain(data), answer);
    } catch (error) {
      answer({...refusal});
      throw error;
    }
  };

  const refused = {approved: false, show_form: false};

  const Payments = Object.freeze({
    init(options) {
      const next = readToken(options?.client_token);
      if (client && client.token !== next.token) {
        for (const {frame} of widgets.values()) {
          frame.remove();
        }
        widgets.clear();
      }
      client = next;
    },

    load: told({show_form: false}, (options, data, answer) => {
      const container = containerOf(options);
      const categories = categoriesOf(options);
      const preferred = preferredOf(options, categories);
      const widget = widgetIn(container);
      Object.assign(widget, {categories, instance: options.instance_id, review: false});
      show(widget, {categories, preferred, data}, answer);
    }),

    authorize: told(refused, (options, data, answer) => {
      const widget = loadedWith(options);
      const auto_finalize = options.auto_finalize !== false;
      approve('authorize', () => ({category: widget.chosen, auto_finalize, data}), answer);
    }),

    reauthorize: told(refused, (options, data, answer) => {
      const [category, ...more] = categoriesOf({payment_method_category: options.payment_method_category});
      if (!category || more.length > 0) {
        throw problem('PaymentMethodCategoryNotProvidedError', 'name one payment_method_category');
      }
      approve('reauthorize', () => ({category, data}), answer);
    }),

    finalize: told(refused, (options, data, answer) => {
      const widget = loadedWith(options);
      approve('finalize', () => ({category: widget.chosen, data}), answer);
    }),

    loadPaymentReview: told({show_form: false}, (options, _, answer) => {
      if (client.country?.toUpperCase() !== 'US') {
        throw problem('OperationNotSupportedError', 'payment reviews exist in the US only');
      }
      const widget = widgetIn(containerOf(options));
      Object.assign(widget, {categories: [], review: true});
      show(widget, {categories: [], review: true}, answer);
    }),

    on(event, listener) {
      listenersOf(event).add(listener);
    },

    off(event, listener) {
      if (listener) {
        listenersOf(event).delete(listener);
      } else {
        listenersOf(event).clear();
      }
    },
  });

  window.Klarna = {...window.Klarna, Payments};
  if (typeof window.klarnaAsyncCallback === 'function') {
    run(window.klarnaAsyncCallback);
  }
})();
