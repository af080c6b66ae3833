/** Sessions of a worker: which leg is joined with the IMS side, and under which numbers it is spoken to. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import type { EngineEvent, PtRule } from '../engine.ts';
import { PCMA } from '../payload-format.ts';
import { mediaRealms } from '../realm.ts';
import { MEDIA_DEFAULTS } from '../settings.ts';
import { createHost } from './host.ts';
import { createPortPool } from './port-pool.ts';

const HOST = '127.0.44.231';
const FAR = '127.0.44.232';
const RULES: PtRule[] = [{ in: 8, out: 8, kind: 'speech', from: PCMA, to: PCMA }];

function rtp(seq: number): Buffer {
  const packet = Buffer.alloc(172, 1);
  packet[0] = 0x80;
  packet[1] = 8;
  packet.writeUInt16BE(seq, 2);
  return packet;
}

test('each leg begins below 2^15 under its own SSRC, and goes on where it was when it is joined again', async t => {
  const settings = { ...MEDIA_DEFAULTS, ims: { ...MEDIA_DEFAULTS.ims, bind: HOST, advertise: HOST } };
  let words = 0xffff_0000;
  const ups: Array<() => void> = [];
  let heard: (packet: Buffer) => void = () => undefined;
  let opened: (event: Extract<EngineEvent, { type: 'opened' }>) => void = () => undefined;
  const host = createHost({
    settings,
    realms: mediaRealms(settings),
    pool: createPortPool(
      { min: 21_100, max: 21_199 },
      () => 0,
      () => 5,
    ),
    makeWebEnd: (_request, events) => {
      ups.push(events.up);
      return {
        transport: { address: '', port: 0, ufrag: '', pwd: '', fingerprint: '', iceLite: true, answerSetup: 'passive' },
        connect: () => true,
        addCandidates: () => undefined,
        send(packet) {
          if ((packet[1] ?? 0) < 192) heard(Buffer.from(packet));
          return true;
        },
        close: () => undefined,
      };
    },
    send: event => {
      if (event.type === 'opened') opened(event);
    },
    onFault: error => assert.fail(String(error)),
    now: () => performance.now(),
    wall: () => 0,
    random: () => {
      words += 0x1234;
      return words >>> 0;
    },
  });
  const far = createSocket('udp4');
  await new Promise<void>(resolve => far.bind(0, FAR, resolve));
  t.after(() => {
    far.close();
    host.close();
  });
  const leg = (number: number) => ({ leg: number, ssrc: 100 + number, cname: 'c' });
  const { ims } = await new Promise<Extract<EngineEvent, { type: 'opened' }>>(resolve => {
    opened = resolve;
    host.handle({ type: 'open', session: 1, op: 1, place: { realm: null, family: 'IP4' }, legs: [leg(1), leg(2)] });
  });
  for (const up of ups) up();
  const target = { address: FAR, port: far.address().port, rtcpAddress: FAR, rtcpPort: 9 };
  let seq = 7;
  /** Joins a leg and sends it one packet; SSRC and number under which it came. */
  const speak = async (number: number): Promise<[number, number]> => {
    const open = { toIms: RULES, toWeb: RULES, toImsOpen: true, toWebOpen: true, supervise: false, video: null };
    host.handle({ type: 'route', session: 1, route: { leg: number, target, ...open } });
    const packet = await new Promise<Buffer>(resolve => {
      heard = resolve;
      far.send(rtp(seq++), ims.port, HOST);
    });
    return [packet.readUInt32BE(8), packet.readUInt16BE(2)];
  };
  const [a, first] = await speak(1);
  const [, second] = await speak(1);
  const [b, other] = await speak(2);
  const [again, third] = await speak(1);
  assert.deepEqual([a, b, again], [101, 102, 101]);
  assert.ok(first < 0x8000 && other < 0x8000 && other !== third, `${first} ${other}`);
  assert.deepEqual([second, third], [first + 1, first + 2]);
});
