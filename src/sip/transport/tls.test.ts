/** SIP over TLS on loopback: who is believed, connections used again, certificates exchanged. RFC 3261 26.3, RFC 5922. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { eventually } from '../../../test/support/core-peer.ts';
import { openStream, openTransport } from '../../../test/support/sip-sockets.ts';
import { type Holder, sideOf } from '../../../test/support/sip-tls.ts';
import type { Target } from '../transaction/types.ts';
import { carries, domainsOf } from './certificate-name.ts';
import type { SipTransportOptions } from './types.ts';

const HOST = '127.0.0.1';
const PACKET = Buffer.from(
  'OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n',
);

async function element(t: TestContext, holder: Holder, options: Partial<SipTransportOptions> = {}) {
  const made = await openTransport(HOST, {
    listen: [{ transport: 'tls', host: HOST, port: 0 }],
    tls: sideOf(holder),
    ...options,
  });
  t.after(() => made.close());
  const target = (domain?: string): Target => ({
    transport: 'tls',
    host: HOST,
    port: made.transport.listening[0]?.port ?? 0,
    ...(domain === undefined ? {} : { domain }),
  });
  return { ...made, target };
}

type Element = Awaited<ReturnType<typeof element>>;

/** What became of a packet: null when the other side has it. */
async function outcome(from: Element, to: Element, target: Target): Promise<string | null> {
  let failure: string | null = null;
  from.transport.send(PACKET, target, error => {
    failure = error?.message ?? failure;
  });
  await eventually('an end of the packet', () => failure !== null || to.heard.size > 0);
  if (failure === null) await to.heard.next();
  return failure;
}

test('a message goes by TLS 1.2 or later, and its Via says TLS', async t => {
  const [gateway, core] = [await element(t, 'gateway'), await element(t, 'core')];
  assert.equal(await outcome(gateway, core, core.target('ims.example.com')), null);
  assert.equal(gateway.transport.sentBy(core.target())?.port, gateway.target().port);
  assert.equal(gateway.transport.connections, 1);
});

test('the certificate has to carry the name the server was found by', async t => {
  const gateway = await element(t, 'gateway');
  const cases: Array<[Holder, string | undefined, RegExp | null]> = [
    ['core', 'ims.example.com', null],
    ['core', undefined, null],
    ['core', 'core.example.com', /not for core\.example\.com/],
    ['core', 'other.example.com', /not for other\.example\.com/],
    ['dns', 'core.example.com', null],
    ['dns', 'a.wild.example.com', /not for/],
    ['dns', undefined, /not for 127\.0\.0\.1/],
    ['user', 'ims.example.com', /not for/],
    ['plain', 'ims.example.com', null],
    ['stranger', 'ims.example.com', /self-signed|unable to (get|verify)|issuer|certificate/],
  ];
  for (const [holder, domain, refusal] of cases) {
    const core = await element(t, holder);
    const came = await outcome(gateway, core, core.target(domain));
    if (refusal === null) assert.equal(came, null, `${holder} ${domain}`);
    else assert.match(String(came), refusal, `${holder} ${domain}`);
  }
});

test('a connection carries what is meant for any name of its certificate, and no other', async t => {
  const [gateway, core] = [await element(t, 'gateway'), await element(t, 'core')];
  assert.equal(await outcome(gateway, core, core.target('ims.example.com')), null);
  assert.equal(await outcome(gateway, core, core.target()), null);
  assert.equal(gateway.transport.connections, 1);
  assert.match(String(await outcome(gateway, core, core.target('other.example.com'))), /not for/);
  assert.equal(core.transport.connections, 1);
});

test('a peer without a certificate of our authority is refused, and counted', async t => {
  const core = await element(t, 'core');
  const stranger = await element(t, 'stranger', { tls: sideOf('stranger', { ca: sideOf('core').ca }) });
  stranger.transport.send(PACKET, core.target('ims.example.com'), null);
  await stranger.broken.next();
  assert.equal(core.heard.size, 0);
  assert.deepEqual(core.counted, ['tls']);
});

test('without mutual authentication a peer needs no certificate', async t => {
  const core = await element(t, 'core', { tls: sideOf('core', { mutual: false }) });
  const socket = connect({ host: HOST, port: core.target().port, rejectUnauthorized: false });
  socket.write(PACKET);
  const { source } = await core.heard.next();
  assert.equal(source.transport, 'tls');
  socket.destroy();
});

test('a peer from an address of no trust is heard when its certificate carries a trusted name', async t => {
  const tls = sideOf('gateway', { peers: ['ims.example.com'] });
  const gateway = await element(t, 'gateway', { tls, accept: () => false });
  const core = await element(t, 'core');
  assert.equal(await outcome(core, gateway, gateway.target('gw.example.com')), null);
  const other = await element(t, 'dns');
  other.transport.send(PACKET, gateway.target('gw.example.com'), null);
  await other.broken.next();
  assert.deepEqual(gateway.counted, ['certificate']);
});

test('where certificates open no door a stranger gets no handshake', async t => {
  const gateway = await element(t, 'gateway', { accept: () => false });
  const stream = await openStream(gateway.target(), HOST);
  await stream.closed;
  assert.deepEqual(gateway.counted, ['address']);
});

test('what is no TLS is counted and ends', async t => {
  const gateway = await element(t, 'gateway');
  const stream = await openStream(gateway.target(), HOST);
  stream.socket.write('OPTIONS sip:a SIP/2.0\r\n\r\n');
  await stream.closed;
  assert.deepEqual(gateway.counted, ['tls']);
});

test('closing does not wait for peers that never finish their handshake', async t => {
  const gateway = await element(t, 'gateway');
  const stream = await openStream(gateway.target(), HOST);
  const began = performance.now();
  await gateway.close();
  await stream.closed;
  assert.ok(performance.now() - began < 3000);
});

test('more than two hundred peers one after the other are served', async t => {
  const core = await element(t, 'core', { tls: sideOf('core', { mutual: false }) });
  const open: Array<ReturnType<typeof connect>> = [];
  for (let i = 0; i < 210; i += 1) {
    const socket = connect({ host: HOST, port: core.target().port, rejectUnauthorized: false });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    open.push(socket);
  }
  open.at(-1)?.write(PACKET);
  await core.heard.next();
  for (const socket of open) socket.destroy();
});

test('another certificate is shown from then on; one that cannot be used changes nothing', async t => {
  const [gateway, core] = [await element(t, 'gateway'), await element(t, 'dns')];
  assert.match(String(await outcome(gateway, core, core.target('ims.example.com'))), /not for/);
  assert.throws(() => core.transport.setTls(sideOf('core', { key: sideOf('dns').key })));
  assert.equal(await outcome(gateway, core, core.target('core.example.com')), null);
  core.transport.setTls(sideOf('core'));
  assert.equal(await outcome(gateway, core, core.target('ims.example.com')), null);
});

test('the domains of a certificate: SIP URIs before DNS names before the common name', () => {
  const of = (holder: Holder) => new X509Certificate(sideOf(holder).cert);
  assert.deepEqual(domainsOf(of('core')), ['ims.example.com']);
  assert.deepEqual(domainsOf(of('dns')), ['core.example.com']);
  assert.deepEqual(domainsOf(of('plain')), ['ims.example.com']);
  assert.deepEqual(domainsOf(of('user')), []);
  assert.equal(carries(of('gateway'), '::1'), true);
  assert.equal(carries(of('gateway'), '127.0.0.2'), false);
  assert.equal(carries(of('core'), 'IMS.example.com'), true);
});
