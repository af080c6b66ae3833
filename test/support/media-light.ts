/** A browser's end of media with no SDP engine behind it: full ICE as far as it is needed, DTLS client or server, SRTP; cheap enough for hundreds of calls, and movable to another port. */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { crc32 } from 'node:zlib';
import { makeCertificate } from '../../src/eims-agw/certificate.ts';
import { createDtls } from '../../src/eims-agw/relay/dtls/association.ts';
import { readIdentity } from '../../src/eims-agw/relay/dtls/certificate-check.ts';
import type { Dtls, DtlsEffect, SrtpProfile } from '../../src/eims-agw/relay/dtls/types.ts';
import { type SrtpSession, srtpSession } from '../../src/eims-agw/relay/srtp/session.ts';
import { MAX_OVERHEAD } from '../../src/eims-agw/relay/srtp/suite.ts';
import { bindingSuccess, parseBindingRequest } from '../../src/eims-agw/relay/stun/message.ts';
import { parseSdp } from '../../src/sdp/index.ts';
import { chromiumOffer } from './media-sdp.ts';

const CHECK_MS = 50;
const made = makeCertificate(Date.now());
const IDENTITY = readIdentity(made.certificatePem, made.keyPem);

export interface LightBrowser {
  offer(): string;
  /** Takes the answer and connects. */
  accept(answer: string): void;
  /** Sends an RTP packet in clear of at most 1,400 bytes; false before the keys. */
  send(packet: Buffer): boolean;
  connected(): boolean;
  profile(): SrtpProfile | null;
  received(): number;
  /** The last RTP packet in clear. */
  last(): Buffer | null;
  /** Binding answers so far. */
  answers(): number;
  /** Goes on from another port, as behind a NAT that forgot. */
  move(): Promise<void>;
  /** An offer with new credentials; `accept` its answer. RFC 8445 9. */
  restart(): string;
  /** No more checks: what a browser that vanished looks like. */
  mute(): void;
  close(): void;
}

export interface LightOptions {
  host: string;
  profiles?: SrtpProfile[];
  /** What the offer says; the DTLS role follows from the answer. */
  setup?: 'actpass' | 'active' | 'passive';
  /** Announces this certificate instead of its own. */
  fingerprint?: string;
  /** Goes on checking while connected, as browsers do for consent. */
  consent?: boolean;
  /** Gets every RTP packet in clear. */
  heard?: (packet: Buffer) => void;
}

export async function lightBrowser(options: LightOptions): Promise<LightBrowser> {
  const now = () => performance.now();
  const out: DtlsEffect[] = [];
  const early: Buffer[] = [];
  const scratch = Buffer.alloc(2_048);
  let socket = await bind(options.host);
  let ice = credentials();
  let remote: { address: string; port: number; ufrag: string; pwd: string } | null = null;
  let dtls: Dtls | null = null;
  let srtp: SrtpSession | null = null;
  let profile: SrtpProfile | null = null;
  let timer: NodeJS.Timeout | null = null;
  let checks: NodeJS.Timeout | null = null;
  let nominated = false;
  const seen = { rtp: 0, answers: 0, last: null as Buffer | null };
  let version = 1;

  const send = (bytes: Uint8Array, length = bytes.length) => {
    if (remote !== null) socket.send(bytes, 0, length, remote.port, remote.address);
  };
  const perform = () => {
    for (const effect of out.splice(0)) {
      if (effect.type === 'send') send(effect.datagram);
      else if (effect.type === 'set-timer') {
        if (timer !== null) clearTimeout(timer);
        timer = setTimeout(() => drive(d => d.timeout(now(), out)), Math.max(0, effect.at - now()));
      } else if (effect.type === 'connected') {
        profile = effect.profile;
        srtp = srtpSession(effect.profile, effect.keys);
      } else if (timer !== null) clearTimeout(timer);
    }
  };
  const drive = (act: (dtls: Dtls) => void) => {
    if (dtls === null) return;
    act(dtls);
    perform();
  };
  const onMessage = (datagram: Buffer, from: { address: string; port: number }) => {
    const first = datagram[0] ?? 255;
    if (first === 0) {
      const request = parseBindingRequest(datagram);
      const key = createSecretKey(ice.pwd, 'latin1');
      if (request !== null) socket.send(bindingSuccess(request, from.address, from.port, key), from.port, from.address);
    } else if (first < 4) {
      seen.answers += 1;
      if (!nominated) {
        nominated = true;
        drive(d => d.start(now(), out));
      }
    } else if (first < 64) {
      // The other end may know us before we know it, as in a browser.
      if (dtls === null) early.push(datagram);
      else drive(d => d.receive(datagram, now(), out));
    } else if (srtp !== null && ((datagram[1] ?? 0) < 192 || (datagram[1] ?? 0) > 223)) {
      const clear = srtp.unprotectRtp(datagram);
      if (typeof clear === 'string') return;
      seen.rtp += 1;
      seen.last = datagram.subarray(0, clear);
      options.heard?.(seen.last);
    }
  };
  const check = () => {
    if (remote !== null) send(bindingRequest(`${remote.ufrag}:${ice.ufrag}`, remote.pwd));
  };
  socket.on('message', onMessage);
  const offer = () =>
    chromiumOffer({
      ...ice,
      fingerprint: options.fingerprint ?? made.fingerprint,
      setup: options.setup ?? 'actpass',
      candidates: [`1 1 udp 2130706431 ${options.host} ${socket.address().port} typ host`],
      version: version++,
    });
  return {
    offer,
    accept(answer) {
      const parsed = parseSdp(answer);
      const media = parsed.ok ? parsed.value.media.find(m => m.kind === 'audio') : undefined;
      const [, , , , address = '', port = ''] = (media?.candidates[0] ?? '').split(' ');
      if (!media?.ice || media.fingerprint === null) throw new Error('an answer without transport');
      remote = { address, port: Number(port), ...media.ice };
      dtls ??= createDtls({
        role: media.setup === 'active' ? 'server' : 'client',
        identity: IDENTITY,
        remoteFingerprints: [{ hash: 'sha-256', value: media.fingerprint.value }],
        ...(options.profiles === undefined ? {} : { profiles: options.profiles }),
      });
      check();
      for (const datagram of early.splice(0)) drive(d => d.receive(datagram, now(), out));
      checks ??= setInterval(() => {
        if (srtp === null || version > 2 || options.consent === true) check();
      }, CHECK_MS);
    },
    send(packet) {
      if (srtp === null) return false;
      packet.copy(scratch);
      const length = srtp.protectRtp(scratch, packet.length);
      if (packet.length + MAX_OVERHEAD > scratch.length || length <= 0) return false;
      // The socket may keep what it cannot send at once.
      send(Buffer.from(scratch.subarray(0, length)));
      return true;
    },
    connected: () => srtp !== null,
    profile: () => profile,
    received: () => seen.rtp,
    last: () => seen.last,
    answers: () => seen.answers,
    async move() {
      const old = socket;
      socket = await bind(options.host);
      socket.on('message', onMessage);
      old.close();
      check();
    },
    restart() {
      ice = credentials();
      return offer();
    },
    mute() {
      if (checks !== null) clearInterval(checks);
    },
    close() {
      if (checks !== null) clearInterval(checks);
      if (timer !== null) clearTimeout(timer);
      drive(d => d.close(now(), out));
      if (timer !== null) clearTimeout(timer);
      socket.close();
    },
  };
}

function bind(host: string): Promise<Socket> {
  const six = isIPv6(host);
  const socket = createSocket({
    type: six ? 'udp6' : 'udp4',
    lookup: (name, _options, callback) => callback(null, name, six ? 6 : 4),
  });
  return new Promise(resolve => socket.bind(0, host, () => resolve(socket)));
}

function credentials() {
  return { ufrag: randomBytes(6).toString('hex'), pwd: randomBytes(24).toString('hex') };
}

/** A check of a controlling agent that nominates. RFC 8445 7.1. `options` for what a wrong one looks like. */
export function bindingRequest(
  username: string,
  pwd: string,
  options: { controlled?: boolean; useCandidate?: boolean; priority?: number; unknown?: number } = {},
): Buffer {
  const attribute = (type: number, value: Uint8Array) => {
    const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
    bytes.writeUInt16BE(type, 0);
    bytes.writeUInt16BE(value.length, 2);
    bytes.set(value, 4);
    return bytes;
  };
  const priority = Buffer.alloc(4);
  priority.writeUInt32BE(options.priority ?? 1_853_824_767);
  const parts = [
    attribute(0x0006, Buffer.from(username)),
    attribute(0x0024, priority),
    attribute(options.controlled === true ? 0x8029 : 0x802a, randomBytes(8)),
    ...((options.useCandidate ?? true) ? [attribute(0x0025, new Uint8Array(0))] : []),
    ...(options.unknown === undefined ? [] : [attribute(options.unknown, new Uint8Array(0))]),
  ];
  const head = Buffer.alloc(20);
  head.writeUInt16BE(1, 0);
  head.writeUInt32BE(0x2112_a442, 4);
  randomBytes(12).copy(head, 8);
  const body = Buffer.concat([head, ...parts]);
  body.writeUInt16BE(body.length - 20 + 24, 2);
  const signed = Buffer.concat([body, attribute(0x0008, createHmac('sha1', pwd).update(body).digest())]);
  signed.writeUInt16BE(signed.length - 20 + 8, 2);
  const mark = Buffer.alloc(4);
  mark.writeUInt32BE((crc32(signed) ^ 0x5354_554e) >>> 0);
  return Buffer.concat([signed, attribute(0x8028, mark)]);
}
