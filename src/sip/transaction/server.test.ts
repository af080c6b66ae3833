/** The server half of the layer: matching, responses, CANCEL, overload, what it answers by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bench, PEER, theirs } from '../../../test/support/sip-bench.ts';
import { sampleResponse } from '../../../test/support/sip-machine.ts';
import type { ParseResult } from '../message/message.ts';
import type { Target, TransactionKey } from './types.ts';

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

test('TRM-01 17.2.1: an INVITE gets its 100 at once; a copy gets the newest response, same bytes', () => {
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

test('TRN-02 18.2.2, RFC 3581: responses go to the source address and the sent-by port, or with rport to the source port', () => {
  const b = bench();
  const source: Target = { transport: 'udp', host: '198.51.100.1', port: 40_000 };
  b.receive(theirs('INVITE', 'z9hG4bK1'), source);
  const symmetric = theirs('INVITE', 'z9hG4bK2');
  symmetric.headers.set('Via', 'SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK2;rport');
  b.receive(symmetric, source);
  const stream: Target = { transport: 'tcp', host: '198.51.100.1', port: 40_000, connection: 't1' };
  const tcp = theirs('INVITE', 'z9hG4bK3');
  tcp.headers.set('Via', 'SIP/2.0/TCP 192.0.2.9:5070;branch=z9hG4bK3;rport');
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

test('TRM-18 9.2: a CANCEL of nothing gets 481, one of an answered INVITE 200 without being told', () => {
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

test('EMG-06 above the limit an emergency call and a call back to one still find room, within bounds', () => {
  const b = bench({ limits: { transactions: 4 } });
  for (let i = 0; i < 4; i += 1) b.receive(theirs('OPTIONS', `z9hG4bK${i}`));
  const urgent = (branch: string, change: (invite: ReturnType<typeof theirs>) => void) => {
    const invite = theirs('INVITE', branch);
    change(invite);
    b.receive(invite);
  };
  urgent('z9hG4bKsos', invite => {
    invite.uri = 'urn:service:sos.fire';
  });
  urgent('z9hG4bKback', invite => invite.headers.set('Priority', 'PSAP-callback'));
  assert.deepEqual(b.lines(), ['100', '100']);
  urgent('z9hG4bKmore', invite => invite.headers.set('Priority', 'psap-callback'));
  assert.deepEqual(b.lines(), ['100', '100', '503'], 'memory has an end');
  const options = theirs('OPTIONS', 'z9hG4bKopt');
  options.headers.set('Priority', 'psap-callback');
  b.receive(options);
  assert.deepEqual(b.lines().slice(2), ['503', '503'], 'a header field makes no emergency of anything but a call');
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
