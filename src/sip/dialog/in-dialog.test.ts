/** Requests that change nothing: what each gets inside a dialog, outside of one, and by two paths. RFC 3261 8.2, 11, 12.2.2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calledBy, createWorld, dialogHeaders, OFFER } from '../../../test/support/agent-world.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const INFOS = 'application/dtmf-relay, application/dtmf, application/media_control+xml';
const ALLOW = 'INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, INFO, NOTIFY';

/** Method, extra fields, body, and the status that answers it inside a dialog, with a field of the answer. */
const STANDING: ReadonlyArray<[string, Array<[string, string]>, string, number, [string, string]?]> = [
  ['OPTIONS', [], '', 200, ['Allow', ALLOW]],
  ['OPTIONS', [], '', 200, ['Supported', '100rel, timer']],
  ['OPTIONS', [], '', 200, ['Accept', 'application/sdp']],
  ['INFO', [['Content-Type', 'application/dtmf-relay']], 'Signal=1', 200],
  ['INFO', [['Content-Type', 'application/dtmf']], '1', 200],
  ['INFO', [], '', 200],
  ['INFO', [['Content-Type', 'text/plain']], 'x', 415, ['Accept', INFOS]],
  ['INFO', [['Info-Package', 'g.3gpp.current-location-discovery']], '', 469, ['Recv-Info', '']],
  ['REFER', [['Refer-To', '<sip:c@example.com>']], '', 405, ['Allow', ALLOW]],
  ['MESSAGE', [], '', 405, ['Allow', ALLOW]],
  ['PUBLISH', [], '', 405, ['Allow', ALLOW]],
  ['SUBSCRIBE', [['Event', 'dialog']], '', 405, ['Allow', ALLOW]],
  ['NOTIFY', [['Event', 'refer']], '', 481],
  ['PRACK', [['RAck', '1 1 INVITE']], '', 481],
  ['DANCE', [], '', 501, ['Allow', ALLOW]],
  ['OPTIONS', [['Require', 'precondition']], '', 420, ['Unsupported', 'precondition']],
  ['UPDATE', [['Content-Type', 'application/x-other']], 'x', 415, ['Accept', 'application/sdp']],
];

test('MID-10 MID-11 requests that change nothing get their standing answer', () => {
  const world = createWorld();
  const { peer, to } = calledBy(world);
  let seq = 2;
  for (const [method, headers, body, status, field] of STANDING) {
    peer.send(method, `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', `${seq} ${method}`], ...headers], body);
    world.clock.advance(20);
    assert.equal(peer.responses.at(-1)?.status, status, `${method} ${JSON.stringify(headers)}`);
    const got = peer.responses.at(-1)?.headers;
    if (field !== undefined)
      assert.deepEqual([got?.has(field[0]), got?.all(field[0]).join(', ')], [true, field[1]], method);
    seq += 1;
  }
  peer.send('OPTIONS', `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', '2 OPTIONS']]);
  world.clock.advance(20);
  assert.equal(peer.responses.at(-1)?.status, 500, 'a CSeq not above the last');
});

test('MID-13 unknown dialogs and methods outside a dialog', () => {
  const world = createWorld();
  world.party(B);
  const peer = world.peer(A);
  const cases: ReadonlyArray<[string, string, number]> = [
    ['BYE', ';tag=unknown', 481],
    ['INVITE', ';tag=unknown', 481],
    ['BYE', '', 481],
    ['OPTIONS', '', 200],
    ['REGISTER', '', 405],
    ['MESSAGE', '', 405],
    ['SUBSCRIBE', '', 405],
    ['PUBLISH', '', 405],
    ['REFER', '', 405],
    ['INFO', '', 481],
    ['UPDATE', '', 481],
    ['PRACK', '', 481],
    ['DANCE', '', 501],
    ['NOTIFY', '', 481],
  ];
  let seq = 1;
  for (const [method, tag, status] of cases) {
    peer.send(method, `sip:bob@${B}`, [...dialogHeaders(`<sip:bob@${B}>${tag}`), ['CSeq', `${seq} ${method}`]]);
    world.clock.advance(20);
    assert.equal(peer.responses.at(-1)?.status, status, method + tag);
    seq += 1;
  }
  peer.send('ACK', `sip:bob@${B}`, [...dialogHeaders(`<sip:bob@${B}>;tag=unknown`), ['CSeq', '99 ACK']]);
  world.clock.advance(40_000);
  const answers = peer.responses.filter(({ headers }) => headers.cseq()?.seq === 99);
  assert.deepEqual(answers, [], 'an ACK is answered by nobody');
});

test('the same INVITE by another path is refused with 482', () => {
  const world = createWorld();
  const bob = world.party(B);
  const peer = world.peer(A);
  const fields: Array<[string, string]> = [
    ...dialogHeaders(`<sip:bob@${B}>`),
    ['CSeq', '1 INVITE'],
    ['Contact', `<sip:a@${A}>`],
    ['Content-Type', 'application/sdp'],
  ];
  peer.send('INVITE', `sip:bob@${B}`, fields, OFFER);
  peer.send('INVITE', `sip:bob@${B}`, fields, OFFER);
  world.clock.advance(50);
  assert.equal(bob.calls.length, 1);
  assert.equal(
    peer.responses.some(response => response.status === 482),
    true,
  );
});
