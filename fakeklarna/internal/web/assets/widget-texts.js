// The words of widget and dialog, in the session's language. Labels and errors
// of fields are the checkout frame's.
import {language, learn, speak as say} from './speech.js';
import frame from './texts.json' with {type: 'json'};
import own from './widget-texts.json' with {type: 'json'};

export {t} from './speech.js';

learn(Object.fromEntries(Object.keys(own).map((key) => [key, {...frame[key], ...own[key]}])));

let locale = 'en';

export const speak = (wanted) => {
  locale = String(wanted ?? 'en');
  say(locale);
};

// A date such as 2026-12-20 in words. English has the country's order of day and
// month, and so the session's whole locale.
export const day = (date) => {
  const [wanted] = Intl.DateTimeFormat.supportedLocalesOf(locale).filter((it) => it.startsWith(language));
  return new Intl.DateTimeFormat(wanted ?? language, {dateStyle: 'long', timeZone: 'UTC'}).format(new Date(date));
};
