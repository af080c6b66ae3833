/** Settings of the second front door: SIP over WebSocket, for user agents such as JsSIP and SIP.js. */
import { area, flag, integer, text } from './area.ts';

export const w2Sip = area('SIP over WebSocket', {
  enabled: flag(
    'Let user agents that speak SIP over WebSocket register and call; see docs/sip-over-websocket.md.',
    false,
  ),
  path: text('Where they open it, on the API listener.', '/sip'),
  authzServer: text(
    'Authorization server named to who shows no good token, an https URL. Empty: the first of `auth.issuers` that is https, else none.',
  ),
  graceMs: integer(
    'How long a registered user agent that lost its connection may take to come back.',
    10_000,
    0,
    10_000,
  ),
  maxConnections: integer('Connections at once.', 5000, 1),
  messagesPerS: integer('Messages per second of one connection; twice as many may come at once.', 50, 1),
  maxMessageBytes: integer('Largest message taken.', 131_072, 4096, 524_288),
});
