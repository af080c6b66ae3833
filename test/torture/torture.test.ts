/** The 49 torture messages of RFC 4475, and those of RFC 5118 with IPv6, against the parser and the stream framer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFramer, createResponse, parseMessage, type SipMessage, serialize } from '../../src/sip/index.ts';
import { createWorld } from '../support/agent-world.ts';
import type { TortureCase } from './case.ts';
import { INVALID, SEMANTIC } from './invalid.ts';
import { IPV6 } from './ipv6.ts';
import { VALID } from './valid.ts';

const ALL: readonly TortureCase[] = [...VALID, ...INVALID, ...SEMANTIC];

test('TRN-06 all 49 cases are there, each once', () => {
  assert.equal(ALL.length, 49);
  assert.equal(new Set(ALL.map(c => c.name)).size, 49);
});

test('every clause of RFC 5118 4 is there', () => {
  assert.deepEqual(
    [...new Set(IPV6.map(c => c.clause))],
    Array.from({ length: 10 }, (_, i) => `4.${i + 1}`),
  );
});

for (const torture of [...ALL, ...IPV6]) {
  const { verdict } = torture;
  const rfc = IPV6.includes(torture) ? 5118 : 4475;
  test(`${rfc === 4475 ? 'TRN-06 ' : ''}${torture.name} (RFC ${rfc} ${torture.clause}): ${verdict.type}${torture.above ? `; above: ${torture.above}` : ''}`, () => {
    const result = parseMessage(torture.bytes);
    if (verdict.type === 'accept') {
      assert.ok(result.ok, result.ok ? '' : result.reason);
      torture.check?.(result.message);
      assertRoundTrip(result.message);
      return;
    }
    assert.equal(result.ok, false);
    if (result.ok) return;
    assert.equal(result.status, verdict.type === 'refuse' ? verdict.status : null);
    assert.equal(result.request !== null, verdict.type === 'refuse' && verdict.addressed);
    if (result.request !== null && result.status !== null) {
      // The refusal itself must be a message another parser can carry home, whatever was copied into it.
      const refusal = serialize(createResponse(result.request, result.status, undefined, { toTag: 'r' })).toString();
      assert.ok(refusal.startsWith(`SIP/2.0 ${result.status} `));
    }
  });
}

test('TRN-06 every accepted request gets the answer the table says from a user agent, each in a form that can be read', () => {
  const wrong: string[] = [];
  for (const { name, bytes, verdict, answer } of [...ALL, ...IPV6]) {
    const result = parseMessage(bytes);
    if (verdict.type !== 'accept' || !result.ok || result.message.type === 'response') continue;
    const world = createWorld();
    const { layer, sent, calls } = world.party('192.0.2.200');
    layer.receive(result, { transport: 'udp', host: '192.0.2.1', port: 5060 });
    world.clock.advance(10);
    const got = [sent.at(-1)?.split(' ')[1], calls.length];
    wrong.push(...(got[0] === String(answer) && got[1] === (answer === 100 ? 1 : 0) ? [] : [`${name} ${got} ${sent}`]));
  }
  assert.deepEqual(wrong, []);
});

function assertRoundTrip(message: SipMessage): void {
  const again = parseMessage(serialize(message));
  assert.ok(again.ok, again.ok ? '' : again.reason);
  assert.deepEqual(plain(again.message), plain(message));
}

function plain(message: SipMessage): unknown {
  const fields = [...message.headers.entries()].filter(([name]) => name !== 'Content-Length');
  return { ...message, headers: fields, body: [...message.body] };
}

function framed(name: string): string[] {
  const torture = ALL.find(c => c.name === name);
  assert.ok(torture);
  return createFramer()
    .push(torture.bytes)
    .map(event => (event.type === 'error' ? event.reason : event.type));
}

test('on a stream dblreq is two messages', () => {
  assert.deepEqual(framed('dblreq'), ['message', 'message']);
});

test('on a stream clerr is waited for, ncl and mcl01 end the connection', () => {
  assert.deepEqual(framed('clerr'), []);
  assert.deepEqual(framed('ncl'), ['malformed Content-Length']);
  assert.deepEqual(framed('mcl01'), ['Content-Length twice']);
});

test('a refused stream message still gives a refusal to send', () => {
  const [event] = createFramer().push(ALL.find(c => c.name === 'ncl')?.bytes ?? Buffer.alloc(0));
  assert.ok(event?.type === 'error' && event.head !== null);
  const result = parseMessage(event.head);
  assert.ok(!result.ok && result.status === 400 && result.request !== null);
});
