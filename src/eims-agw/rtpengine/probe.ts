/** What a daemon is, asked before it gets calls: its version, and what it can code here (encoders are packages of their own). */
import type { PayloadFormat } from '../engine.ts';
import { familyOf } from '../realm.ts';
import { eventFormat, ownLayouts } from '../speech-codec.ts';
import { specOf } from './formats.ts';
import type { NgReply, NgRequest } from './ng.ts';
import { answerOf, type Habits, offerOf, openingPair } from './pair.ts';
import type { DaemonPlace } from './place.ts';
import { isFull, readCodecs, readEnd, readLocalEnd, readSoftware, readTransport } from './reply.ts';
import { versionFault } from './version.ts';

export type Probed =
  | {
      ok: true;
      software: string;
      formats: PayloadFormat[];
      /** What it writes for an address of its own towards the core, where that is another. */
      advertised: ReadonlyMap<string, string>;
      /** Files it cannot play. */
      unplayable: readonly string[];
    }
  /** `silent`: it may come yet, or have room again. */
  | { ok: false; silent: boolean; fault: string };

/** Everything that is worth asking for; of AMR both layouts, which the codec has or has not together. */
const CANDIDATES = (['opus', 'AMR-WB', 'AMR', 'G722', 'PCMA', 'PCMU'] as const).flatMap(ownLayouts);
/** It makes events of one clock those of another wherever it codes the speech, without being asked. */
const EVENTS: readonly PayloadFormat[] = [8000, 16_000, 48_000].map(eventFormat);
/** A line of speech to put codecs beside; the address is nobody's. RFC 5737. */
const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n';

/** The same, at the daemon's own host, where nobody listens: it plays to nobody on hold. */
const NEARBY = SDP.replaceAll('192.0.2.1', '127.0.0.1');

const SILENT: Probed = { ok: false, silent: true, fault: 'does not answer' };

const faulty = (fault: string): Probed => ({ ok: false, silent: false, fault });

/** One that is full is no worse than one that is silent. */
function refused(reply: NgReply): Probed {
  return { ok: false, silent: isFull(reply), fault: `cannot take calls (${reply.reason})` };
}

export interface ProbeOptions {
  /** Gives null when there was no reply. */
  ask: (request: NgRequest) => Promise<NgReply | null>;
  /** Begins the names of the probe's calls, which are gone afterwards. */
  id: string;
  /** Versions the operator answers for. */
  vouched: readonly string[];
  habits: Omit<Habits, 'ims' | 'family' | 'advertised'>;
  /** Where calls may meet the core. */
  places: readonly DaemonPlace[];
  /** Files it shall play. */
  files: readonly string[];
}

/** Asks one daemon. */
export async function probe({ ask, id, vouched, habits, places, files }: ProbeOptions): Promise<Probed> {
  // In a publication it writes all of the SDP itself, and its name into s=.
  const [published] = await call('v', [{ command: 'publish', 'call-id': `${id}v`, 'from-tag': 'probe', sdp: SDP }]);
  if (published === undefined) return SILENT;
  if (!published.ok) return refused(published);
  const software = readSoftware(published.body);
  const fault = versionFault(software, vouched);
  if (software === null || fault !== null) return faulty(fault ?? '');
  const codec = { transcode: CANDIDATES.map(specOf) };
  const [coded] = await call('c', [{ command: 'offer', 'call-id': `${id}c`, 'from-tag': 'probe', sdp: SDP, codec }]);
  if (coded === undefined) return SILENT;
  if (!coded.ok) return refused(coded);
  const codecs = readCodecs(coded.body);
  const formats = CANDIDATES.filter(({ name, clock }) => codecs.has(`${name.toLowerCase()}/${clock}`));
  const advertised = new Map<string, string>();
  for (const place of places) {
    const found = await reached(place);
    if (found !== null) return found;
  }
  return { ok: true, software, formats: [...formats, ...EVENTS], advertised, unplayable: await unplayable() };

  /** Plays each to nobody. */
  async function unplayable(): Promise<string[]> {
    if (files.length === 0) return [];
    const party = { 'call-id': `${id}f`, 'from-tag': 'probe' } as const;
    const [, ...played] = await call('f', [
      { command: 'offer', ...party, sdp: NEARBY, codec: { transcode: [] } },
      ...files.map(file => ({ command: 'play media', ...party, file }) as const),
    ]);
    return files.filter((_, i) => played[i]?.ok !== true);
  }

  /** Tries a place out: what is wrong with it, or null. */
  async function reached({ ims, family }: DaemonPlace): Promise<Probed | null> {
    const pair = openingPair('audio', family);
    const offer = offerOf(`${id}p`, pair, { ...habits, ims, family, advertised }, false);
    const [offered, answered, seen] = await call(
      'p',
      [offer, answerOf(`${id}p`, pair), { command: 'query', 'call-id': `${id}p` }],
      'ims',
    );
    if (seen === undefined) return SILENT;
    if (offered?.ok === false) return refused(offered);
    const told = readEnd(answered?.body ?? {});
    const local = readLocalEnd(seen.body, 'ims');
    if (readTransport(offered?.body ?? {}) === null || told === null || local === null)
      return faulty(`gives no ports (${offered?.reason}; ${answered?.reason})`);
    // It takes another address, or another interface, without a word.
    if (familyOf(local.address) !== family)
      return faulty(`has no ${family === 'IP6' ? 'IPv6' : 'IPv4'} address for "${ims}"`);
    if (told.address !== local.address) advertised.set(local.address, told.address);
    return null;
  }

  /** The replies as far as they came, in order. */
  async function call(
    name: string,
    requests: readonly NgRequest[],
    tag: 'probe' | 'ims' = 'probe',
  ): Promise<NgReply[]> {
    const replies: NgReply[] = [];
    for (const request of requests) {
      const reply = await ask(request);
      if (reply === null) break;
      replies.push(reply);
    }
    if (replies.length > 0)
      await ask({ command: 'delete', 'call-id': `${id}${name}`, 'from-tag': tag, 'delete delay': 0 });
    return replies;
  }
}
