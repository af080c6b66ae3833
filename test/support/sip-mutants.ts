/** Mutated datagrams against parser and transaction layer: one seeded round of them, with everything that must hold. */
import assert from 'node:assert/strict';
import {
  createResponse,
  createTransactionLayer,
  parseMessage,
  type SipMessage,
  type SipRequest,
  serialize,
  type Target,
  type TransactionKey,
} from '../../src/sip/index.ts';
import { markReceived } from '../../src/sip/transport/received.ts';
import { mutants } from './mutants.ts';
import { sampleRequest, sampleResponse } from './sip-machine.ts';
import { createFakeClock, type FakeClock, seeded } from './sip-world.ts';

const SOURCE: Target = { transport: 'udp', host: '192.0.2.9', port: 5070 };
const LIMIT = 60;

/** Texts that parsers trip over, put anywhere. */
const NASTY = [
  '\r\n',
  '\r\n ',
  '\r\n\r\n',
  '\0',
  '\x01',
  '\x7f',
  '"',
  '\\',
  '"\\\x01"',
  '<',
  '>',
  ';',
  ';;',
  ',',
  '=',
  '%00',
  '%',
  ':',
  '@',
  '[',
  ']',
  '[::1]:',
  ' ',
  '\t',
  '\ud83d\ude00',
  '\xff\xfe',
  '99999999999999999999',
  '-1',
  'z9hG4bK',
  ';branch=',
  ';rport=70000',
  ';received=::1',
  ';tag=',
  'Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n',
  'Content-Length: 5\r\n',
  'l: 0\r\n',
  'CSeq: 1 INVITE\r\n',
  'SIP/2.0',
  'SIP/2.0/TCP',
  ' '.repeat(300),
  ';a'.repeat(200),
  ','.repeat(300),
  '('.repeat(200),
];

/** A layer whose user answers some requests at once, some later and some never, and calls a little itself. */
function victim(clock: FakeClock, random: () => number) {
  const errors: string[] = [];
  const sent: Uint8Array[] = [];
  const open: Array<{ key: TransactionKey; request: SipRequest }> = [];
  let branches = 0;
  const statuses = [100, 180, 200, 302, 486, 500];
  const answer = (key: TransactionKey, request: SipRequest) =>
    layer.respond(key, createResponse(request, statuses[Math.floor(random() * 6)] ?? 500, undefined, { toTag: 't' }));
  const layer = createTransactionLayer({
    wire: {
      send: bytes => void sent.push(bytes),
      sentBy: target => (target.transport === 'tls' ? null : { host: '192.0.2.1', port: 5060 }),
    },
    timers: clock.timers,
    now: clock.now,
    random: () => {
      branches += 1;
      return `b${branches}`;
    },
    limits: { transactions: LIMIT },
    singleVia: true,
    user: {
      onRequest(request, key) {
        open.push({ key, request });
        if (random() < 0.5) answer(key, request);
      },
      onAck() {},
      onCancel(key) {
        const found = open.find(o => o.key === key);
        if (found) layer.respond(key, createResponse(found.request, 487, undefined, { toTag: 't' }));
      },
      onServerFailure() {},
    },
    log: (_level, message, fields) => void errors.push(`${message} ${JSON.stringify(fields)}`),
  });
  return { layer, errors, sent, open, answer };
}

function seedMessages(): Buffer[] {
  const methods = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS'];
  const requests: SipMessage[] = methods.map(method => {
    const request = sampleRequest(method, [
      ['Contact', '"A \\" B" <sip:a@192.0.2.1:5060;transport=udp>;expires=60, <sip:b@192.0.2.1>'],
      ['Route', '<sip:p1.example.com;lr>, <sip:p2.example.com;lr>'],
      ['Timestamp', '54'],
    ]);
    request.body = Buffer.from('v=0\r\n');
    return request;
  });
  const ours = sampleRequest('INVITE');
  ours.headers.set('Via', 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKb2');
  const responses = [100, 180, 200, 486].map(status => sampleResponse(ours, status));
  return [...requests, ...responses].map(message => serialize(message));
}

/** What we send is one message. Only the refusal of a malformed request may be malformed: it echoes that request's fields. */
function isSound(bytes: Uint8Array): void {
  const text = Buffer.from(bytes).toString('latin1');
  const refusal = /^SIP\/2\.0 (4|5)/.test(text);
  assert.ok(refusal || parseMessage(bytes).ok, `we sent ${text}`);
  const [head = '', ...rest] = text.split('\r\n\r\n');
  assert.ok(rest.length > 0, text);
  const lines = head.split('\r\n');
  assert.equal(lines.filter(line => line.startsWith('Content-Length:')).length, 1, text);
  assert.ok(!lines.some(line => /^\s|[\r\n\0]/.test(line)), text);
}

/**
 * One round: so many mutants with this seed, a layer of its own and a clock that leaps. Throws when something was thrown
 * or sent that may not be, when the table grew over its limit, or when anything is left at the end.
 */
export function mutantRound(seed: number, count: number): void {
  const random = seeded(seed);
  const clock = createFakeClock();
  const { layer, errors, sent, open, answer } = victim(clock, random);
  const calls = ['INVITE', 'BYE'].map(method => {
    const request = sampleRequest(method);
    request.headers.remove('Via');
    return layer.request(request, SOURCE, { onResponse() {}, onFailure() {} });
  });
  for (const bytes of mutants(random, seedMessages(), count, NASTY)) {
    const result = parseMessage(bytes);
    const request = result.ok ? (result.message.type === 'request' ? result.message : null) : result.request;
    if (request) markReceived(request, SOURCE);
    const transport = random() < 0.8 ? 'udp' : 'tcp';
    layer.receive(result, { ...SOURCE, transport });
    const one = open[Math.floor(random() * open.length)];
    if (one && random() < 0.1) answer(one.key, one.request);
    if (random() < 0.1) clock.advance(random() * 4000);
    assert.ok(layer.size <= LIMIT * 1.25, `${layer.size} transactions`);
  }
  assert.deepEqual(errors, []);
  assert.ok(sent.length > count / 25);
  sent.forEach(isSound);
  for (const key of calls) layer.cancel(key);
  for (const { key, request } of open) {
    if (layer.isPending(key)) layer.respond(key, createResponse(request, 500, undefined, { toTag: 't' }));
  }
  // An INVITE of ours that got a mutated provisional response is the user's to cancel, which it has done.
  assert.ok(clock.drain(600_000));
  assert.equal(layer.size, 0);
  assert.equal(clock.running, 0);
}
