/** The listener's certificate is exchanged while it runs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { checkSettings } from '../config/settings.ts';
import { silentLog } from '../runtime/log.ts';
import { createHttpServer, renewCertificate, urlOf } from './http-server.ts';

const FILES = join(import.meta.dirname, '../../test/support/tls');

/** Subject of the certificate that a new connection is shown. */
async function shown(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test('a renewed certificate is shown to new connections; one that cannot be used changes nothing', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-certificate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const put = (name: string) => {
    copyFileSync(join(FILES, `${name}.pem`), tls.cert);
    copyFileSync(join(FILES, `${name}.key`), tls.key);
  };
  put('server');
  const settings = checkSettings({ tls, api: { host: '127.0.0.1', port: 0 } });
  const app = createHttpServer(settings, silentLog, () => {});
  t.after(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const port = Number(new URL(urlOf(app.server, settings)).port);
  const first = await shown(port);
  put('sip/gateway');
  assert.equal(await shown(port), first, 'not before it is asked for');
  renewCertificate(app.server, tls, silentLog);
  const second = await shown(port);
  assert.notEqual(second, first);
  writeFileSync(tls.cert, 'no certificate');
  const faults: unknown[] = [];
  renewCertificate(app.server, tls, { ...silentLog, error: fields => void faults.push(fields) });
  assert.equal(faults.length, 1);
  assert.equal(await shown(port), second);
});
