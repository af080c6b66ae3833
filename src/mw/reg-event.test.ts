/** Registration-state documents: read, refused, merged by version, and what they mean for our contact. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRegWatch, takeRegInfo } from './reg-event.ts';
import { parseRegInfo, type RegInfo } from './reg-info.ts';

const AOR = 'sip:+15550100001@ims.example';
const OURS = 'sip:btoken@192.0.2.10:5060;transport=tcp';

function document(version: number, inside: string, state = 'full', registration = 'active'): string {
  return `<?xml version="1.0"?>
<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" xmlns:gr="urn:ietf:params:xml:ns:gruuinfo" version="${version}" state="${state}">
<registration aor="tel:+15550100001" id="b" state="${registration}"/>
<registration aor="${AOR}" id="a" state="${registration}">${inside}</registration></reginfo>`;
}

const contact = (uri: string, state: string, event: string, more = '') =>
  `<contact id="c1" state="${state}" event="${event}" ${more}><uri>\n ${uri} </uri><gr:pub-gruu uri="x"/></contact>`;
const SIM = contact('sip:sim@192.0.2.77', 'active', 'registered');

function read(text: string): RegInfo {
  const info = parseRegInfo(text);
  assert.ok(info);
  return info;
}

test('a document is read with its contacts; other namespaces are passed over', () => {
  const info = read(document(3, contact('sip:a&amp;b@192.0.2.1', 'active', 'shortened', 'expires="30"')));
  assert.equal(info.version, 3);
  assert.deepEqual(info.registrations[1]?.contacts, [
    { id: 'c1', uri: 'sip:a&b@192.0.2.1', state: 'active', event: 'shortened', expiresS: 30, retryAfterS: null },
  ]);
});

test('what is no such document is refused', () => {
  const good = document(1, SIM);
  for (const bad of [
    '',
    'hello',
    good.slice(0, -5),
    good.replace('ns:reginfo"', 'ns:other"'),
    good.replace('version="1" state', 'version="x" state'),
    `<!DOCTYPE reginfo [<!ENTITY a "aaaa">]>${good}`,
    document(1, '&lol;'),
    document(1, '<x/>'.repeat(3000)),
    document(1, ' '.repeat(300_000)),
  ])
    assert.equal(parseRegInfo(bad), null);
});

test('any text is read or refused, never thrown at', () => {
  const good = document(1, SIM);
  fc.assert(
    fc.property(fc.nat(good.length), fc.nat(30), fc.string(), (at, cut, junk) => {
      parseRegInfo(good.slice(0, at) + junk + good.slice(at + cut));
    }),
    { seed: 20_261_124, numRuns: 500 },
  );
});

for (const [event, more, expected] of [
  ['deactivated', '', { event: 'deactivated', retryAfterS: null }],
  ['probation', 'retry-after="20"', { event: 'probation', retryAfterS: 20 }],
  ['rejected', '', { event: 'rejected', retryAfterS: null }],
  ['expired', '', { event: 'expired', retryAfterS: null }],
  ['unregistered', '', { event: 'unregistered', retryAfterS: null }],
  ['invented', '', { event: 'unregistered', retryAfterS: null }],
] as const) {
  test(`our contact terminated as ${event}`, () => {
    const watch = createRegWatch(AOR, OURS);
    assert.equal(takeRegInfo(watch, read(document(0, SIM + contact(OURS, 'active', 'registered')))), null);
    const inside = SIM + contact('sip:btoken@192.0.2.10:5060;transport=TCP', 'terminated', event, more);
    assert.deepEqual(takeRegInfo(watch, read(document(1, inside, 'partial'))), { type: 'lost', ...expected });
  });
}

test('a registration that is terminated as a whole, without a contact in it', () => {
  const watch = createRegWatch(AOR, OURS);
  takeRegInfo(watch, read(document(2, contact(OURS, 'active', 'created'))));
  const ended = { type: 'lost', event: 'unregistered', retryAfterS: null };
  assert.deepEqual(takeRegInfo(watch, read(document(3, '', 'full', 'terminated'))), ended);
});

test('a full state without us counts only after one with us', () => {
  const watch = createRegWatch(AOR, OURS);
  assert.equal(takeRegInfo(watch, read(document(0, SIM))), null);
  takeRegInfo(watch, read(document(1, SIM + contact(OURS, 'active', 'registered'))));
  assert.equal(takeRegInfo(watch, read(document(2, SIM, 'partial'))), null);
  assert.equal(takeRegInfo(watch, read(document(3, SIM)))?.type, 'lost');
});

test('another contact, and another public identity, are not ours', () => {
  const watch = createRegWatch(AOR, OURS);
  const other = document(1, contact('sip:bother@192.0.2.10:5060', 'terminated', 'rejected'), 'partial');
  assert.equal(takeRegInfo(watch, read(document(0, SIM))), null);
  assert.equal(takeRegInfo(watch, read(other)), null);
  const foreign = document(2, contact(OURS, 'terminated', 'rejected')).replaceAll(AOR, 'sip:else@ims.example');
  assert.equal(takeRegInfo(watch, read(foreign)), null);
});

test('EVT-03 versions: late ones are dropped, a gap in partial ones asks for the full state', () => {
  const watch = createRegWatch(AOR, OURS);
  assert.deepEqual(takeRegInfo(watch, read(document(5, SIM, 'partial'))), { type: 'incomplete' });
  assert.equal(takeRegInfo(watch, read(document(6, SIM))), null);
  assert.equal(takeRegInfo(watch, read(document(6, contact(OURS, 'terminated', 'rejected')))), null);
  assert.equal(takeRegInfo(watch, read(document(4, contact(OURS, 'terminated', 'rejected')))), null);
  assert.equal(takeRegInfo(watch, read(document(7, SIM, 'partial'))), null);
  assert.deepEqual(takeRegInfo(watch, read(document(9, SIM, 'partial'))), { type: 'incomplete' });
});

test('EVT-07 shortened: come before so many seconds', () => {
  const watch = createRegWatch(AOR, OURS);
  const short = document(0, contact(OURS, 'active', 'shortened', 'expires="60"'));
  assert.deepEqual(takeRegInfo(watch, read(short)), { type: 'shortened', expiresS: 60 });
});
