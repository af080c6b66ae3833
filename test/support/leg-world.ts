/** A browser leg of our engine on a network and a clock of the test, and a browser's DTLS and SRTP against it. */
import assert from 'node:assert/strict';
import { makeCertificate } from '../../src/eims-agw/certificate.ts';
import { createDtls } from '../../src/eims-agw/relay/dtls/association.ts';
import { readIdentity } from '../../src/eims-agw/relay/dtls/certificate-check.ts';
import type { Dtls, DtlsEffect, SrtpProfile } from '../../src/eims-agw/relay/dtls/types.ts';
import type { Leg } from '../../src/eims-agw/relay/leg.ts';
import type { Mux, MuxLeg } from '../../src/eims-agw/relay/mux.ts';
import { type SrtpSession, srtpSession } from '../../src/eims-agw/relay/srtp/session.ts';
import { parseBindingRequest } from '../../src/eims-agw/relay/stun/message.ts';
import { relayEnds } from '../../src/eims-agw/relay/web-end.ts';
import type { WebEnd } from '../../src/eims-agw/rtp/web-end.ts';
import { bindingRequest } from './media-light.ts';

export const OURS = makeCertificate(0);
const THEIRS = makeCertificate(0);
const identity = readIdentity(OURS.certificatePem, OURS.keyPem);
export const theirIdentity = readIdentity(THEIRS.certificatePem, THEIRS.keyPem);
export const ADDRESS = '192.0.2.7';
export const PORT = 50_000;

interface Sent {
  bytes: Buffer;
  address: string;
  port: number;
}

export function world(profiles: SrtpProfile[] = ['SRTP_AES128_CM_HMAC_SHA1_80', 'SRTP_AEAD_AES_128_GCM']) {
  const timers = new Set<{ at: number; run: () => void }>();
  const state = { now: 0, crowded: false };
  const sent: Sent[] = [];
  const faults: unknown[] = [];
  const ears = new Map<string, MuxLeg>();
  const sources = new Map<string, MuxLeg>();
  const buffer = Buffer.alloc(2_048);
  const mux: Mux = {
    port: 20_000,
    named: () => ({}),
    addUfrag: (ufrag, leg) => ears.set(ufrag, leg),
    dropUfrag: ufrag => ears.delete(ufrag),
    claim(address, port, leg) {
      const owner = sources.get(`${address} ${port}`);
      if (owner !== undefined && owner !== leg) {
        if (owner.holds(address, port)) return false;
        owner.lost(address, port);
      }
      sources.set(`${address} ${port}`, leg);
      return true;
    },
    release(address, port, leg) {
      if (sources.get(`${address} ${port}`) === leg) sources.delete(`${address} ${port}`);
    },
    buffer: () => (state.crowded ? null : buffer),
    send: (bytes, length, address, port) => sent.push({ bytes: Buffer.from(bytes.subarray(0, length)), address, port }),
    receive: () => undefined,
    close: () => undefined,
  };
  const handshaking = new Set<Leg>();
  /** All that ever began a handshake. */
  const legs = new Set<Leg>();
  const add = handshaking.add.bind(handshaking);
  handshaking.add = leg => {
    legs.add(leg);
    return add(leg);
  };
  const ends = relayEnds({
    mux,
    identity: () => ({ identity, fingerprint: OURS.fingerprint }),
    advertise: ['198.51.100.1'],
    profiles,
    clock: {
      now: () => state.now,
      after(ms, run) {
        const timer = { at: state.now + ms, run };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    },
    onFault: error => faults.push(error),
    handshaking,
  });
  const heard = { up: 0, down: [] as string[], packets: [] as Buffer[] };
  const make = () =>
    ends.make(
      { leg: 1, ssrc: 77, cname: 'c' },
      {
        packet: packet => heard.packets.push(Buffer.from(packet)),
        up: () => {
          heard.up += 1;
        },
        down: cause => heard.down.push(cause),
      },
    );
  const check = (
    end: WebEnd,
    more: Parameters<typeof bindingRequest>[2] & { user?: string; pwd?: string; port?: number } = {},
  ) => {
    const { ufrag, pwd } = end.transport;
    const request = parseBindingRequest(bindingRequest(more.user ?? `${ufrag}:peer`, more.pwd ?? pwd, more));
    assert.ok(request);
    sent.length = 0;
    ears.get(request.ufrag)?.check(request, ADDRESS, more.port ?? PORT);
    return sent[0]?.bytes.readUInt16BE(0) ?? null;
  };
  return {
    state,
    sent,
    ears,
    sources,
    ends,
    heard,
    make,
    check,
    handshaking,
    legs,
    timers,
    faults,
    /** Seconds pass, with a tick in each. */
    pass(seconds: number) {
      for (let i = 0; i < seconds; i += 1) {
        state.now += 1_000;
        for (const timer of [...timers]) {
          if (timer.at > state.now) continue;
          timers.delete(timer);
          timer.run();
        }
        ends.tick();
      }
    },
  };
}

export const remote = (setup: 'actpass' | 'passive' | 'active' = 'actpass', fingerprint = THEIRS.fingerprint) => ({
  mid: '0',
  ice: { ufrag: 'peer', pwd: 'p'.repeat(24) },
  fingerprint: { algorithm: 'sha-256' as const, value: fingerprint },
  setup,
  candidates: [],
});

/** The browser's DTLS, run against the leg until nothing more is to be sent. */
export function handshake(
  w: ReturnType<typeof world>,
  role: 'client' | 'server' = 'client',
  profiles?: SrtpProfile[],
): { dtls: Dtls; srtp: SrtpSession | null; end: string } {
  const dtls = createDtls({
    role,
    identity: theirIdentity,
    remoteFingerprints: [{ hash: 'sha-256', value: OURS.fingerprint }],
    ...(profiles === undefined ? {} : { profiles }),
  });
  const out: DtlsEffect[] = [];
  const result = { dtls, srtp: null as SrtpSession | null, end: '' };
  const ear = w.sources.get(`${ADDRESS} ${PORT}`);
  const started = w.sent.splice(0).filter(s => (s.bytes[0] ?? 0) >= 20);
  if (role === 'client') dtls.start(w.state.now, out);
  for (const { bytes } of started) dtls.receive(bytes, w.state.now, out);
  for (let i = 0; i < 20; i += 1) {
    for (const effect of out.splice(0)) {
      if (effect.type === 'send') ear?.dtls(effect.datagram, ADDRESS, PORT);
      else if (effect.type === 'connected') result.srtp = srtpSession(effect.profile, effect.keys);
      else if (effect.type === 'failed' || effect.type === 'closed') result.end = effect.type;
    }
    for (const { bytes } of w.sent.splice(0))
      if ((bytes[0] ?? 0) >= 20 && (bytes[0] ?? 0) < 64) dtls.receive(bytes, w.state.now, out);
  }
  return result;
}

export function rtp(seq: number, ssrc = 5): Buffer {
  const packet = Buffer.alloc(172, seq & 255);
  packet[0] = 0x80;
  packet[1] = 8;
  packet.writeUInt16BE(seq, 2);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

export function connected(profiles?: SrtpProfile[]) {
  const w = world(profiles);
  const end = w.make();
  assert.equal(end.connect(remote()), true);
  assert.equal(w.check(end), 0x0101);
  const peer = handshake(w);
  const { srtp } = peer;
  assert.ok(srtp);
  const ear = w.sources.get(`${ADDRESS} ${PORT}`);
  assert.ok(ear);
  const from = (seq: number, ssrc?: number) => {
    const buffer = Buffer.alloc(200);
    rtp(seq, ssrc).copy(buffer);
    return buffer.subarray(0, srtp.protectRtp(buffer, 172));
  };
  return { w, end, ear, srtp, dtls: peer.dtls, from };
}
