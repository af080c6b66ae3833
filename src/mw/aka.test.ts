/** A client with a SIM in software against a core that challenges with AKA. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Bench, BINDING, bench, HOME, NUMBER, register } from '../../test/support/mw-bench.ts';
import {
  akaPassword,
  answerChallenge,
  createAkaVector,
  parseAuthValue,
  parseChallenge,
  readAuts,
  type SipRequest,
} from '../sip/index.ts';

const KEYS = { k: '465b5ce8b199b49faa5f0a2ee238a6bc', opc: 'cd63cb71954a9f4e48a5994e37a02baf' };
const KEY = { k: Buffer.from(KEYS.k, 'hex'), opc: Buffer.from(KEYS.opc, 'hex') };
const AMF = Buffer.from('8000', 'hex');
const IMPI = `isim-99910020001@${HOME}`;

async function clientBench(t: TestContext, keys: Record<string, string> = KEYS): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'aka-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const identityFile = join(folder, 'sims.json');
  writeFileSync(identityFile, JSON.stringify({ [NUMBER]: { impi: IMPI, ...keys } }));
  return bench(t, { mode: 'client', identityFile, regEvent: false });
}

/** A registrar of AKA: challenges every REGISTER without an answer to its last challenge. */
function home(b: Bench, algorithm: string, sqn: bigint) {
  const version = algorithm.startsWith('AKAv1') ? 1 : 2;
  const hash = algorithm.endsWith('MD5') ? 'MD5' : 'SHA-256';
  const heard: SipRequest[] = [];
  const state = { sqn, auts: 0, heard, empty: 0 };
  let last: ReturnType<typeof createAkaVector> | null = null;
  let text = '';
  const challenge = () => {
    const rand = Buffer.alloc(16, heard.length);
    state.sqn += 1n;
    last = createAkaVector(KEY, rand, state.sqn, AMF);
    text = `Digest realm="${HOME}", nonce="${last.nonce}", algorithm=${algorithm}, qop="auth"`;
    return text;
  };
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request' || message.method !== 'REGISTER') return;
    heard.push(message);
    const sent = message.headers.get('Authorization') ?? '';
    const params = parseAuthValue(sent)?.params ?? new Map<string, string>();
    const auts = params.get('auts');
    if (auts !== undefined) {
      state.auts += 1;
      state.sqn = readAuts(KEY, Buffer.from(last?.nonce ?? '', 'base64').subarray(0, 16), auts) ?? state.sqn;
    }
    if (params.get('nonce') !== '' && params.get('response') === '') state.empty += 1;
    const parsed = parseChallenge(text);
    const good =
      last !== null && parsed !== null && auts === undefined
        ? answerChallenge({
            challenge: parsed,
            username: IMPI,
            password: akaPassword(version, hash, last),
            method: 'REGISTER',
            uri: message.uri,
            nc: 1,
            cnonce: params.get('cnonce') ?? '',
          })
        : null;
    if (sent === good) {
      last = null;
      b.peer.respond(message, reply, 200, [['Contact', message.headers.get('Contact') ?? '']]);
    } else b.peer.respond(message, reply, 401, [['WWW-Authenticate', challenge()]]);
  };
  return state;
}

for (const [id, algorithm] of [
  ['AKA-01', 'AKAv1-MD5'],
  ['AKA-02', 'AKAv2-SHA-256'],
] as const) {
  test(`${id} a number registers, and again, by ${algorithm} with the keys of the table`, async t => {
    const b = await clientBench(t);
    const core = home(b, algorithm, 100n);
    register(b, 1);
    await b.input('ims-registered');
    register(b, 2, false);
    await b.input('ims-registered');
    assert.equal(core.heard.length, 4);
    assert.equal(new Set(core.heard.map(({ headers }) => headers.callId())).size, 1);
  });
}

test('AKA-03 a core that has lost its SQN is told ours and believed after it', async t => {
  const b = await clientBench(t);
  const core = home(b, 'AKAv1-MD5', 1000n);
  register(b, 1);
  await b.input('ims-registered');
  core.sqn = 5n;
  register(b, 2);
  await b.input('ims-registered');
  assert.equal(core.auts, 1);
  assert.equal(core.sqn, 1002n);
});

test('a core that is not the home of the SIM hears so once, and the registration fails', async t => {
  const b = await clientBench(t, { ...KEYS, k: '00000000000000000000000000000000' });
  const core = home(b, 'AKAv1-MD5', 100n);
  register(b, 1);
  const failed = await b.input('ims-register-failed');
  assert.equal(failed.owner, BINDING);
  assert.equal(failed.outcome.code, 401);
  assert.equal(core.empty, 1);
  assert.equal(core.heard.length, 2);
});
