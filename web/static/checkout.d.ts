/** Types of https://YOUR-SHOPD/v1/checkout.js, to copy into your project. Amounts are minor units. */

export interface MountOptions {
  /** `client_secret` of the checkout session, `cs_…`. */
  clientSecret: string;
  /** The nonce of your page's policy; else that of a script of the page. */
  nonce?: string;
}

/** Codes of errors; more may come. */
export type CheckoutErrorCode =
  | "no_element" | "shadow_root" | "already_mounted" | "blocked" | "unreachable" // of the page
  | "unmounted" | "leaving" | "timeout" | "no_method"
  | "unauthorized" | "bad_request" | "invalid" | "too_many_requests" // of the call
  | "complete" | "placing" | "expired" | "nothing_to_pay" | "nothing_to_sell" | "no_confirmation" // of the session
  | "purchase_running" | "klarna_unavailable" | "klarna_refused" | "unavailable" | "internal";

export interface CheckoutError extends Error {
  code: CheckoutErrorCode | (string & {});
}

export interface DeliveryOption {
  id: string;
  name: string;
  description?: string;
  price: number;
  tax_rate: number;
}

export interface CheckoutEvents {
  /** The total or the lines are others. */
  change: (data: { order_amount: number; order_tax_amount: number; currency: string; revision: number }) => void;
  /** Another way of delivery. */
  delivery: (data: DeliveryOption | null) => void;
  /** Where it goes. */
  address: (data: { country: string; postal_code: string }) => void;
  /** The form goes to the confirmation; nothing may be changed any more. */
  leaving: (data: {}) => void;
  /** shopd has the sale, made in another tab, say. Then the browser goes to success_url, unless a listener returns false. */
  complete: (data: { order: { id: string; number: string } }) => void | false;
  /** The session has ended. Then the browser goes to cancel_url, or checkout_url, unless a listener returns false. */
  expired: (data: {}) => void | false;
  /** What could not be done. The form can be used all the same, and the next update tries again. */
  error: (error: CheckoutError) => void;
}

export interface Checkout {
  /**
   * Holds the form, calls work once, then shows what the session says now. Ends with what work ends with, after the form can
   * be used again; rejects with a CheckoutError when the session could not be read.
   */
  update<T>(work: () => T | Promise<T>): Promise<T>;
  /** update without work. */
  refresh(): Promise<void>;
  /** Returns what ends it. */
  on<E extends keyof CheckoutEvents>(event: E, listener: CheckoutEvents[E]): () => void;
  /** Klarna's own events. */
  on(event: `klarna:${string}`, listener: (...data: any[]) => void): () => void;
  /** Takes the form out of the page. */
  unmount(): void;
}

/** Rejects with a CheckoutError. */
export function mountCheckout(target: string | Element, options: MountOptions): Promise<Checkout>;

/** Shows Klarna's confirmation, for two hours after the purchase. Rejects with a CheckoutError. */
export function mountConfirmation(target: string | Element, options: MountOptions): Promise<{ unmount(): void }>;
