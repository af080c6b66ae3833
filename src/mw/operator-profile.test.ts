/** What the specifications leave to an operator: each setting changes what is sent, and the dry run shows it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../test/support/core-peer.ts';
import {
  type Bench,
  bench,
  CALL,
  fields,
  HOME,
  HOST,
  INVITE,
  NUMBER,
  register,
  registrar,
} from '../../test/support/mw-bench.ts';
import { checkSettings } from '../config/settings.ts';
import { createIds } from '../runtime/ids.ts';
import { silentLog } from '../runtime/log.ts';
import type { SipRequest } from '../sip/index.ts';
import { dryRun } from './dry-run.ts';

async function dryTexts(ims: Record<string, unknown>): Promise<string[]> {
  const settings = checkSettings({ ims: { home: HOME, entry: '192.0.2.20:5060', transport: 'udp', ...ims } });
  const ids = createIds(size => new Uint8Array(size).fill(7));
  const { messages } = await dryRun({ settings, ids, log: silentLog, number: NUMBER, to: NUMBER });
  return messages.map(({ text }) => text);
}

async function dry(ims: Record<string, unknown>) {
  const texts = await dryTexts(ims);
  const [registered, invite] = ['REGISTER', 'INVITE'].map(method =>
    fields(texts.find(text => text.startsWith(`${method} `)) ?? ''),
  );
  assert.ok(registered && invite);
  return { registered, invite };
}

const CLIENT = { mode: 'client', passwordTemplate: 'pw' };
/** Every setting of the table in docs/operations.md that changes what is sent: what it is set to, and where that is seen. */
const SHOWN: ReadonlyArray<[setting: string, value: unknown, method: string, seen: RegExp, also?: object]> = [
  ['tnaRealm', 'core.example', 'REGISTER', /realm="core\.example"/],
  ['tnaNonce', 'bm9u', 'REGISTER', /nonce="bm9u"/],
  ['tnaIndicator', 'tls-yes', 'REGISTER', /integrity-protected="tls-yes"/],
  ['authorizationEntity', 'waf.example', 'REGISTER', /waf\.example/],
  ['registerUserPhone', true, 'REGISTER', /\r\nTo: <sip:[^>]*;user=phone>/],
  ['userPhone', false, 'INVITE', /^INVITE sip:[^; ]* SIP/],
  ['accessNetworkInfo', 'IEEE-802.11', 'INVITE', /\r\nP-Access-Network-Info: IEEE-802\.11/],
  ['ioiPrefix', 'Type 3', 'INVITE', /orig-ioi="Type 3/],
  ['headerRules', [{ methods: ['SUBSCRIBE'], add: { 'X-Line': '{digits}' } }], 'SUBSCRIBE', /\r\nX-Line: \d+/],
  ['registerExpiresS', 7000, 'REGISTER', /\r\nExpires: 7000\r\n/],
  ['regEventExpiresS', 7000, 'SUBSCRIBE', /\r\nExpires: 7000\r\n/],
  ['digestMinimum', 'SHA-256', 'REGISTER', /response="\.\.\.", algorithm=SHA-256/, CLIENT],
  ['digestNoQop', 'auth', 'REGISTER', /qop=auth, nc=00000001/, CLIENT],
  ['sessionExpiresS', 900, 'INVITE', /\r\nSession-Expires: 900\r\n/],
  ['minSeS', 120, 'INVITE', /\r\nMin-SE: 120\r\n/],
  ['preconditionLocal', 'mandatory', 'INVITE', /a=des:qos mandatory local/],
  ['preconditionRemote', 'mandatory', 'INVITE', /a=des:qos mandatory remote/],
  ['releaseCause', false, 'CANCEL', /^(?!.*RELEASE_CAUSE)/s],
];

test('the dry run shows every setting that the specifications leave to the operator', async () => {
  for (const [setting, value, method, seen, also] of SHOWN) {
    const see = async (ims: object) =>
      (await dryTexts({ ...also, ...ims })).some(text => text.startsWith(`${method} `) && seen.test(text));
    assert.ok(await see({ [setting]: value }), `${setting} is not seen`);
    assert.ok(!(await see({})), `${setting} changes nothing`);
  }
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const [, table = ''] = page.split('### What the specifications leave open');
  const told = [...(table.split('Decided here')[0] ?? '').matchAll(/`ims\.(\w+)`/g)].map(([, name]) => name);
  const shown = SHOWN.map(([setting]) => setting);
  assert.deepEqual([...new Set(told)].filter(name => name !== 'home').sort(), shown.sort());
});

test('realm and nonce of a trusted node, the words before orig-ioi, the session timer', async () => {
  const tna = { tnaRealm: 'core.example', tnaNonce: 'bm9uY2U=' };
  const { registered, invite } = await dry({ ...tna, ioiPrefix: '', sessionExpiresS: 900, minSeS: 120 });
  assert.match(
    registered.get('Authorization') ?? '',
    new RegExp(`, realm="core\\.example", uri="sip:${HOME}", nonce="bm9uY2U=", response="", integrity-protected=`),
  );
  for (const message of [registered, invite])
    assert.ok(message.get('P-Charging-Vector')?.endsWith(`;orig-ioi=${HOME}`), 'a token needs no quotation');
  assert.deepEqual([invite.get('Session-Expires'), invite.get('Min-SE')], ['900', '120']);
  const typed = await dry({ ioiPrefix: 'Type 3' });
  assert.ok(typed.registered.get('P-Charging-Vector')?.endsWith(`;orig-ioi="Type 3${HOME}"`));
  const client = await dry({ ...tna, mode: 'client', passwordTemplate: 'pw' });
  assert.match(client.registered.get('Authorization') ?? '', new RegExp(`realm="${HOME}", .*nonce=""`));
});

test('the time asked for the registration-state subscription', async t => {
  const b = await bench(t, { regEventExpiresS: 7200 });
  const subscribes: SipRequest[] = [];
  registrar(b, 600, (message, reply) => {
    if (message.type !== 'request' || message.method !== 'SUBSCRIBE') return;
    subscribes.push(message);
    b.peer.respond(message, reply, 489);
  });
  register(b, 1);
  assert.equal((await eventually('SUBSCRIBE', () => subscribes[0])).headers.get('Expires'), '7200');
});

test('the strengths of preconditions, once they are asked for', async t => {
  const b = await bench(t, { preconditionLocal: 'mandatory', preconditionRemote: 'none' });
  const bodies: string[] = [];
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request' || message.method !== 'INVITE') return;
    bodies.push(Buffer.from(message.body).toString());
    b.peer.respond(message, reply, 421, [['Require', 'precondition']]);
  };
  b.mw.port.run({ ...INVITE, sdp: `${INVITE.sdp}m=audio 4000 RTP/AVP 8\r\n` });
  await b.input('ims-rejected');
  assert.match(bodies[1] ?? '', /a=des:qos mandatory local sendrecv\r\na=des:qos none remote sendrecv\r\n$/);
});

for (const releaseCause of [true, false]) {
  test(`a CANCEL has ${releaseCause ? 'the' : 'no'} cause of TS 24.229, and every other one, with ${releaseCause}`, async t => {
    const b = await bench(t, { releaseCause });
    const told: Array<string | undefined> = [];
    b.peer.onMessage = (message, reply) => {
      if (message.type !== 'request') return;
      if (message.method === 'INVITE') b.peer.respond(message, reply, 180, [['Contact', `<sip:far@${HOST}>`]]);
      if (message.method === 'CANCEL') told.push(message.headers.get('Reason'));
    };
    const reasons = ['RELEASE_CAUSE;cause=1;text="User ends call"', 'Q.850;cause=31'];
    for (const [index, reason] of reasons.entries()) {
      b.mw.port.run(INVITE);
      await b.input('ims-progress');
      b.mw.port.run({ type: 'ims.end', owner: CALL, code: 0, phrase: '', reason });
      await eventually('CANCEL', () => told.length > index);
    }
    assert.deepEqual(told, releaseCause ? reasons : [undefined, reasons[1]]);
  });
}

/** A client whose core challenges every REGISTER with these; gives what it answered. */
async function challenged(t: TestContext, ims: Record<string, unknown>, ...challenges: string[]): Promise<string[]> {
  const b: Bench = await bench(t, { mode: 'client', passwordTemplate: 'pw', regEvent: false, ...ims });
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request') return;
    const asked = challenges.map((text): [string, string] => ['WWW-Authenticate', `Digest realm="${HOME}", ${text}`]);
    b.peer.respond(message, reply, 401, asked);
  };
  register(b, 1);
  await b.input('ims-register-failed');
  const registers = b.peer.texts.filter(text => text.startsWith('REGISTER'));
  return registers.slice(1).map(text => fields(text).get('Authorization') ?? '');
}

test('the weakest digest a password answers', async t => {
  const md5 = 'nonce="weak", algorithm=MD5, qop="auth"';
  const sha = 'nonce="strong", algorithm=SHA-256, qop="auth"';
  assert.match((await challenged(t, {}, md5, sha)).join(), /nonce="weak"/);
  assert.match((await challenged(t, { digestMinimum: 'SHA-256' }, md5, sha)).join(), /^[^,]+, [^,]+, nonce="strong"/);
  assert.deepEqual(await challenged(t, { digestMinimum: 'SHA-256' }, md5), []);
});

test('the answer to a challenge without qop', async t => {
  const bare = 'nonce="n", algorithm=SHA-256';
  assert.doesNotMatch((await challenged(t, {}, bare)).join(), /qop|nc=/);
  assert.match((await challenged(t, { digestNoQop: 'auth' }, bare)).join(), /, qop=auth, nc=00000001, cnonce="/);
});
