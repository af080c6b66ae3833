/** Browser legs on our own engine: ICE-lite, DTLS and SRTP behind the same door as the legs of every other engine. */
import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { WebRemote, WebTransport } from '../engine.ts';
import { audioBucket, bothBucket } from '../rtp/bucket.ts';
import { namedCounts } from '../rtp/named-counts.ts';
import type { MakeWebEnd, WebEnd, WebEvents } from '../rtp/web-end.ts';
import type { SrtpName } from '../settings.ts';
import { createDtls } from './dtls/association.ts';
import type { FingerprintHash } from './dtls/types.ts';
import { holdsSource, loseSource, restartIce, startIce } from './ice/agent.ts';
import {
  drive,
  end,
  forget,
  guarded,
  type Leg,
  type LegShare,
  makeLeg,
  startClient,
  takeDtls,
  takeEarly,
  tickLeg,
  welcome,
} from './leg.ts';
import { takeCheck } from './leg-check.ts';
import { resendMedia, sendMedia, takeMedia } from './leg-media.ts';

export interface RelayEnds {
  make: MakeWebEnd;
  /** Once a second: consent and housekeeping of every leg. */
  tick(): void;
}

const HASHES: readonly string[] = ['sha-256', 'sha-384', 'sha-512'] satisfies FingerprintHash[];

export function relayEnds(share: LegShare): RelayEnds {
  const legs = new Set<Leg>();
  return {
    make: (_request, events) => {
      const [made, leg] = makeEnd(share, events, () => legs.delete(leg));
      legs.add(leg);
      return made;
    },
    tick() {
      for (const leg of legs) if (!leg.done) guarded(leg, () => tickLeg(leg));
    },
  };
}

/** A leg with credentials of its own, reachable from now on; nothing but answers to checks is sent before a browser proved itself. */
function makeEnd(share: LegShare, events: WebEvents, gone: () => void): [WebEnd, Leg] {
  const { identity, fingerprint } = share.identity();
  const leg: Leg = makeLeg(
    share,
    events,
    {
      check: (request, address, port) => takeCheck(leg, request, address, port),
      dtls: (datagram, address, port) => takeDtls(leg, datagram, address, port),
      media: packet => takeMedia(leg, packet),
      holds: (address, port) => holdsSource(leg.agent, address, port, share.clock.now()),
      lost: (address, port) => loseSource(leg.agent, address, port),
    },
    identity,
  );
  const [address = '', otherAddress] = share.advertise;
  const transport = (ice: { ufrag: string; pwd: string }): WebTransport => ({
    address,
    ...(otherAddress === undefined ? {} : { otherAddress }),
    port: share.mux.port,
    ...ice,
    fingerprint,
    iceLite: true,
    answerSetup: 'passive',
  });
  const first = credentials();
  welcome(leg, first.ufrag, first.pwd);
  leg.agent.ufrags = [first.ufrag];
  const made: WebEnd = {
    transport: transport(first),
    connect: remote => connect(leg, remote),
    // The browser's checks show where it is; its candidates are only hopes.
    addCandidates: () => undefined,
    restart(remote) {
      if (leg.done || leg.dtls === null) return null;
      const fresh = credentials();
      welcome(leg, fresh.ufrag, fresh.pwd);
      forget(leg, restartIce(leg.agent, fresh.ufrag, remote.ice.ufrag, share.clock.now()));
      return transport(fresh);
    },
    send: (packet, keep) => sendMedia(leg, packet, keep),
    resend: seq => resendMedia(leg, seq),
    carry(video) {
      leg.kept = null;
      leg.bucket = video ? bothBucket(share.clock.now()) : audioBucket(share.clock.now());
    },
    path: () => pathOf(leg),
    counts: () => ({ ...namedCounts('leg', leg.counts), ...namedCounts('dtls', leg.dtls?.counters ?? {}) }),
    close() {
      if (!leg.done) drive(leg, (dtls, now, out) => dtls.close(now, out));
      end(leg);
      gone();
    },
  };
  return [made, leg];
}

/** Family of the selected address and SRTP profile; null before there is media. */
function pathOf({ agent, counts }: Leg): string | null {
  if (agent.selected === null || counts.profileGcm + counts.profileCm === 0) return null;
  const profile: SrtpName = counts.profileGcm > 0 ? 'AEAD_AES_128_GCM' : 'AES_CM_128_HMAC_SHA1_80';
  return `${isIPv6(agent.selected.address) ? 'udp6' : 'udp4'} ${profile}`;
}

/** Takes the browser's end: its fingerprint decides who may speak, its setup who speaks first. */
function connect(leg: Leg, remote: WebRemote): boolean {
  const { algorithm, value } = remote.fingerprint;
  if (leg.done || leg.dtls !== null || remote.setup === 'holdconn' || !isHash(algorithm)) return false;
  leg.role = remote.setup === 'passive' ? 'client' : 'server';
  leg.dtls = createDtls({
    role: leg.role,
    identity: leg.identity,
    remoteFingerprints: [{ hash: algorithm, value }],
    profiles: leg.share.profiles,
  });
  startIce(leg.agent, remote.ice.ufrag, leg.share.clock.now());
  takeEarly(leg);
  startClient(leg);
  return true;
}

function isHash(algorithm: string): algorithm is FingerprintHash {
  return HASHES.includes(algorithm);
}

/** Letters of ice-char from the system's random source: 48 and 192 bits. RFC 8839 5.4. */
function credentials(): { ufrag: string; pwd: string } {
  return { ufrag: randomBytes(6).toString('base64'), pwd: randomBytes(24).toString('base64') };
}
