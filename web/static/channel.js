// How the tabs of one cart tell each other that it changed.

/**
 * Opens the channel of a cart. It is closed while the page is in the back/forward cache.
 * @param {string} cart the cart's hash; "" = no cart, nothing is said or heard
 * @param {(revision: number) => void} [heard] gets the revision that another page has seen
 * @returns {(revision: number) => void} announces a revision to the others
 */
export function openChannel(cart, heard) {
  if (!cart) return () => {};
  /** @type {BroadcastChannel|null} */ let channel = null;
  const open = () => {
    channel ??= new BroadcastChannel(`shopd-cart-${cart}`);
    if (heard) channel.onmessage = ({ data }) => Number.isInteger(data?.revision) && heard(data.revision);
  };
  open();
  addEventListener("pagehide", () => {
    channel?.close();
    channel = null;
  });
  addEventListener("pageshow", open);
  return (revision) => channel?.postMessage({ revision });
}
