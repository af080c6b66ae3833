/** Several realms on one node: each number speaks to its own core, in its own mode and with its own header fields. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCorePeer } from '../../test/support/core-peer.ts';
import {
  BINDING,
  bench,
  CALL,
  HOME,
  HOST,
  INVITE,
  OFFER,
  register,
  registrar,
  SDP,
} from '../../test/support/mw-bench.ts';
import { checkSettings } from '../config/settings.ts';
import type { BindingId, CallId, E164, Ref } from '../ep-cscf/ids.ts';
import { createIds } from '../runtime/ids.ts';
import { silentLog } from '../runtime/log.ts';
import type { SipRequest } from '../sip/index.ts';
import { dryRun } from './dry-run.ts';

const OTHER = '+4930123456' as E164;
const OTHER_BINDING = 'bbbbbbbbbbbbbbbbbbbbbbbbbb' as BindingId;
const OTHER_CALL = 'cbbbbbbbbbbbbbbbbbbbbbbbbb' as CallId;

const call = (owner: CallId, binding: BindingId, from: E164) => ({ ...INVITE, owner, binding, from }) as const;

test('ARC-05 a number of a trusted realm and one of a trunk speak to their own cores at once', async t => {
  const second = await createCorePeer(HOST);
  t.after(() => second.close());
  const heard: SipRequest[] = [];
  second.onMessage = (message, reply) => {
    if (message.type !== 'request') return;
    heard.push(message);
    if (message.method === 'INVITE')
      second.respond(message, reply, 200, [SDP, ['Contact', `<sip:far@${HOST}:${second.port}>`]], OFFER);
    else if (message.method !== 'ACK') second.respond(message, reply, 200);
  };
  const trunk = { mode: 'trunk', home: 'trunk.example', entry: `${HOST}:${second.port}`, ruriForm: 'tel' };
  const b = await bench(t, {
    realms: [
      { name: 'ims', prefixes: ['+999'] },
      { name: 'trunk', prefixes: ['+49'], ...trunk },
    ],
  });
  registrar(b);
  register(b, 1);
  await b.input('ims-registered');
  const wanted = { owner: OTHER_BINDING, ref: 2 as Ref, number: OTHER, expiresS: 60, correlator: 'c' };
  b.mw.port.run({ type: 'ims.register', ...wanted, initial: true, behind: null });
  assert.equal((await b.input('ims-registered')).owner, OTHER_BINDING);
  assert.equal(heard.length, 0);
  b.mw.port.run(call(OTHER_CALL, OTHER_BINDING, OTHER));
  assert.equal((await b.input('ims-answered')).owner, OTHER_CALL);
  const [invite] = heard;
  assert.equal(invite?.uri, 'tel:+99910020002');
  assert.equal(invite?.headers.get('P-Asserted-Identity'), `<sip:${OTHER}@trunk.example;user=phone>`);
  const invites: SipRequest[] = [];
  registrar(b, 600, message => {
    if (message.type === 'request' && message.method === 'INVITE') invites.push(message);
  });
  b.mw.port.run(call(CALL, BINDING, '+99910020001' as E164));
  while (invites.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
  assert.match(invites[0]?.headers.get('Route') ?? '', /orig-5a/);
  // The end of the trunk's call goes to the trunk.
  b.mw.port.run({ type: 'ims.end', owner: OTHER_CALL, code: 0, phrase: '', reason: null });
  while (!heard.some(({ method }) => method === 'BYE')) await new Promise(resolve => setTimeout(resolve, 5));
});

test('a number that no realm has is refused without a word to a core', async t => {
  const b = await bench(t, { realms: [{ name: 'a', prefixes: ['+1'] }] });
  register(b, 1);
  assert.equal((await b.input('ims-register-failed')).outcome.code, 404);
  assert.deepEqual(b.peer.texts, []);
});

const dry = async (ims: Record<string, unknown>, number: string) => {
  const settings = checkSettings({ ims: { home: HOME, entry: '192.0.2.20:5070', transport: 'udp', ...ims } });
  const ids = createIds(size => new Uint8Array(size).fill(7));
  return dryRun({ settings, ids, log: silentLog, number: number as E164, to: '+99910020002' as E164 });
};

test('a dry run shows the realm of the number and the quirks of its core', async () => {
  const realms = [
    { name: 'plain', prefixes: ['+1'] },
    {
      name: 'quirky',
      prefixes: ['+49'],
      home: 'quirky.example',
      userPhone: false,
      registerUserPhone: true,
      callerHeader: 'asserted',
      callerForms: ['tel'],
      headerRules: [
        {
          methods: ['INVITE'],
          remove: ['accept-contact', 'P-Preferred-Service'],
          add: { 'X-Line': '{digits}@{home}' },
        },
        { add: { 'P-Access-Network-Info': 'IEEE-802.11' } },
      ],
    },
  ];
  const plain = await dry({ realms }, '+15550100001');
  assert.equal(plain.realm, 'plain');
  const textOf = (of: typeof plain, method: string) =>
    of.messages.find(({ text }) => text.startsWith(`${method} `))?.text ?? '';
  assert.match(textOf(plain, 'INVITE'), /\r\nAccept-Contact: /);
  const quirky = await dry({ realms }, '+4930123456');
  const [registered, invite] = ['REGISTER', 'INVITE'].map(method => textOf(quirky, method));
  assert.equal(quirky.realm, 'quirky');
  assert.match(registered ?? '', /\r\nTo: <sip:\+4930123456@quirky\.example;user=phone>\r\n/);
  assert.match(registered ?? '', /\r\nP-Access-Network-Info: IEEE-802\.11\r\n/);
  assert.doesNotMatch(registered ?? '', /X-Line/);
  assert.match(invite ?? '', /^INVITE sip:\+99910020002@quirky\.example SIP/);
  assert.match(invite ?? '', /\r\nP-Asserted-Identity: <tel:\+4930123456>\r\n/);
  assert.match(invite ?? '', /\r\nX-Line: 4930123456@quirky\.example\r\n/);
  assert.match(invite ?? '', /\r\nP-Access-Network-Info: IEEE-802\.11\r\n/);
  assert.doesNotMatch(invite ?? '', /Accept-Contact|P-Preferred-Service/);
  await assert.rejects(dry({ realms }, '+33123456'), /No realm/);
});
