// The words of a page, in the language of its order or session.
import {say} from './dom.js';

let texts;
export let language = 'en';

// Gives the page its words, by language and key.
export const learn = (words) => {
  texts = words;
};

// Takes the locale's language, English when there is no text in it, and puts it
// into everything marked by data-text.
export const speak = (locale) => {
  const wanted = String(locale ?? '').slice(0, 2).toLowerCase();
  language = {no: 'nb', nn: 'nb'}[wanted] ?? (Object.hasOwn(texts, wanted) ? wanted : 'en');
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-text]')) {
    say(element, t(element.dataset.text));
  }
};

// The text of a key, {0}, {1}… filled in.
export const t = (key, ...args) => texts[language][key].replace(/\{(\d)\}/g, (_, i) => args[i]);

export const countryName = (code) =>
  new Intl.DisplayNames([language], {type: 'region'}).of(code) ?? code;
