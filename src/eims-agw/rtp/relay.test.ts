/** One call packet by packet: what a stranger may not take from it, and where our numbers begin. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PtRule, Route } from '../engine.ts';
import { PCMA } from '../payload-format.ts';
import type { ImsLeg } from './ims-leg.ts';
import { applyRoute, fromIms, fromWeb, type Relay, relay, rtcpFromIms } from './relay.ts';

const TARGET = { address: '192.0.2.9', port: 4000, rtcpAddress: '192.0.2.9', rtcpPort: 4001 };
const RULES: PtRule[] = [{ in: 8, out: 8, kind: 'speech', from: PCMA, to: PCMA }];
const ROUTE: Route = {
  leg: 1,
  target: TARGET,
  toIms: RULES,
  toWeb: RULES,
  toImsOpen: true,
  toWebOpen: true,
  supervise: true,
  video: null,
};

/** A joined call; the packets that left it, by side. */
function joined(random: () => number): { r: Relay; web: Buffer[]; ims: Buffer[] } {
  const r = relay(77, 'c', 0, random, null, 5_000);
  const web: Buffer[] = [];
  const ims: Buffer[] = [];
  const leg: ImsLeg = {
    port: 21_000,
    sendRtp: (packet, start) => ims.push(packet.subarray(start)),
    sendRtcp: () => undefined,
    close: () => undefined,
  };
  r.ims = leg;
  r.web = {
    transport: { address: '', port: 0, ufrag: '', pwd: '', fingerprint: '', iceLite: true, answerSetup: 'passive' },
    connect: () => true,
    addCandidates: () => undefined,
    send(packet) {
      web.push(packet);
      return true;
    },
    close: () => undefined,
  };
  r.webUp = true;
  applyRoute(r, ROUTE, 0);
  return { r, web, ims };
}

function rtp(seq: number): Buffer {
  const packet = Buffer.alloc(172, 1);
  packet[0] = 0x80;
  packet[1] = 8;
  packet.writeUInt16BE(seq, 2);
  return packet;
}

test('our first sequence number is below 2^15, so that a receiver that misses it does not guess a wrong roll-over', () => {
  for (const word of [0xffff_ffff, 0x8000, 0x7fff, 0x7ffe, 0]) {
    const { r, web, ims } = joined(() => word);
    fromIms(r, rtp(60_000), TARGET.address, TARGET.port, 1);
    fromWeb(r, rtp(60_000), 1);
    for (const [first] of [web, ims]) assert.ok((first?.readUInt16BE(2) ?? 0xffff) < 0x8000, `${word}`);
  }
});

test('a stranger who floods the ports of the IMS side takes nothing from the rate of the far end', () => {
  const { r, web } = joined(() => 1);
  for (let i = 0; i < 1_000; i += 1) {
    fromIms(r, rtp(i), '203.0.113.1', 9, 10);
    rtcpFromIms(r, Buffer.from('80c9000100000001', 'hex'), '203.0.113.1', 9, 10);
  }
  for (let i = 0; i < 50; i += 1) fromIms(r, rtp(i), TARGET.address, TARGET.port, 10);
  assert.equal(web.length, 50);
  for (let i = 50; i < 400; i += 1) fromIms(r, rtp(i), TARGET.address, TARGET.port, 10);
  assert.equal(web.length, 186);
  assert.deepEqual([r.toWeb.counts.wrongSource, r.toWeb.counts.rate], [2_000, 214]);
});

test('reports of the far end count for its rate, those of strangers do not', () => {
  const { r, web } = joined(() => 1);
  const report = Buffer.from('80c9000100000001', 'hex');
  for (let i = 0; i < 300; i += 1) rtcpFromIms(r, report, TARGET.address, TARGET.rtcpPort, 10);
  fromIms(r, rtp(1), TARGET.address, TARGET.port, 10);
  assert.deepEqual([web.length, r.toWeb.counts.rate], [0, 101]);
});
