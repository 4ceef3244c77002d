// A frame's line to the shop's page, that is to widget-library.js, and to the
// fake.
import {call, lineTo, settings} from './line.js';

export {Gone} from './line.js';

// The client_token, its language and the origin of the page that shows the frame.
export {settings};

export const {send, listen} = lineTo(settings.origin, 'klarnaPayments');

const patience = 30_000; // ms

const sessionOf = (token) => {
  const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
  return JSON.parse(atob(payload)).session_id;
};

// Does what the shopper does and returns {outcome, session}; without an action
// nothing is done.
export const act = async (action) =>
  call(new URL(`sessions/${sessionOf(settings.token)}`, location.href), `KlarnaPayments ${settings.token}`, patience, action);
