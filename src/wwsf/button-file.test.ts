import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import fastify from 'fastify';
import { mountButtonFile } from './button-file.ts';

test('the button goes to pages of any origin, packed, kept for minutes, asked for again by its tag', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-button-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'click-to-call.js'), 'export {};');
  writeFileSync(join(folder, 'click-to-call.js.gz'), gzipSync('export {};'));
  const app = fastify();
  t.after(() => app.close());
  await mountButtonFile(app, folder);
  const url = '/click-to-call.js';
  const plain = await app.inject({ url, headers: { origin: 'https://shop.example' } });
  assert.equal(plain.statusCode, 200);
  assert.equal(plain.body, 'export {};');
  assert.match(String(plain.headers['content-type']), /^application\/javascript/);
  assert.equal(plain.headers['access-control-allow-origin'], '*');
  assert.equal(plain.headers['cross-origin-resource-policy'], 'cross-origin');
  assert.match(String(plain.headers['cache-control']), /max-age=300, stale-while-revalidate/);
  const packed = await app.inject({ url, headers: { 'accept-encoding': 'gzip' } });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.match(String(packed.headers['content-type']), /^application\/javascript/);
  assert.equal(gunzipSync(packed.rawPayload).toString(), 'export {};');
  const again = await app.inject({ url, headers: { 'if-none-match': String(plain.headers['etag']) } });
  assert.equal(again.statusCode, 304);
});

test('without a page build there is no button, and no fault', async t => {
  const app = fastify();
  t.after(() => app.close());
  await mountButtonFile(app, '/nowhere');
  assert.equal((await app.inject('/click-to-call.js')).statusCode, 404);
});
