/** Attached to a core by TLS, and over IPv6: registered, called, and the certificate exchanged while running. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../test/support/core-peer.ts';
import { BINDING, HOME, NUMBER } from '../../test/support/mw-bench.ts';
import { type Holder, sideOf, tlsFile } from '../../test/support/sip-tls.ts';
import { checkSettings } from '../config/settings.ts';
import type { ImsInput } from '../ep-cscf/input.ts';
import { createIds } from '../runtime/ids.ts';
import { silentLog } from '../runtime/log.ts';
import {
  createRequest,
  createResponse,
  createSipTransport,
  createSystemTimers,
  type Listen,
  type SipRequest,
  type SipResponse,
  serialize,
} from '../sip/index.ts';
import { createMw } from './ims.ts';

type Way = Listen['transport'];

/** A core on one socket that accepts every REGISTER, and a gateway attached to it. */
async function attached(t: TestContext, host: string, way: Way, sip: Record<string, unknown> = {}) {
  const timers = createSystemTimers();
  const requests: SipRequest[] = [];
  const responses: SipResponse[] = [];
  const core = await createSipTransport({
    listen: [{ transport: way, host, port: 0 }],
    tls: sideOf('core'),
    timers,
    onMessage(result, source) {
      if (!result.ok) return;
      if (result.message.type === 'response') {
        responses.push(result.message);
        return;
      }
      const request = result.message;
      requests.push(request);
      const headers: Array<[string, string]> = [['Contact', request.headers.get('Contact') ?? '']];
      if (request.method !== 'ACK')
        core.send(serialize(createResponse(request, 200, 'OK', { toTag: 'c', headers })), source, null);
    },
  });
  const [port] = core.listening.map(socket => socket.port);
  const shown = host.includes(':') ? `[${host}]` : host;
  const inputs: ImsInput[] = [];
  const settings = checkSettings({
    sip: {
      host,
      port: 0,
      tlsPort: 0,
      transports: ['udp', 'tcp', 'tls'],
      tlsCert: tlsFile('gateway.pem'),
      tlsKey: tlsFile('gateway.key'),
      tlsCa: tlsFile('ca.pem'),
      trustedPeers: ['127.0.0.0/8', '::1'],
      ...sip,
    },
    ims: { home: HOME, entry: `${shown}:${port}`, transport: way, regEvent: false },
  });
  const mw = createMw({
    settings,
    lagMs: () => 0,
    emit: input => inputs.push(input as ImsInput),
    ids: createIds(size => new Uint8Array(size).fill(7)),
    shardOfBinding: id => (id === BINDING ? 5 : null),
    timers,
    clock: { now: () => performance.now() },
    log: silentLog,
    count() {},
  });
  t.after(async () => {
    await mw.close();
    await core.close();
    timers.close();
  });
  await mw.start();
  const request = (method: string) => eventually(method, () => requests.find(item => item.method === method));
  const register = () =>
    mw.port.run({
      type: 'ims.register',
      owner: BINDING,
      ref: 1 as never,
      number: NUMBER,
      expiresS: 600,
      correlator: '',
      initial: true,
      behind: null,
    });
  return { mw, core, inputs, responses, requests, request, register };
}

/** Calls the Contact of a REGISTER, the way the core would; gives the responses' Contact. */
async function callIn(a: Awaited<ReturnType<typeof attached>>, way: Way): Promise<string> {
  const contact = (await a.request('REGISTER')).headers.contacts()[0]?.uri ?? '';
  const found = /@(?:\[([^\]]+)\]|([\d.]+)):(\d+)/.exec(contact);
  assert.ok(found, contact);
  const sentBy = a.core.listening[0]?.sentBy;
  const invite = createRequest('INVITE', contact, [
    ['Via', `SIP/2.0/${way.toUpperCase()} ${sentBy?.host}:${sentBy?.port};branch=z9hG4bKin${way}`],
    ['Max-Forwards', '70'],
    ['From', '<sip:a@example.com>;tag=1'],
    ['To', `<sip:${NUMBER}@${HOME}>`],
    ['Call-ID', 'in'],
    ['CSeq', '1 INVITE'],
    ['Contact', `<sip:core@${sentBy?.host}:${sentBy?.port};transport=${way}>`],
  ]);
  a.core.send(serialize(invite), { transport: way, host: found[1] ?? found[2] ?? '', port: Number(found[3]) }, null);
  await eventually('an invitation', () => a.inputs.find(input => input.type === 'ims-invited'));
  await eventually('100', () => a.responses.find(({ status }) => status === 100));
  return contact;
}

test('by TLS: the REGISTER says so in Via, Contact and Path, and a call comes in that way', async t => {
  const a = await attached(t, '127.0.0.1', 'tls');
  a.register();
  const { headers } = await a.request('REGISTER');
  assert.match(headers.get('Via') ?? '', /^SIP\/2\.0\/TLS 127\.0\.0\.1:\d+;/);
  assert.match(headers.get('Contact') ?? '', /;transport=tls>/);
  assert.match(headers.get('Path') ?? '', /;transport=tls;lr>/);
  await eventually('registered', () => a.inputs.find(input => input.type === 'ims-registered'));
  assert.match(await callIn(a, 'tls'), /;transport=tls$/);
});

test('TRN-12 the core is asked by OPTIONS over TLS, and shown as up', async t => {
  const a = await attached(t, '127.0.0.1', 'tls');
  await a.request('OPTIONS');
  await eventually('a peer', () => a.mw.peers().length === 1);
  assert.deepEqual(
    a.mw.peers().map(({ up }) => up),
    [true],
  );
});

for (const way of ['udp', 'tcp'] as const) {
  test(`over IPv6 and ${way}: brackets in Via and Contact, responses find back`, async t => {
    const a = await attached(t, '::1', way);
    a.register();
    const { headers } = await a.request('REGISTER');
    assert.match(headers.get('Via') ?? '', new RegExp(`^SIP/2\\.0/${way.toUpperCase()} \\[::1\\]:\\d+;branch=[^;]+;`));
    assert.match(headers.get('Contact') ?? '', /@\[::1\]:\d+/);
    await eventually('registered', () => a.inputs.find(input => input.type === 'ims-registered'));
    await callIn(a, way);
  });
}

test('a core whose certificate does not name its address is not spoken to', async t => {
  const a = await attached(t, '::1', 'tls');
  a.register();
  const failed = await eventually('a failure', () => a.inputs.find(input => input.type === 'ims-register-failed'));
  assert.equal(failed.type === 'ims-register-failed' ? failed.outcome.local : '', 'transport');
  assert.equal(a.requests.length, 0);
});

test('a certificate that was exchanged on disk is shown after a reload; a broken one changes nothing', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const use = (holder: Holder) => {
    for (const kind of ['pem', 'key']) copyFileSync(tlsFile(`${holder}.${kind}`), join(folder, `own.${kind}`));
  };
  use('gateway');
  const a = await attached(t, '127.0.0.1', 'tls', {
    tlsCert: join(folder, 'own.pem'),
    tlsKey: join(folder, 'own.key'),
  });
  a.register();
  await a.request('REGISTER');
  copyFileSync(tlsFile('core.key'), join(folder, 'own.key'));
  a.mw.reload();
  use('stranger');
  a.mw.reload();
  assert.equal(a.mw.sizes().connections, 1, 'what is open stays open');
});

test('a file that cannot be read is named at the start', async t => {
  await assert.rejects(
    attached(t, '127.0.0.1', 'tls', { tlsCert: '/nonexistent.pem' }),
    /^Error: The file of the setting "sip\.tlsCert" cannot be read: ENOENT\.$/,
  );
});
