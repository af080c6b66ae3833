/** A trunk that registers itself: its pilot number by digest, or all its numbers at once, against a scripted peer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCorePeer, eventually } from '../../test/support/core-peer.ts';
import {
  type Bench,
  BINDING,
  bench,
  fields,
  HOME,
  HOST,
  NUMBER,
  OFFER,
  register,
  SDP,
} from '../../test/support/mw-bench.ts';
import { checkSettings } from '../config/settings.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import { createIds } from '../runtime/ids.ts';
import { silentLog } from '../runtime/log.ts';
import { createSystemTimers, type SipRequest } from '../sip/index.ts';
import { dryRun } from './dry-run.ts';
import { createMw } from './ims.ts';

const PILOT = '+99910020000';
const TRUNK = { mode: 'trunk', trunkAor: `sip:${PILOT}@${HOME}`, trunkUser: 'lineside', trunkPassword: 'secret' };

/** A bench whose peer answers REGISTER from the first one on. */
async function trunkBench(
  ims: Record<string, unknown>,
  answer: (request: SipRequest, n: number) => [number, Array<[string, string]>],
) {
  const peer = await createCorePeer(HOST);
  const registers: SipRequest[] = [];
  peer.onMessage = (message, reply) => {
    if (message.type !== 'request') return;
    if (message.method !== 'REGISTER') return;
    registers.push(message);
    peer.respond(message, reply, ...answer(message, registers.length));
  };
  return { peer, registers, ims: { ...TRUNK, entry: `${HOST}:${peer.port}`, ...ims } };
}

test('a trunk registers its pilot number, answers the challenge, calls by the Service-Route and leaves at the end', async t => {
  const { peer, registers, ims } = await trunkBench({ trunkRegister: 'pilot' }, (request, n) =>
    n === 1
      ? [401, [['WWW-Authenticate', `Digest realm="${HOME}", nonce="n1", algorithm=SHA-256, qop="auth"`]]]
      : [
          200,
          [
            ['Contact', request.headers.get('Contact') ?? ''],
            ['Service-Route', '<sip:edge.example;lr>'],
          ],
        ],
  );
  t.after(() => peer.close());
  const b: Bench = await bench(t, ims);
  await eventually('registered', () => (registers.length >= 2 ? true : null));
  assert.equal(registers[1]?.headers.to()?.uri, `sip:${PILOT}@${HOME}`);
  assert.match(registers[1]?.headers.get('Authorization') ?? '', /^Digest username="lineside"/);
  assert.match(registers[1]?.headers.contacts()[0]?.uri ?? '', new RegExp(`^sip:\\${PILOT}@${HOST}:`));
  // A number is in as soon as the trunk is.
  await eventually('a number is taken', () => {
    register(b, 1);
    return b.inputs.some(({ type }) => type === 'ims-registered') ? true : null;
  });
  assert.equal(registers.length, 2);
  // A call for the pilot is for the number in To.
  peer.send(
    b.port,
    'INVITE',
    `sip:${PILOT}@${HOST}:${b.port}`,
    [
      ['From', `<sip:+99910020009@${HOME}>;tag=p1`],
      ['To', `<sip:${NUMBER}@${HOME};user=phone>`],
      ['Call-ID', 'in1'],
      ['CSeq', '1 INVITE'],
      ['Contact', `<sip:peer@${HOST}:${peer.port}>`],
      SDP,
    ],
    OFFER,
  );
  assert.equal((await b.input('ims-invited')).binding, BINDING);
  await b.mw.close();
  const last = registers.at(-1);
  assert.equal(last?.headers.get('Expires'), '0');
});

test('a trunk registers all its numbers at once by RFC 6140', async t => {
  const { peer, registers, ims } = await trunkBench({ trunkRegister: 'bulk' }, request => [
    200,
    [['Contact', request.headers.get('Contact') ?? '']],
  ]);
  t.after(() => peer.close());
  const b = await bench(t, ims);
  await eventually('registered', () => (registers.length >= 1 ? true : null));
  const [sent] = registers;
  assert.equal(sent?.headers.get('Require'), 'gin');
  assert.equal(sent?.headers.get('Proxy-Require'), 'gin');
  assert.match(sent?.headers.get('Contact') ?? '', new RegExp(`^<sip:${HOST}:\\d+;bnc>;expires=3600$`));
  await eventually('a number is taken', () => {
    register(b, 1);
    return b.inputs.some(({ type }) => type === 'ims-registered') ? true : null;
  });
});

test('REG-14 a trunk that is refused takes no numbers and comes back later and later', async t => {
  const { peer, registers, ims } = await trunkBench({ trunkRegister: 'pilot' }, () => [503, []]);
  const delays: number[] = [];
  const real = createSystemTimers();
  const settings = checkSettings({ sip: { host: HOST, port: 0 }, ims: { home: HOME, transport: 'udp', ...ims } });
  const inputs: string[] = [];
  const mw = createMw({
    settings,
    emit: input => inputs.push(input.type),
    ids: createIds(size => new Uint8Array(size).fill(7)),
    shardOfBinding: () => 5,
    timers: {
      start(key, ms, fire) {
        if (!key.startsWith('trunk.')) return real.start(key, ms, fire);
        delays.push(ms);
        if (delays.length < 9) real.start(key, 0, fire);
      },
      stop: key => real.stop(key),
    },
    clock: { now: () => performance.now() },
    log: silentLog,
    count: () => {},
    lagMs: () => 0,
  });
  t.after(async () => {
    await mw.close();
    await peer.close();
    real.close();
  });
  await mw.start();
  await eventually('nine tries', () => (delays.length >= 9 ? true : null));
  assert.equal(new Set(registers.map(({ headers }) => headers.callId())).size, 9);
  for (const [n, ms] of delays.entries()) {
    const window = Math.min(1_800_000, 30_000 * 2 ** n);
    assert.ok(ms >= window / 2 && ms <= window, `${n}: ${ms}`);
  }
  register({ mw } as Bench, 1);
  assert.deepEqual(inputs, ['ims-register-failed']);
});

test('a dry run shows how a trunk registers', async () => {
  const settings = checkSettings({ ims: { ...TRUNK, trunkRegister: 'bulk', entry: '192.0.2.20:5070', home: HOME } });
  const ids = createIds(size => new Uint8Array(size).fill(7));
  const { messages } = await dryRun({ settings, ids, log: silentLog, number: NUMBER, to: NUMBER as E164 });
  const [own, invite] = messages.map(({ text }) => text);
  assert.equal(fields(own ?? '').get('Require'), 'gin');
  assert.match(invite ?? '', /^INVITE /);
});
