/** Which figures of an engine are input that was thrown away because it was broken or came from somebody who has no business here. */

/** What happens in good calls too is left out: duplicates, packets before the keys, payload types nobody asked for. */
const THROWN_AWAY: ReadonlySet<string> = new Set([
  // The port towards browsers.
  'port-size',
  'port-kind',
  'port-unanswerable',
  'port-unknown-source',
  'port-stun-malformed',
  'port-stun-unknown-user',
  // Sources that have proved themselves.
  'leg-check-refused',
  'leg-check-replayed',
  'leg-dtls-rate',
  'leg-malformed',
  'leg-tag',
  'leg-ssrc',
  'leg-rate',
  'leg-muted',
  'leg-handshake-refused',
  'dtls-dropped-records',
  'web-malformed',
  'web-oversize',
  'web-rate',
  // The ports towards the core.
  'ims-malformed',
  'ims-oversize',
  'ims-rate',
  'ims-wrong-source',
  'ims-srtp',
]);

/** Whether a figure is worth a line in the log. */
export function isThrownAway(event: string): boolean {
  return THROWN_AWAY.has(event);
}
