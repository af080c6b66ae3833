/** The transaction layer: matching, CANCEL, the way over TCP, overload, what it drops and what it answers by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRequest, sampleResponse } from '../../../test/support/sip-machine.ts';
import { createFakeClock } from '../../../test/support/sip-world.ts';
import { createRequest, createResponse } from '../message/build.ts';
import type { ParseResult, SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import { parseMessage } from '../message/parse.ts';
import { createTransactionLayer } from './layer.ts';
import type { Sent, TransactionLayerOptions } from './port.ts';
import type { Target, TransactionKey } from './types.ts';

const PEER: Target = { transport: 'udp', host: '192.0.2.9', port: 5070 };
const US = { host: '192.0.2.1', port: 5060 };

interface Packet {
  bytes: Uint8Array;
  target: Target;
  sent: Sent | null;
}

/** A layer on a wire that only keeps what is sent. */
function bench(options: Partial<TransactionLayerOptions> = {}) {
  const clock = createFakeClock();
  const packets: Packet[] = [];
  const told: string[] = [];
  const counted: string[] = [];
  const keys: TransactionKey[] = [];
  let branches = 0;
  const layer = createTransactionLayer({
    wire: {
      send: (bytes, target, sent) => void packets.push({ bytes, target, sent }),
      sentBy: target => (target.transport === 'tls' ? null : US),
    },
    timers: clock.timers,
    now: clock.now,
    random: () => {
      branches += 1;
      return `r${branches}`;
    },
    user: {
      onRequest(request, key) {
        keys.push(key);
        told.push(`request ${request.method}`);
      },
      onAck: request => void told.push(`ack ${request.headers.cseq()?.seq}`),
      onCancel: (_key, cancel) => void told.push(`cancel ${cancel.headers.get('Reason') ?? ''}`),
      onServerFailure: (_key, cause) => void told.push(`server failure ${cause}`),
    },
    count: (_name, labels) => void counted.push(labels['why'] ?? ''),
    log: (_level, message, fields) => assert.fail(`${message} ${JSON.stringify(fields)}`),
    ...options,
  });
  const sent = () => packets.map(({ bytes }) => decode(bytes));
  const user = {
    onResponse: (response: SipResponse) => void told.push(`response ${response.status}`),
    onFailure: (cause: string) => void told.push(`failure ${cause}`),
  };
  const receive = (message: SipMessage, source = PEER) => layer.receive({ ok: true, message }, source);
  const lines = () => sent().map(m => (m.type === 'request' ? m.method : `${m.status}`));
  return { clock, packets, told, counted, keys, layer, sent, lines, user, receive };
}

function decode(bytes: Uint8Array): SipMessage {
  const result = parseMessage(bytes);
  assert.ok(result.ok);
  return result.message;
}

/** A request of ours, before the layer pushes its Via. */
function ours(method: string, extra: ReadonlyArray<readonly [string, string]> = [], body = ''): SipRequest {
  return createRequest(
    method,
    'sip:bob@192.0.2.9',
    [
      ['Route', '<sip:p1.example.com;lr>'],
      ['Route', '<sip:p2.example.com;lr>'],
      ['Max-Forwards', '70'],
      ['From', '<sip:alice@192.0.2.1>;tag=a1'],
      ['To', '<sip:bob@192.0.2.9>'],
      ['Call-ID', 'call-1'],
      ['CSeq', `7 ${method}`],
      ...extra,
    ],
    body,
  );
}

function theirs(method: string, branch: string, extra: ReadonlyArray<readonly [string, string]> = []): SipRequest {
  const request = sampleRequest(method, extra);
  request.headers.set('Via', `SIP/2.0/UDP 192.0.2.9:5070;branch=${branch}`);
  return request;
}

function first(b: ReturnType<typeof bench>): SipRequest {
  const message = b.sent()[0];
  assert.ok(message?.type === 'request');
  return message;
}

test('18.1.1, 8.1.1.7: a request gets a top Via with a branch of its own, the sent-by and rport', () => {
  const b = bench();
  b.layer.request(ours('OPTIONS'), PEER, b.user);
  assert.match(first(b).headers.get('Via') ?? '', /^SIP\/2\.0\/UDP 192\.0\.2\.1:5060;branch=z9hG4bKr\d+;rport$/);
});

test('a repeated request is the same bytes, not written again', () => {
  const b = bench();
  b.layer.request(ours('INVITE'), PEER, b.user);
  b.clock.advance(500);
  assert.equal(b.packets.length, 2);
  assert.equal(b.packets[0]?.bytes, b.packets[1]?.bytes);
});

test('17.1.1.3: the ACK of a refusal has the INVITE’s branch, Request-URI, Route and CSeq number, and the response’s To', () => {
  const b = bench();
  b.layer.request(ours('INVITE', [['Authorization', 'Digest x="y"']]), PEER, b.user);
  const invite = first(b);
  b.receive(sampleResponse(invite, 486));
  const ack = b.sent()[1];
  assert.ok(ack?.type === 'request');
  assert.equal(ack.method, 'ACK');
  assert.equal(ack.uri, invite.uri);
  assert.deepEqual(ack.headers.all('Via'), invite.headers.all('Via'));
  assert.deepEqual(ack.headers.all('Route'), invite.headers.all('Route'));
  assert.equal(ack.headers.to()?.params.get('tag'), 'b1');
  assert.deepEqual(ack.headers.cseq(), { seq: 7, method: 'ACK' });
  assert.equal(ack.headers.has('Authorization'), false);
  b.receive(sampleResponse(invite, 486));
  assert.equal(b.packets[2]?.bytes, b.packets[1]?.bytes);
});

test('9.1: a CANCEL waits for a provisional response, then goes the way of its INVITE', () => {
  const b = bench();
  const key = b.layer.request(ours('INVITE'), PEER, b.user);
  b.layer.cancel(key, [['Reason', 'SIP;cause=200']]);
  b.layer.cancel(key);
  assert.deepEqual(b.lines(), ['INVITE']);
  const invite = first(b);
  b.receive(createResponse(invite, 100));
  assert.deepEqual(b.lines(), ['INVITE', 'CANCEL']);
  const cancel = b.sent()[1];
  assert.ok(cancel?.type === 'request');
  assert.equal(cancel.uri, invite.uri);
  assert.deepEqual(cancel.headers.all('Via'), invite.headers.all('Via'));
  assert.deepEqual(cancel.headers.all('Route'), invite.headers.all('Route'));
  assert.equal(cancel.headers.get('To'), invite.headers.get('To'));
  assert.equal(cancel.headers.get('Reason'), 'SIP;cause=200');
  assert.deepEqual(cancel.headers.cseq(), { seq: 7, method: 'CANCEL' });
  // Its own 200 is not the INVITE's.
  b.receive(createResponse(cancel, 200));
  assert.deepEqual(b.told, ['response 100']);
  b.receive(sampleResponse(invite, 487));
  assert.deepEqual(b.told, ['response 100', 'response 487']);
  assert.ok(b.clock.drain(100_000));
  assert.equal(b.layer.size, 0);
});

test('9.1: a CANCEL that comes too late, or for what is no INVITE, is not sent', () => {
  const b = bench();
  const key = b.layer.request(ours('INVITE'), PEER, b.user);
  b.receive(sampleResponse(first(b), 200));
  b.layer.cancel(key);
  const other = b.layer.request(ours('OPTIONS'), PEER, b.user);
  b.layer.cancel(other);
  assert.deepEqual(b.lines(), ['INVITE', 'OPTIONS']);
});

test('9.1: a peer that answers neither INVITE nor CANCEL is given up 64*T1 after the CANCEL', () => {
  const b = bench();
  const key = b.layer.request(ours('INVITE'), PEER, b.user);
  b.receive(createResponse(first(b), 100));
  b.clock.advance(60_000);
  b.layer.cancel(key);
  b.clock.advance(31_999);
  assert.deepEqual(b.told, ['response 100']);
  b.clock.advance(1);
  assert.deepEqual(b.told, ['response 100', 'failure timeout']);
  assert.equal(b.layer.size, 0);
});

test('18.1.2: responses that are not ours are dropped and counted', () => {
  const b = bench({ singleVia: true });
  b.layer.request(ours('OPTIONS'), PEER, b.user);
  const request = first(b);
  const stray = sampleResponse(request, 200);
  stray.headers.set('Via', 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKother');
  b.receive(stray);
  const foreign = sampleResponse(request, 200);
  foreign.headers.set('Via', (request.headers.get('Via') ?? '').replace('192.0.2.1', '192.0.2.66'));
  b.receive(foreign);
  const second = sampleResponse(request, 200);
  second.headers.add('Via', 'SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bKx');
  b.receive(second);
  assert.deepEqual(b.counted, ['unmatched-response', 'foreign-via', 'several-vias']);
  assert.deepEqual(b.told, []);
  b.receive(sampleResponse(request, 200));
  assert.deepEqual(b.told, ['response 200']);
});

test('16.7: a proxy takes responses with more than one Via', () => {
  const b = bench();
  b.layer.request(ours('OPTIONS'), PEER, b.user);
  const response = sampleResponse(first(b), 200);
  response.headers.add('Via', 'SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bKx');
  b.receive(response);
  assert.deepEqual(b.told, ['response 200']);
});

test('17.2.3: copies of a request are absorbed, another branch, sent-by or method is another transaction', () => {
  const b = bench();
  b.receive(theirs('OPTIONS', 'z9hG4bK1'));
  b.receive(theirs('OPTIONS', 'z9hG4bK1'));
  assert.equal(b.told.length, 1);
  b.receive(theirs('OPTIONS', 'z9hG4bK2'));
  b.receive(theirs('INFO', 'z9hG4bK1'));
  const elsewhere = theirs('OPTIONS', 'z9hG4bK1');
  elsewhere.headers.set('Via', 'SIP/2.0/UDP 192.0.2.8:5070;branch=z9hG4bK1');
  b.receive(elsewhere);
  assert.equal(b.told.length, 4);
});

test('17.2.1: an INVITE gets its 100 at once; a copy gets the newest response, same bytes', () => {
  const b = bench();
  b.receive(theirs('INVITE', 'z9hG4bK1'));
  assert.deepEqual(b.lines(), ['100']);
  const key = b.keys[0];
  assert.ok(key !== undefined && b.layer.isPending(key));
  b.layer.respond(key, sampleResponse(theirs('INVITE', 'z9hG4bK1'), 486));
  assert.equal(b.layer.isPending(key), false);
  b.receive(theirs('INVITE', 'z9hG4bK1'));
  b.clock.advance(500);
  assert.deepEqual(b.lines(), ['100', '486', '486', '486']);
  assert.equal(b.packets[1]?.bytes, b.packets[3]?.bytes);
  b.receive(theirs('ACK', 'z9hG4bK1'));
  assert.deepEqual(b.told, ['request INVITE']);
});

test('18.2.2, RFC 3581: responses go to the source address and the sent-by port, or with rport to the source port', () => {
  const b = bench();
  const source: Target = { transport: 'udp', host: '198.51.100.1', port: 40_000 };
  b.receive(theirs('INVITE', 'z9hG4bK1'), source);
  const symmetric = theirs('INVITE', 'z9hG4bK2');
  symmetric.headers.set('Via', 'SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK2;rport');
  b.receive(symmetric, source);
  const stream: Target = { transport: 'tcp', host: '198.51.100.1', port: 40_000, connection: 't1' };
  const tcp = theirs('INVITE', 'z9hG4bK3');
  tcp.headers.set('Via', 'SIP/2.0/TCP 192.0.2.9:5070;branch=z9hG4bK3');
  b.receive(tcp, stream);
  assert.deepEqual(
    b.packets.map(p => p.target),
    [
      { transport: 'udp', host: '198.51.100.1', port: 5070 },
      { transport: 'udp', host: '198.51.100.1', port: 40_000 },
      { transport: 'tcp', host: '198.51.100.1', port: 5070, connection: 't1' },
    ],
  );
});

test('RFC 6026 7.1: the ACK of a 2xx is told, matched or not', () => {
  const b = bench();
  b.receive(theirs('INVITE', 'z9hG4bK1'));
  b.layer.respond(b.keys[0] ?? ('' as TransactionKey), sampleResponse(theirs('INVITE', 'z9hG4bK1'), 200));
  b.receive(theirs('ACK', 'z9hG4bK1'));
  b.receive(theirs('ACK', 'z9hG4bKnew'));
  assert.deepEqual(b.told, ['request INVITE', 'ack 7', 'ack 7']);
});

test('9.2: a CANCEL of a pending INVITE is answered 200 and told, once; its copy gets the 200 again', () => {
  const b = bench();
  b.receive(theirs('INVITE', 'z9hG4bK1'));
  b.layer.respond(b.keys[0] ?? ('' as TransactionKey), sampleResponse(theirs('INVITE', 'z9hG4bK1'), 180));
  const cancel = theirs('CANCEL', 'z9hG4bK1', [['Reason', 'SIP;cause=200;text="elsewhere"']]);
  b.receive(cancel);
  b.receive(theirs('CANCEL', 'z9hG4bK1'));
  assert.deepEqual(b.lines(), ['100', '180', '200', '200']);
  assert.deepEqual(b.told, ['request INVITE', 'cancel SIP;cause=200;text="elsewhere"']);
  assert.equal(b.sent()[2]?.headers.to()?.params.get('tag'), 'b1', 'the To tag of the INVITE’s own responses');
});

test('9.2: a CANCEL of nothing gets 481, one of an answered INVITE 200 without being told', () => {
  const b = bench();
  b.receive(theirs('CANCEL', 'z9hG4bK9'));
  assert.deepEqual(b.lines(), ['481']);
  b.receive(theirs('INVITE', 'z9hG4bK1'));
  b.layer.respond(b.keys[0] ?? ('' as TransactionKey), sampleResponse(theirs('INVITE', 'z9hG4bK1'), 486));
  b.receive(theirs('CANCEL', 'z9hG4bK1'));
  assert.deepEqual(b.lines(), ['481', '100', '486', '200']);
  assert.deepEqual(b.told, ['request INVITE']);
});

test('21.5.4: above the limit new requests get 503 with Retry-After and leave nothing behind', () => {
  const b = bench({ limits: { transactions: 4, retryAfterS: 7 } });
  for (let i = 0; i < 4; i += 1) b.receive(theirs('OPTIONS', `z9hG4bK${i}`));
  b.receive(theirs('INVITE', 'z9hG4bKmore'));
  assert.deepEqual(b.lines(), ['503']);
  assert.equal(b.sent()[0]?.headers.get('Retry-After'), '7');
  assert.ok(b.sent()[0]?.headers.to()?.params.get('tag'));
  assert.equal(b.layer.size, 4);
  // In a dialog there is a quarter more room, and no more than that.
  const inside = (branch: string) => {
    const bye = theirs('BYE', branch);
    bye.headers.set('To', '<sip:bob@192.0.2.2>;tag=b1');
    return bye;
  };
  b.receive(inside('z9hG4bKbye1'));
  assert.equal(b.layer.size, 5);
  b.receive(inside('z9hG4bKbye2'));
  assert.equal(b.layer.size, 5);
  b.receive(theirs('ACK', 'z9hG4bKack'));
  assert.deepEqual(b.lines(), ['503', '503']);
});

test('what the parser refuses is answered statelessly, at a bounded rate, an ACK never', () => {
  const b = bench({ limits: { badAnswersPerS: 3 } });
  const bad = (method: string, status: number | null): ParseResult => ({
    ok: false,
    reason: 'made up',
    status,
    request: theirs(method, 'z9hG4bK1'),
  });
  b.layer.receive(bad('INVITE', 505), PEER);
  b.layer.receive(bad('ACK', 400), PEER);
  b.layer.receive(bad('BYE', null), PEER);
  b.layer.receive({ ok: false, reason: 'noise', status: 400, request: null }, PEER);
  for (let i = 0; i < 10; i += 1) b.layer.receive(bad('OPTIONS', 400), PEER);
  assert.deepEqual(b.lines(), ['505', '400', '400']);
  b.clock.advance(1000);
  b.layer.receive(bad('OPTIONS', 400), PEER);
  assert.equal(b.lines().length, 4);
  assert.equal(b.layer.size, 0);
});

test('8.1.1.7: a request without an RFC 3261 branch gets 400', () => {
  const b = bench();
  for (const branch of ['1', 'z9hG4bK']) b.receive(theirs('OPTIONS', branch));
  b.receive(theirs('ACK', '1'));
  assert.deepEqual(b.lines(), ['400', '400']);
  assert.deepEqual(b.told, []);
});

const BIG = 'x'.repeat(1300);

test('18.1.1: a request above 1300 bytes goes by TCP and says so in Via; below it stays on UDP', () => {
  const b = bench();
  b.layer.request(ours('MESSAGE', [], BIG), PEER, b.user);
  assert.deepEqual(b.packets[0]?.target, { transport: 'tcp', host: '192.0.2.9', port: 5070 });
  assert.match(first(b).headers.get('Via') ?? '', /^SIP\/2\.0\/TCP /);
  assert.equal(first(b).headers.all('Via').length, 1);
  b.clock.advance(10_000);
  assert.equal(b.packets.length, 1, 'nothing is repeated on a stream');
  b.layer.request(ours('MESSAGE'), PEER, b.user);
  assert.equal(b.packets[1]?.target.transport, 'udp');
});

test('18.1.1: when TCP is refused it goes by UDP with the same branch, and the next one at once', () => {
  const b = bench();
  b.layer.request(ours('INVITE', [], BIG), PEER, b.user);
  const branch = first(b).headers.via()?.params.get('branch');
  b.packets[0]?.sent?.(new Error('connection refused'));
  assert.deepEqual(
    b.packets.map(p => p.target.transport),
    ['tcp', 'udp'],
  );
  const again = b.sent()[1];
  assert.match(again?.headers.get('Via') ?? '', /^SIP\/2\.0\/UDP /);
  assert.equal(again?.headers.via()?.params.get('branch'), branch);
  assert.equal(again?.headers.all('Via').length, 1);
  b.clock.advance(500);
  assert.equal(b.packets[2]?.target.transport, 'udp', 'timer A runs');
  b.layer.request(ours('INVITE', [], BIG), PEER, b.user);
  assert.equal(b.packets[3]?.target.transport, 'udp');
  assert.ok(again?.type === 'request');
  b.receive(sampleResponse(again, 200));
  assert.deepEqual(b.told, ['response 200']);
  b.clock.advance(60_000);
  b.layer.sendAck(ours('ACK', [], BIG), PEER);
  assert.equal(b.packets.at(-1)?.target.transport, 'tcp', 'the refusal is forgotten after a minute');
});

test('18.1.1: an ACK whose TCP was refused goes by UDP the next time', () => {
  const b = bench();
  b.layer.sendAck(ours('ACK', [], BIG), PEER);
  b.packets[0]?.sent?.(new Error('connection refused'));
  b.layer.sendAck(ours('ACK', [], BIG), PEER);
  assert.deepEqual(
    b.packets.map(p => p.target.transport),
    ['tcp', 'udp'],
  );
  assert.equal(b.layer.size, 0);
});

test('18.4: a connection that broke fails what waits on it, and only that', () => {
  const b = bench();
  const stream: Target = { transport: 'tcp', host: '192.0.2.9', port: 5070 };
  b.layer.request(ours('OPTIONS'), stream, b.user);
  b.layer.request(ours('OPTIONS'), { ...stream, port: 5071 }, b.user);
  b.layer.request(ours('OPTIONS'), { ...stream, connection: 't9' }, b.user);
  b.layer.broken(stream, 't1');
  assert.deepEqual(b.told, ['failure transport']);
  b.layer.broken(stream, 't9');
  assert.deepEqual(b.told, ['failure transport', 'failure transport']);
  assert.equal(b.layer.size, 1);
});

test('18.4: an unanswered UDP request asks whether anyone is there; that nobody is ends what waits', () => {
  const probed: Target[] = [];
  const b = bench({
    wire: { send() {}, sentBy: () => US, probe: target => void probed.push(target) },
  });
  b.layer.request(ours('INVITE'), { ...PEER, connection: 'u0' }, b.user);
  b.layer.request(ours('OPTIONS'), { ...PEER, port: 5071 }, b.user);
  assert.equal(probed.length, 0);
  b.clock.advance(500);
  assert.deepEqual(
    probed.map(target => target.port),
    [5070, 5071],
  );
  b.layer.broken({ transport: 'udp', host: PEER.host, port: PEER.port }, 'probe');
  assert.deepEqual(b.told, ['failure transport']);
  assert.equal(b.layer.size, 1);
});

test('after close nothing is heard, told or kept', () => {
  const b = bench();
  b.layer.request(ours('OPTIONS'), PEER, b.user);
  b.receive(theirs('INVITE', 'z9hG4bK1'));
  b.layer.close();
  b.packets[0]?.sent?.(new Error('late'));
  b.receive(theirs('INVITE', 'z9hG4bK2'));
  assert.deepEqual(b.told, ['request INVITE']);
  assert.equal(b.layer.size, 0);
  assert.equal(b.clock.running, 0);
});

test('a user is never told from inside its own call', () => {
  const failing: TransactionLayerOptions['wire'] = {
    send: (_bytes, _target, sent) => sent?.(new Error('at once')),
    sentBy: target => (target.transport === 'tls' ? null : US),
  };
  const b = bench({ wire: failing });
  b.layer.request(ours('OPTIONS'), PEER, b.user);
  b.layer.request(ours('OPTIONS'), { ...PEER, transport: 'tls' }, b.user);
  assert.deepEqual(b.told, []);
  b.clock.advance(0);
  assert.deepEqual(b.told, ['failure transport', 'failure transport']);
  assert.equal(b.layer.size, 0);
  assert.equal(b.clock.running, 0);
});

test('a user may call the layer from inside what it is told', () => {
  const clock = createFakeClock();
  const sent: string[] = [];
  const layer = createTransactionLayer({
    wire: {
      send: bytes => void sent.push(Buffer.from(bytes).toString().split('\r\n', 1)[0] ?? ''),
      sentBy: () => US,
    },
    timers: clock.timers,
    now: clock.now,
    random: () => `r${sent.length}`,
    user: {
      onRequest(request, key) {
        layer.respond(key, createResponse(request, 200, undefined, { toTag: 't' }));
        layer.request(ours('INFO'), PEER, { onResponse() {}, onFailure() {} });
      },
      onAck() {},
      onCancel() {},
      onServerFailure() {},
    },
  });
  layer.receive({ ok: true, message: theirs('OPTIONS', 'z9hG4bK1') }, PEER);
  assert.deepEqual(sent, ['SIP/2.0 200 OK', 'INFO sip:bob@192.0.2.9 SIP/2.0']);
  layer.close();
  assert.equal(clock.running, 0);
  assert.equal(layer.size, 0);
});

test('a user that throws answers 500 and loses no more than that', () => {
  const logged: string[] = [];
  const b = bench({
    log: (level, message) => void logged.push(`${level} ${message}`),
    user: {
      onRequest() {
        throw new TypeError('a promise broken');
      },
      onAck() {},
      onCancel() {},
      onServerFailure() {},
    },
  });
  b.receive(theirs('OPTIONS', 'z9hG4bK1'));
  assert.deepEqual(logged, ['error handling a SIP message failed']);
  b.receive(theirs('INVITE', 'z9hG4bK2'));
  assert.deepEqual(b.lines(), ['500', '100', '500']);
  b.receive(theirs('ACK', 'z9hG4bK2'));
  assert.ok(b.clock.drain(100_000));
  assert.equal(b.layer.size, 0);
});
