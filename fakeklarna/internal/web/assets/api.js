// The frame's calls to the fake, and the saving of what the shopper types.
import {call, settings} from './line.js';

export {Gone} from './line.js';

const orderURL = location.pathname.replace(/\/frame$/, '');
const authorization = settings.AUTH_HEADER ?? '';
const patience = 5_000; // ms
const merchantPatience = 30_000; // ms; the fake may ask the merchant first

export const readOrder = () => call(orderURL, authorization, patience);

export const act = (action) => call(`${orderURL}/shopper`, authorization, merchantPatience, action);

let unsaved = {};
let drafts = {}; // saved, and not yet told to the merchant
let timer;
let saving = Promise.resolve();

const sendTyped = async (draft) => {
  const typed = draft ? unsaved : {...drafts, ...unsaved};
  if (Object.keys(typed).length === 0) {
    return undefined;
  }
  const before = unsaved;
  unsaved = {};
  try {
    const outcome = await act({type: typed, draft});
    drafts = draft ? {...drafts, ...typed} : {};
    return outcome;
  } catch (error) {
    unsaved = {...before, ...unsaved};
    throw error;
  }
};

// Sends what is unsaved, after what is on its way; a draft is not told to the
// merchant. Rejects when it could not be saved; it stays unsaved then. Resolves
// with the outcome, undefined when there was nothing to send.
const flush = (draft) => {
  clearTimeout(timer);
  saving = saving.catch(() => {}).then(() => sendTyped(draft));
  return saving;
};

// Sends all that was typed and makes it known to the merchant.
export const settleTyped = () => flush(false);

// Saves one field a moment later, so that not each key makes a call.
export const save = (name, value, onError) => {
  unsaved[name] = value;
  clearTimeout(timer);
  timer = setTimeout(() => flush(true).catch(onError), 250);
};

addEventListener('pagehide', () => {
  if (Object.keys(unsaved).length > 0) {
    const typed = unsaved;
    unsaved = {};
    act({type: typed, draft: true}).catch(() => {});
  }
});
