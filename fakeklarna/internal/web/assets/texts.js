// The frame's words, in the language of the order's locale.
import {say} from './dom.js';
import texts from './texts.json' with {type: 'json'};

let language = 'en';

// Takes the locale's language, English when there is no text in it, and puts it
// into everything marked by data-text.
export const speak = (locale) => {
  const wanted = String(locale ?? '').slice(0, 2).toLowerCase();
  language = {no: 'nb', nn: 'nb'}[wanted] ?? (Object.hasOwn(texts, wanted) ? wanted : 'en');
  document.documentElement.lang = language;
  document.title = t('frame_title');
  for (const element of document.querySelectorAll('[data-text]')) {
    say(element, t(element.dataset.text));
  }
};

// The text of a key, {0}, {1}… filled in.
export const t = (key, ...args) => texts[language][key].replace(/\{(\d)\}/g, (_, i) => args[i]);

export const countryName = (code) =>
  new Intl.DisplayNames([language], {type: 'region'}).of(code) ?? code;

// From start to end: points in time as people write them, other texts as they are.
export const timeSpan = (start, end) => {
  const times = [start, end].filter(Boolean);
  if (times.length === 2 && times.every((time) => /^\d{4}-\d\d-\d\dT/.test(time) && !Number.isNaN(Date.parse(time)))) {
    const format = new Intl.DateTimeFormat(language, {weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit'});
    return format.formatRange(new Date(start), new Date(end));
  }
  return times.join('–');
};
