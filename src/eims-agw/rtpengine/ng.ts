/** The ng protocol of rtpengine: a cookie and a JSON object in one datagram, each way. */

/** The two parties of a call as the daemon knows them. They never change, so its ports and ICE credentials stay. */
export type Tag = 'web' | 'ims';

/** All options that are ever sent. A daemon ignores in silence what it does not know, so a misspelt one must not compile; all of these are in 10.5 and later. */
export type NgFlag =
  | 'trust address'
  | 'asymmetric'
  | 'strict source'
  | 'port latching'
  | 'no rtcp attribute'
  | 'generate RTCP'
  | 'reset';

interface Described {
  'call-id': string;
  'from-tag': Tag;
  'to-tag': Tag;
  sdp: string;
  replace: ReadonlyArray<'origin' | 'session connection'>;
  flags: readonly NgFlag[];
}

/** Codecs are hidden from the other party (`mask`) and made for it (`transcode`), as `NAME/clock/channels`; `set` adds the bit rate for those of the SDP. */
export interface CodecOptions {
  mask: readonly ['all'];
  transcode: readonly string[];
  set: readonly string[];
}

/** From the IMS side, for the browser. */
export interface NgOffer extends Described {
  command: 'offer';
  ICE: 'force';
  'ICE-lite': 'forward';
  'transport protocol': 'UDP/TLS/RTP/SAVPF';
  'rtcp-mux': readonly ['offer', 'require'];
  SDES: readonly ['off'];
  /** Names of the daemon's interfaces, that of the offerer first. */
  direction: readonly [string, string];
  /** Of the address that the browser is told. */
  'address family': 'IP4';
  codec?: CodecOptions;
}

/** From the browser, for the IMS side. */
export interface NgAnswer extends Described {
  command: 'answer';
  ICE: 'remove';
  'transport protocol': `RTP/${'' | 'S'}AVP${'' | 'F'}`;
  'rtcp-mux': readonly ['demux'];
}

export type NgRequest =
  | { command: 'statistics' }
  | NgOffer
  | NgAnswer
  | { command: 'publish'; 'call-id': string; 'from-tag': 'probe'; sdp: string }
  | { command: 'offer'; 'call-id': string; 'from-tag': 'probe'; sdp: string; codec: { transcode: readonly string[] } }
  | { command: 'block media' | 'unblock media'; 'call-id': string; 'from-tag': Tag }
  /** To the party of the tag; a file is the daemon's. */
  | { command: 'play media'; 'call-id': string; 'from-tag': Tag | 'probe'; file: string; 'repeat-times'?: number }
  | { command: 'stop media'; 'call-id': string; 'from-tag': Tag }
  | { command: 'query'; 'call-id': string }
  /** Any of its tags ends all of a call; without one the reply tells no figures. */
  | { command: 'delete'; 'call-id': string; 'from-tag': Tag | 'probe'; 'delete delay': 0 };

export interface NgReply {
  ok: boolean;
  /** The daemon's own words when it is not. */
  reason: string;
  body: Readonly<Record<string, unknown>>;
}

/** The datagram of a request; `cookie` is the same in each copy, and holds no space. */
export function writeRequest(cookie: string, request: NgRequest): string {
  return `${cookie} ${JSON.stringify(request)}`;
}

/** A datagram of the daemon; null for what is none of its replies. Never throws. */
export function readReply(datagram: Uint8Array): { cookie: string; reply: NgReply } | null {
  const text = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length).toString('utf8');
  const end = text.indexOf(' ');
  if (end <= 0) return null;
  let body: unknown;
  try {
    body = JSON.parse(text.slice(end + 1));
  } catch {
    return null;
  }
  if (!isRecord(body) || typeof body.result !== 'string') return null;
  const { result } = body;
  const reason = typeof body['error-reason'] === 'string' ? body['error-reason'] : result;
  return { cookie: text.slice(0, end), reply: { ok: result === 'ok' || result === 'pong', reason, body } };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
