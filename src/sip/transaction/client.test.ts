/** The client half of the layer: Via, CANCEL, ACK, matching of responses, the way over TCP and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bench, first, ours, PEER, US } from '../../../test/support/sip-bench.ts';
import { sampleResponse } from '../../../test/support/sip-machine.ts';
import { createResponse } from '../message/build.ts';
import type { Target } from './types.ts';

test('TRN-02 18.1.1, 8.1.1.7, RFC 3581 1: a request gets a top Via with a branch of its own, the sent-by and, on UDP alone, rport', () => {
  const viaBy = (transport: 'udp' | 'tcp') => {
    const b = bench();
    b.layer.request(ours('OPTIONS'), { ...PEER, transport }, b.user);
    return first(b).headers.get('Via') ?? '';
  };
  assert.match(viaBy('udp'), /^SIP\/2\.0\/UDP 192\.0\.2\.1:5060;branch=z9hG4bKr\d+;rport$/);
  assert.match(viaBy('tcp'), /^SIP\/2\.0\/TCP 192\.0\.2\.1:5060;branch=z9hG4bKr\d+$/);
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

test('TRN-11 18.1.2: responses that are not ours are dropped and counted', () => {
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

const BIG = 'x'.repeat(1300);

test('TRN-01 18.1.1: a request above 1300 bytes goes by TCP and says so in Via; below it stays on UDP', () => {
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

test('TRN-01 18.1.1: when TCP is refused it goes by UDP with the same branch, and the next one at once', () => {
  const b = bench();
  b.layer.request(ours('INVITE', [], BIG), PEER, b.user);
  const branch = first(b).headers.via()?.params.get('branch');
  b.packets[0]?.sent?.(new Error('connection refused'));
  assert.deepEqual(
    b.packets.map(p => p.target.transport),
    ['tcp', 'udp'],
  );
  const again = b.sent()[1];
  assert.match(again?.headers.get('Via') ?? '', /^SIP\/2\.0\/UDP .*;rport$/);
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
