// The frame's words, in the language of the order's locale.
import {language, learn, speak as say, t} from './speech.js';
import texts from './texts.json' with {type: 'json'};

export {countryName, t} from './speech.js';

learn(texts);

export const speak = (locale) => {
  say(locale);
  document.title = t('frame_title');
};

// From start to end: points in time as people write them, other texts as they are.
export const timeSpan = (start, end) => {
  const times = [start, end].filter(Boolean);
  if (times.length === 2 && times.every((time) => /^\d{4}-\d\d-\d\dT/.test(time) && !Number.isNaN(Date.parse(time)))) {
    const format = new Intl.DateTimeFormat(language, {weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit'});
    return format.formatRange(new Date(start), new Date(end));
  }
  return times.join('–');
};
