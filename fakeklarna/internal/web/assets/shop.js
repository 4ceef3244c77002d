// The frame's line to the shop's page: the checkout.bootstrap.js that made it.
import {lineTo, settings} from './line.js';

// The snippet's config, and the ORIGIN of the page that shows it.
export {settings};

export const {send, listen} = lineTo(settings.ORIGIN, 'klarnaCheckout');

export const emit = (event, data) => send('event', {event, data});
