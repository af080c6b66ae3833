/** A daemon in memory that speaks ng as far as the engine needs, on a network that loses what a test wants lost. */
import { createHash } from 'node:crypto';
import type { Wire, WireEvents } from '../../src/eims-agw/rtpengine/client.ts';

export interface FakeDaemon {
  /** Names of the calls it has. */
  calls: Set<string>;
  /** Every request it heard, copies left out. */
  requests: Array<Record<string, unknown> & { command: string; 'call-id': string }>;
  /** Its IPv6 address, when it has one. */
  host6: string | null;
  /** What it writes in its SDP for its IPv4 address towards the core: it is behind a NAT. */
  outside: string | null;
  software: string;
  /** Codecs it can make, in lower case with their clock. */
  codecs: Set<string>;
  /** Of these the ones that it can only read: in answers it leaves them out without a word. */
  readOnly: Set<string>;
  /** Its words to offers instead of SDP. */
  refuses: string | null;
  verified: boolean;
  heard: { web: number; ims: number };
  /** Media streams by who passes their packets on, as its statistics name it. */
  streams: { media_kernel: number; media_userspace: number; media_mixed: number };
  /** Lost on the way there, before it answers. */
  loses: (datagram: number, text: string) => boolean;
  /** Nobody listens. */
  dead: boolean;
  bornAt: number;
  /** Its keys are others once this is. */
  keys: string;
  wire(events: WireEvents): Wire;
}

const CREDENTIALS =
  'a=ice-ufrag:ufrag000\r\na=ice-pwd:pwd0000000000000000000000\r\na=setup:actpass\r\n' +
  `a=fingerprint:sha-256 ${Array<string>(32).fill('A1').join(':')}\r\n`;

export function fakeDaemon(host: string, now: () => number): FakeDaemon {
  const replies = new Map<string, string>();
  let datagrams = 0;
  const daemon: FakeDaemon = {
    calls: new Set(),
    requests: [],
    host6: null,
    outside: null,
    software: 'rtpengine-10-5-3-5-1-deb12u1',
    codecs: new Set([
      'opus/48000',
      'amr-wb/16000',
      'pcma/8000',
      'pcmu/8000',
      'telephone-event/48000',
      'telephone-event/8000',
    ]),
    readOnly: new Set(),
    refuses: null,
    verified: false,
    heard: { web: 0, ims: 0 },
    streams: { media_kernel: 0, media_userspace: 0, media_mixed: 0 },
    loses: () => false,
    dead: false,
    bornAt: now(),
    keys: 'first',
    wire: events => ({
      send(text) {
        if (daemon.dead) return events.refused();
        datagrams += 1;
        if (daemon.loses(datagrams, text)) return;
        const cookie = text.slice(0, text.indexOf(' '));
        const known = replies.get(cookie);
        const reply = known ?? JSON.stringify(answer(JSON.parse(text.slice(cookie.length + 1))));
        replies.set(cookie, reply);
        events.datagram(new TextEncoder().encode(`${cookie} ${reply}`));
      },
      close: () => undefined,
    }),
  };

  /** Another for each call, tag and suite, as the daemon has them. */
  function keyOf(id: string, line: string): string {
    const digest = createHash('sha256').update(`${daemon.keys} ${id} ${line}`).digest();
    return digest.subarray(0, 30).toString('base64');
  }

  function answer(request: FakeDaemon['requests'][number] & { sdp?: string; codec?: { transcode: string[] } }): object {
    daemon.requests.push(request);
    const id = request['call-id'];
    switch (request.command) {
      case 'statistics':
        return {
          result: 'ok',
          statistics: {
            currentstatistics: { sessionstotal: daemon.calls.size, ...daemon.streams },
            totalstatistics: { uptime: String(Math.floor((now() - daemon.bornAt) / 1000)) },
          },
        };
      case 'publish':
        daemon.calls.add(id);
        return { result: 'ok', sdp: sdp('', [8]).replace('s=-', `s=${daemon.software}`) };
      case 'offer':
        if (daemon.refuses !== null) return { result: 'error', 'error-reason': daemon.refuses };
        daemon.calls.add(id);
        return { result: 'ok', sdp: sdp(CREDENTIALS, formats(request), 20_000) };
      case 'delete':
        // As the daemon says it: no error, and no figures.
        if (!daemon.calls.delete(id)) return { result: 'ok', warning: "Call-ID not found or tags didn't match" };
        return { result: 'ok', ...(request['from-tag'] === undefined ? {} : sight(id)) };
      default:
        if (!daemon.calls.has(id)) return { result: 'error', 'error-reason': 'Unknown call-id' };
        if (request.command === 'answer') return { result: 'ok', sdp: lastOffer(id) };
        return { result: 'ok', ...(request.command === 'query' ? sight(id) : {}) };
    }
  }

  /** The m-line of an offer as the other party gets it: what is to be made of it first, under numbers from 96 on. */
  function formats({
    sdp: offered = '',
    codec,
  }: {
    sdp?: string;
    codec?: { transcode: string[] };
  }): Array<number | string> {
    const made = (codec?.transcode ?? []).map(spec => spec.toLowerCase().split('/').slice(0, 2).join('/'));
    const can = made.filter(name => daemon.codecs.has(name));
    const numbers = /m=\w+ \d+ \S+ ([\d ]+)/.exec(offered)?.[1]?.split(' ').map(Number) ?? [];
    const named = (pt: number) => new RegExp(`a=rtpmap:${pt} (VP8/90000)`).exec(offered)?.[1];
    return can.length > 0 ? can : numbers.map(pt => named(pt) ?? pt);
  }

  function lastOffer(id: string): string {
    const offers = daemon.requests.filter(request => request.command === 'offer' && request['call-id'] === id);
    const address = local(id);
    return String(offers.at(-1)?.sdp)
      .replace(/a=rtpmap:\d+ (.*)\r\n/g, (line, codec) => (daemon.readOnly.has(codec.toLowerCase()) ? '' : line))
      .replace(/c=IN .*\r\n/, `c=IN ${address === host ? `IP4 ${daemon.outside ?? host}` : `IP6 ${address}`}\r\n`)
      .replace(/(a=crypto:)(.*)( inline:).*\r\n/, (_, a, line, b) => `${a}${line}${b}${keyOf(id, line)}\r\n`);
  }

  /** Its address towards the core: of the family of the offer, or the one it has. */
  function local(id: string): string {
    const offer = daemon.requests.findLast(request => request.command === 'offer' && request['call-id'] === id);
    return /c=IN IP6/.test(String(offer?.sdp)) ? (daemon.host6 ?? host) : host;
  }

  function sdp(more: string, list: Array<number | string>, port = 20_002): string {
    const named = list.map((format, i) =>
      typeof format === 'number' ? { pt: format, map: '' } : { pt: 96 + i, map: format },
    );
    const maps = named.flatMap(({ pt, map }) =>
      map === '' ? [] : [`a=rtpmap:${pt} ${map}${map.startsWith('opus') ? '/2' : ''}\r\n`],
    );
    return `v=0\r\no=- 1 1 IN IP4 ${host}\r\ns=-\r\nt=0 0\r\nm=audio ${port} UDP/TLS/RTP/SAVPF ${named.map(n => n.pt).join(' ')}\r\nc=IN IP4 ${host}\r\n${maps.join('')}${more}`;
  }

  function sight(id: string): object {
    const stream = (address: string, port: number, packets: number, flags: string[] = []) => ({
      'local address': address,
      'local port': port,
      stats: { packets, bytes: packets * 172 },
      flags,
      ...(flags.length === 0 ? {} : { 'crypto suite': 'AEAD_AES_128_GCM' }),
    });
    const side = (address: string, port: number, packets: number, flags: string[] = []) => ({
      medias: [{ streams: [stream(address, port, packets, flags)] }],
    });
    const flags = daemon.verified ? ['DTLS fingerprint verified'] : [];
    return {
      tags: { web: side(host, 20_000, daemon.heard.web, flags), ims: side(local(id), 20_004, daemon.heard.ims) },
    };
  }

  return daemon;
}
