/** Registration-state documents: read, refused, merged by version, and what they mean for our contact. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { createRegWatch, takeRegInfo } from './reg-event.ts';
import { parseRegInfo, type RegInfo } from './reg-info.ts';

const AOR = 'sip:+15550100001@ims.example';
const OURS = 'sip:btoken@192.0.2.10:5060;transport=tcp';
const INSTANCE = 'urn:uuid:33c5e74c-7b52-5548-aa79-a0f684895827';

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
    {
      id: 'c1',
      uri: 'sip:a&b@192.0.2.1',
      instance: null,
      state: 'active',
      event: 'shortened',
      expiresS: 30,
      retryAfterS: null,
    },
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
    { numRuns: 500 },
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
    const watch = createRegWatch(AOR, OURS, INSTANCE);
    assert.equal(takeRegInfo(watch, read(document(0, SIM + contact(OURS, 'active', 'registered')))), null);
    const inside = SIM + contact('sip:btoken@192.0.2.10:5060;transport=TCP', 'terminated', event, more);
    assert.deepEqual(takeRegInfo(watch, read(document(1, inside, 'partial'))), { type: 'lost', ...expected });
  });
}

test('a registration that is terminated as a whole, without a contact in it', () => {
  const watch = createRegWatch(AOR, OURS, INSTANCE);
  takeRegInfo(watch, read(document(2, contact(OURS, 'active', 'created'))));
  const ended = { type: 'lost', event: 'unregistered', retryAfterS: null };
  assert.deepEqual(takeRegInfo(watch, read(document(3, '', 'full', 'terminated'))), ended);
});

test('a full state without us counts only after one with us', () => {
  const watch = createRegWatch(AOR, OURS, INSTANCE);
  assert.equal(takeRegInfo(watch, read(document(0, SIM))), null);
  takeRegInfo(watch, read(document(1, SIM + contact(OURS, 'active', 'registered'))));
  assert.equal(takeRegInfo(watch, read(document(2, SIM, 'partial'))), null);
  assert.equal(takeRegInfo(watch, read(document(3, SIM)))?.type, 'lost');
});

test('another contact, and another public identity, are not ours', () => {
  const watch = createRegWatch(AOR, OURS, INSTANCE);
  const other = document(1, contact('sip:bother@192.0.2.10:5060', 'terminated', 'rejected'), 'partial');
  assert.equal(takeRegInfo(watch, read(document(0, SIM))), null);
  assert.equal(takeRegInfo(watch, read(other)), null);
  const foreign = document(2, contact(OURS, 'terminated', 'rejected')).replaceAll(AOR, 'sip:else@ims.example');
  assert.equal(takeRegInfo(watch, read(foreign)), null);
});

test('EVT-03 versions: late ones are dropped, a gap in partial ones asks for the full state', () => {
  const watch = createRegWatch(AOR, OURS, INSTANCE);
  assert.deepEqual(takeRegInfo(watch, read(document(5, SIM, 'partial'))), { type: 'incomplete' });
  assert.equal(takeRegInfo(watch, read(document(6, SIM))), null);
  assert.equal(takeRegInfo(watch, read(document(6, contact(OURS, 'terminated', 'rejected')))), null);
  assert.equal(takeRegInfo(watch, read(document(4, contact(OURS, 'terminated', 'rejected')))), null);
  assert.equal(takeRegInfo(watch, read(document(7, SIM, 'partial'))), null);
  assert.deepEqual(takeRegInfo(watch, read(document(9, SIM, 'partial'))), { type: 'incomplete' });
});

test('EVT-07 shortened: come before so many seconds', () => {
  const watch = createRegWatch(AOR, OURS, INSTANCE);
  const short = document(0, contact(OURS, 'active', 'shortened', 'expires="60"'));
  assert.deepEqual(takeRegInfo(watch, read(short)), { type: 'register' });
});

test('EVT-11 a core that writes our URI its own way names us by instance', () => {
  const instance = `<unknown-param name="+sip.instance">"&lt;${INSTANCE}&gt;"</unknown-param>`;
  const rewritten = (state: string, event: string) =>
    contact('sip:rewritten@192.0.2.99', state, event).replace('</contact>', `${instance}</contact>`);
  const watch = createRegWatch(AOR, OURS, INSTANCE);
  assert.equal(takeRegInfo(watch, read(document(0, SIM + rewritten('active', 'registered')))), null);
  const removed = read(document(1, SIM + rewritten('terminated', 'deactivated'), 'partial'));
  assert.deepEqual(takeRegInfo(watch, removed), { type: 'lost', event: 'deactivated', retryAfterS: null });
  const other = rewritten('terminated', 'rejected').replace(INSTANCE, 'urn:uuid:0');
  assert.equal(takeRegInfo(watch, read(document(2, other, 'partial'))), null);
  // Where our URI stands as we wrote it, another one with our instance is an earlier contact of ours.
  const named = createRegWatch(AOR, OURS, INSTANCE);
  takeRegInfo(named, read(document(0, contact(OURS, 'active', 'registered'))));
  assert.equal(takeRegInfo(named, read(document(1, rewritten('terminated', 'unregistered'), 'partial'))), null);
});

test('EVT-12 an identity of our set that goes is asked for once, by a REGISTER, and again when it had come back', () => {
  const watch = createRegWatch(AOR, OURS, INSTANCE);
  const set = (version: number, tel: string) =>
    read(
      document(version, contact(OURS, 'active', 'registered')).replace(
        'id="b" state="active"',
        `id="b" state="${tel}"`,
      ),
    );
  const told = ['active', 'terminated', 'terminated', 'active', 'terminated'].map((tel, version) =>
    takeRegInfo(watch, set(version, tel)),
  );
  assert.deepEqual(told, [null, { type: 'register' }, null, null, { type: 'register' }]);
  const gone = read(document(5, contact(OURS, 'terminated', 'rejected'), 'full', 'terminated'));
  assert.equal(takeRegInfo(watch, gone)?.type, 'lost');
});
