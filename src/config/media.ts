/** Settings of the media plane. */
import { Type } from 'typebox';
import { area, choice, choices, flag, inherited, integer, list, text } from './area.ts';

/** Speech codecs by their names in rtpmap. */
const CODECS = ['PCMA', 'PCMU', 'G722', 'opus', 'AMR', 'AMR-WB'] as const;

/** What each realm may say for itself, in `ims.realms`. */
const realmFields = {
  webCodecs: choices(
    'Speech codecs towards browsers, the preferred first. Offered is only what the media engine can pass to the other side as it is, or code; G.711 is preferred where the core has nothing better.',
    ['opus', 'PCMA', 'PCMU'],
    CODECS,
  ),
  imsCodecs: choices(
    'Speech codecs towards the core, the preferred first, under the same condition. An offer of the core is answered in its own order.',
    ['AMR-WB', 'AMR', 'PCMA', 'PCMU'],
    CODECS,
  ),
  imsHost: text('Address of RTP towards the core.', '127.0.0.1'),
  imsAdvertisedHost: text('Address written into the IMS-side SDP; empty means `media.imsHost`.'),
  imsHost6: text('IPv6 address of RTP towards the core, beside an IPv4 `media.imsHost`; empty: there is one address.'),
  imsAdvertisedHost6: text('The same for it; empty means `media.imsHost6`.'),
  imsPrefer: choice(
    'Family of calls to the core when there are both; calls from it take that of their offer.',
    'ipv4',
    ['ipv4', 'ipv6'],
  ),
  prefixes: list('Addresses the core’s SDP may point at, as CIDR prefixes.', ['127.0.0.0/8']),
  imsSrtp: choice(
    'SRTP towards the core, with keys in SDP (SDES): `off`; `accept`, where the core offers it; `offer`, beside plain RTP, for the far end to choose (RFC 5939); `require`, and refuse plain RTP. Keys travel in SIP: to be used over TLS or IPsec.',
    'off',
    ['off', 'accept', 'offer', 'require'],
  ),
  imsNatLatch: flag(
    'Take RTP from another address of `media.prefixes` when the one of the SDP stays silent: for phones without an SBC before them.',
    false,
  ),
};

/** A realm's own: what it leaves out comes from the area, its addresses all together. */
export const realmMedia = Type.Object(inherited(realmFields), { additionalProperties: false });

export const media = area('Media (eIMS-AGW)', {
  engine: choice(
    'What carries the media: `relay`, our own processes on this host, or `rtpengine`, daemons that can transcode. With `rtpengine` the addresses and ports of media are those of the daemons.',
    'relay',
    ['relay', 'rtpengine'],
  ),
  srtp: choices(
    'SRTP profiles towards browsers, the preferred first.',
    ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM'],
    ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM'],
  ),
  workers: integer('Media worker processes; 0: one less than there are cores, from 1 to 8.', 0, 0, 64),
  sessionsPerWorker: integer('Calls one worker takes before new ones are refused.', 120, 1, 1000),
  shedLagMs: integer(
    'A worker whose event loop was later than this for half a second of the last two takes no new calls.',
    20,
    1,
    10_000,
  ),
  webHost: text('Address the browser-side sockets are bound to.', '127.0.0.1'),
  webAdvertisedHost: text('Address written into candidates; empty means `media.webHost`.'),
  webHost6: text(
    'IPv6 address of sockets towards browsers, beside an IPv4 `media.webHost`: each browser is given both.',
  ),
  webAdvertisedHost6: text('The same for it; empty means `media.webHost6`.'),
  webPortMin: integer('First UDP port towards browsers; each worker takes one.', 20_000, 0, 65535),
  webPortMax: integer('Last UDP port towards browsers.', 20_099, 0, 65535),
  imsPortMin: integer('First UDP port towards the core; each call takes a pair.', 21_000, 0, 65535),
  imsPortMax: integer('Last UDP port towards the core.', 24_999, 0, 65535),
  ...realmFields,
  video: flag(
    'Video: H.264 and VP8 are passed between browsers and the core as they are. Off, it is refused and the sound goes on.',
    true,
  ),
  videoKbps: integer('The most bandwidth for the video of a call, each way: `b=AS` in kbit/s.', 690, 64, 4000),
  announcements: list(
    'What callers hear from a file: NAME=FILE, where NAME is `ringing` (while the far end rings without early media), a final response such as `404`, a class of them such as `5xx`, or `maximum-duration`. The files lie on the rtpengine hosts, in any form that they can read; see rtpengine.md.',
  ),
  imsSilentMs: integer('Neither RTP nor RTCP from the core for this long ends the call (not on hold).', 60_000, 1000),
  webGraceMs: integer('After the browser’s consent is lost, the call waits this long for it to come back.', 30_000, 0),
  webLeftMs: integer(
    'A page that was closed or is loaded again in a call has this long to come back; after that the call ends.',
    8000,
    0,
  ),
});
