// The words of widget and dialog, in the session's language. Labels and errors
// of fields are the checkout frame's.
import {say} from './dom.js';
import frame from './texts.json' with {type: 'json'};
import own from './widget-texts.json' with {type: 'json'};

const texts = Object.fromEntries(Object.keys(own).map((key) => [key, {...frame[key], ...own[key]}]));
let language = 'en';
let locale = 'en';

// Takes the locale's language, English when there is no text in it, and puts it
// into everything marked by data-text.
export const speak = (wanted) => {
  locale = String(wanted ?? 'en');
  const short = locale.slice(0, 2).toLowerCase();
  language = {no: 'nb', nn: 'nb'}[short] ?? (Object.hasOwn(texts, short) ? short : 'en');
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-text]')) {
    say(element, t(element.dataset.text));
  }
};

// The text of a key, {0}, {1}… filled in.
export const t = (key, ...args) => texts[language][key].replace(/\{(\d)\}/g, (_, i) => args[i]);

// A date such as 2026-12-20 in words. English has the country's order of day and
// month, and so the session's whole locale.
export const day = (date) => {
  const [wanted] = Intl.DateTimeFormat.supportedLocalesOf(locale).filter((it) => it.startsWith(language));
  return new Intl.DateTimeFormat(wanted ?? language, {dateStyle: 'long', timeZone: 'UTC'}).format(new Date(date));
};
