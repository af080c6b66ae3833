/** SRTP towards the core with keys in SDP: what an m-line there offers, takes and agrees to. One suite holds for the line as long as it lives. RFC 4568, TS 33.328 4. */
import type { Crypto, MediaDesc } from '../sdp/index.ts';
import type { ImsTarget, SdesKey, SdesSuite } from './engine.ts';

/** What a realm wants: plain RTP alone, SRTP where it is offered, SRTP offered beside plain RTP, or SRTP alone. */
export type SrtpPolicy = 'off' | 'accept' | 'offer' | 'require';

/** Ours when we offer: the one that nobody lacks. RFC 4568 6.2. */
const OWN_SUITE: SdesSuite = 'AES_CM_128_HMAC_SHA1_80';
const SUITES: ReadonlySet<string> = new Set<SdesSuite>([OWN_SUITE, 'AES_CM_128_HMAC_SHA1_32']);
/** Of the one line in our offers. */
const OWN_TAG = 1;
/** Master key and salt of these suites: 30 bytes. RFC 4568 6.2. */
const KEY = /^[A-Za-z0-9+/]{40}$/;

/** What holds for all lines of a call. */
export interface CallSrtp {
  policy: SrtpPolicy;
  /** A key of the engine outlasts a time of plain RTP. */
  keyLasts: boolean;
  /** Every key that the engine has had for the call, on whatever line. */
  keys: Set<string>;
}

/** The protection of one line. */
export interface Sdes {
  of: CallSrtp;
  /** That the ports were asked for; null: the line is plain. */
  suite: SdesSuite | null;
  /** The engine's, which lasts as long as the ports; null: not known yet, or there is none. */
  ours: SdesKey | null;
  /** Theirs as of their last SDP, under the tag of that; null: plain. */
  theirs: (SdesKey & { tag: number }) | null;
  /** In our last offer, for its answer; null: that was plain. */
  offered: SdesText | null;
}

/** What our SDP says of it; `optional`: beside plain RTP. */
export interface SdesText extends SdesKey {
  tag: number;
  optional: boolean;
}

export function callSrtp(policy: SrtpPolicy, keyLasts: boolean): CallSrtp {
  return { policy, keyLasts, keys: new Set() };
}

export function noSdes(of: CallSrtp): Sdes {
  return { of, suite: null, ours: null, theirs: null, offered: null };
}

/** RTP of any of the profiles that there are towards the core. */
export function isRtp({ proto }: MediaDesc): boolean {
  return /^RTP\/S?AVPF?$/.test(proto);
}

export function isSecure({ proto }: MediaDesc): boolean {
  return proto.startsWith('RTP/SAVP');
}

type Read = { ok: true; theirs: Sdes['theirs'] } | { ok: false };

/** Reads a line of an offer; not ok: it cannot be answered as it stands. Once `settled`, a line stays protected or plain. */
export function readOffered(sdes: Sdes, media: MediaDesc, settled: boolean): Read {
  const { suite, theirs } = sdes;
  const { policy } = sdes.of;
  const secure = isSecure(media);
  if (settled && secure !== (theirs !== null)) return { ok: false };
  if (!secure) return policy === 'require' ? { ok: false } : { ok: true, theirs: null };
  const found = policy === 'off' ? null : usable(sdes, media.crypto, settled ? suite : null);
  return found === null ? { ok: false } : { ok: true, theirs: found };
}

/** Reads a line of the answer to an offer of ours; not ok: it takes what was not offered. */
export function readAnswered(sdes: Sdes, media: MediaDesc): Read {
  const { offered } = sdes;
  const plain = offered === null ? sdes.of.policy !== 'require' : offered.optional;
  if (!isSecure(media)) return plain ? { ok: true, theirs: null } : { ok: false };
  const found = offered === null ? null : usable(sdes, media.crypto, offered.suite);
  return found === null || found.tag !== OWN_TAG ? { ok: false } : { ok: true, theirs: found };
}

/** Notes how a line is protected whose rest is taken too. Of plain RTP it stays where the engine has lost its key with it: the far ends were told no other. */
export function takeTheirs(sdes: Sdes, theirs: Sdes['theirs']): void {
  sdes.theirs = theirs;
  if (theirs === null && !sdes.of.keyLasts) Object.assign(sdes, noSdes(sdes.of));
}

/** The offerer's first that is to be had here. A key of ours is none: we would believe our own packets, sent back. RFC 4568 5.1.2, 6.1. */
function usable({ of }: Sdes, lines: readonly Crypto[], inUse: SdesSuite | null): Sdes['theirs'] {
  for (const { tag, suite, key } of lines)
    if (isSuite(suite) && (inUse === null || suite === inUse) && KEY.test(key) && !of.keys.has(key))
      return { tag, suite, key };
  return null;
}

function isSuite(name: string): name is SdesSuite {
  return SUITES.has(name);
}

/** The suite that ports are asked for: that of their offer, or of ours when there is none of theirs. */
export function suiteFor({ of: { policy }, theirs }: Sdes, offered: boolean): SdesSuite | null {
  if (offered) return theirs?.suite ?? null;
  return policy === 'offer' || policy === 'require' ? OWN_SUITE : null;
}

/** The engine has told our key, at once or when a browser connected. */
export function giveKey(sdes: Sdes, key: string | undefined): void {
  if (sdes.suite === null || key === undefined) return;
  sdes.ours ??= { suite: sdes.suite, key };
  sdes.of.keys.add(key);
}

/** It has to say a key and has none. */
export function isKeyless({ suite, ours }: Sdes): boolean {
  return suite !== null && ours === null;
}

/** For an offer of ours, which its answer will be held to. */
export function offerText(sdes: Sdes, settled: boolean): SdesText | null {
  const { of, ours, theirs } = sdes;
  const plain = ours === null || (settled && theirs === null);
  sdes.offered = plain ? null : { ...ours, tag: OWN_TAG, optional: !settled && of.policy === 'offer' };
  return sdes.offered;
}

/** For an answer of ours. */
export function answerText({ ours, theirs }: Sdes): SdesText | null {
  return ours === null || theirs === null ? null : { ...ours, tag: theirs.tag, optional: false };
}

/** The profile of a line. RFC 3551, RFC 3711, RFC 4585, RFC 5124. */
export function profileOf(sdes: SdesText | null, feedback: boolean): string {
  return `RTP/${sdes === null || sdes.optional ? '' : 'S'}AVP${feedback ? 'F' : ''}`;
}

/** Its attribute lines, with the capabilities of a line that may become more than it is: protected, or with feedback. RFC 5939. */
export function sdesLines(sdes: SdesText | null, feedback: 'agreed' | 'offered' | null): string[] {
  const crypto = sdes === null ? '' : `crypto:${sdes.tag} ${sdes.suite} inline:${sdes.key}`;
  if (sdes !== null && !sdes.optional)
    return [`a=${crypto}`, ...capabilities(feedback === 'offered' ? ['RTP/SAVPF'] : [])];
  const secure = sdes === null ? [] : feedback === 'agreed' ? ['RTP/SAVPF'] : ['RTP/SAVP'];
  const both = feedback !== 'offered' ? secure : [...(sdes === null ? [] : ['RTP/SAVPF']), ...secure, 'RTP/AVPF'];
  const lines = capabilities(both, sdes !== null);
  return sdes === null ? lines : [`a=acap:1 ${crypto}`, ...lines];
}

/** The best first; `keyed`: those that protect take the key with them. */
function capabilities(profiles: readonly string[], keyed = false): string[] {
  if (profiles.length === 0) return [];
  const configs = profiles.map(
    (profile, i) => `a=pcfg:${i + 1} t=${i + 1}${keyed && profile.includes('SAVP') ? ' a=1' : ''}`,
  );
  return [`a=tcap:1 ${profiles.join(' ')}`, ...configs];
}

/** The far end with the key of what it sends. */
export function protectedTarget(target: ImsTarget | null, { theirs }: Sdes): ImsTarget | null {
  return target === null || theirs === null ? target : { ...target, sdes: { suite: theirs.suite, key: theirs.key } };
}
