// A question to the shop as JSON.

/**
 * Posts JSON to the shop.
 * @param {string} url @param {object} body @param {AbortSignal} [signal] @param {RequestInit} [more]
 * @returns {Promise<{status: number, again: number, json: any}|null>} null: no answer; an answer that is no JSON has no
 *   members. again: milliseconds that the shop asks to wait, where it does
 */
export async function ask(url, body, signal, more) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
      keepalive: true, // a click just before the page is left still counts
      signal,
      ...more,
    });
  } catch {
    return null;
  }
  let json = null;
  try {
    json = await response.json();
  } catch {
    // what is no JSON has no member that follows either
  }
  const wait = Number(response.headers.get("Retry-After")) || 1; // a date is not understood
  return { status: response.status, again: Math.min(Math.max(wait, 1), 60) * 1000, json: json ?? {} };
}
