/** SIP over TLS against OpenSSL: its client and its server, with and without certificates that we believe. */
import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { eventually } from '../support/core-peer.ts';
import { freePort } from '../support/free-port.ts';
import { openTransport } from '../support/sip-sockets.ts';
import { sideOf, tlsFile } from '../support/sip-tls.ts';

const HOST = '127.0.0.1';
const OPTIONS =
  'OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n';

/** OpenSSL with these arguments, and everything it has said. */
function openssl(t: TestContext, ...args: string[]) {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn('openssl', args, { stdio: 'pipe' });
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', bytes => (said.text += bytes.toString('latin1')));
  child.stdin.on('error', () => {});
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()));
  t.after(() => child.kill());
  return { child, said, ended };
}

async function gateway(t: TestContext) {
  const made = await openTransport(HOST, {
    listen: [{ transport: 'tls', host: HOST, port: 0 }],
    tls: sideOf('gateway'),
  });
  t.after(() => made.close());
  return { ...made, port: made.transport.listening[0]?.port ?? 0 };
}

const own = (holder: string) => ['-cert', tlsFile(`${holder}.pem`), '-key', tlsFile(`${holder}.key`)];
const believing = ['-CAfile', tlsFile('ca.pem'), '-verify_return_error'];

for (const version of ['-tls1_2', '-tls1_3']) {
  test(`OpenSSL's client with a certificate of the core speaks SIP to us, ${version.slice(1)}`, async t => {
    const us = await gateway(t);
    const client = openssl(
      t,
      's_client',
      '-connect',
      `${HOST}:${us.port}`,
      '-quiet',
      version,
      ...own('core'),
      ...believing,
    );
    client.child.stdin.write(OPTIONS);
    const { result, source } = await us.heard.next();
    assert.equal(result.ok && result.message.type === 'request' && result.message.method, 'OPTIONS');
    us.transport.send(Buffer.from('SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'), source, null);
    await eventually('the answer', () => client.said.text.includes('SIP/2.0 200 OK'));
  });
}

for (const [who, args] of [
  ['without a certificate', []],
  ['with a certificate of another authority', own('stranger')],
  ['that speaks TLS 1.1', ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0', ...own('core')]],
] as const) {
  test(`OpenSSL's client ${who} is refused`, async t => {
    const us = await gateway(t);
    const client = openssl(t, 's_client', '-connect', `${HOST}:${us.port}`, '-quiet', ...args);
    client.child.stdin.write(OPTIONS);
    await client.ended;
    assert.equal(us.heard.size, 0);
    assert.deepEqual(us.counted, ['tls']);
  });
}

test('OpenSSL as server gets our certificate and our message, and is believed by its name', async t => {
  const us = await gateway(t);
  const port = await freePort(HOST);
  const server = openssl(t, 's_server', '-accept', `${HOST}:${port}`, '-Verify', '1', ...own('core'), ...believing);
  await eventually('a server', () => server.said.text.includes('ACCEPT'));
  us.transport.send(Buffer.from(OPTIONS), { transport: 'tls', host: HOST, port, domain: 'ims.example.com' }, null);
  await eventually('our message', () => server.said.text.includes('CSeq: 1 OPTIONS'));
  assert.match(server.said.text, /subject=CN ?= ?Lineside under test/);
});

test('OpenSSL as server under another name gets nothing of us', async t => {
  const us = await gateway(t);
  const port = await freePort(HOST);
  const server = openssl(t, 's_server', '-accept', `${HOST}:${port}`, ...own('core'), ...believing);
  await eventually('a server', () => server.said.text.includes('ACCEPT'));
  const failure = new Promise<string>(resolve =>
    us.transport.send(Buffer.from(OPTIONS), { transport: 'tls', host: HOST, port, domain: 'other.example' }, error =>
      resolve(error?.message ?? ''),
    ),
  );
  assert.match(await failure, /not for other\.example/);
  assert.doesNotMatch(server.said.text, /OPTIONS/);
});
