/** The reference to read: whole, safe, and switched off when an operator says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CALLS,
  CHANNELS,
  CLICK_TO_CALL,
  describedOnly,
  EVENTS,
  ICE_SERVERS,
  REGISTRATION,
  send,
  testApi,
} from '../../../test/support/api-kit.ts';
import type { ApiServer } from '../server.ts';
import { html, prose } from './html.ts';

const BASES = [REGISTRATION, CALLS, EVENTS, CHANNELS, ICE_SERVERS, CLICK_TO_CALL];
const get = (api: ApiServer, url: string) => api.inject({ url, headers: { host: '127.0.0.1:9091' } });
const nameOf = (base: string) => base.split('/')[1] ?? '';

test('the list leads to every API', async () => {
  const { api } = testApi({}, describedOnly);
  const list = await get(api, '/docs');
  assert.equal(list.statusCode, 200);
  for (const base of BASES) {
    assert.ok(list.body.includes(`href="/docs/${nameOf(base)}"`));
    assert.ok(list.body.includes(`href="${base}/openapi.json"`));
  }
});

test('every operation, status, scope, property and schema of a document stands on its page; no link leads nowhere', async () => {
  const { api } = testApi({}, describedOnly);
  for (const base of BASES) {
    const page = (await get(api, `/docs/${nameOf(base)}`)).body;
    const { body: document } = await send(api, 'GET', `${base}/openapi.json`, { token: null });
    for (const [path, methods] of Object.entries<Record<string, Record<string, never>>>(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        assert.ok(page.includes(`${method.toUpperCase()} ${path}`), `${method} ${path}`);
        for (const status of Object.keys(operation['responses'] ?? {})) assert.ok(page.includes(`<td>${status}</td>`));
        for (const scope of operation['security']?.[0]?.['openId'] ?? [])
          assert.ok(page.includes(`<code>${scope}</code>`));
      }
    }
    for (const [name, schema] of Object.entries<{ properties?: object }>(document.components.schemas)) {
      assert.ok(page.includes(`id="schema-${name}"`), name);
      for (const property of Object.keys(schema.properties ?? {})) assert.ok(page.includes(`<code>${property}</code>`));
    }
    for (const [, anchor] of page.matchAll(/href="#([^"]*)"/g)) assert.ok(page.includes(`id="${anchor}"`), anchor);
    assert.doesNotMatch(page, /undefined|\[object|NaN|<td>any</);
  }
});

test('a page runs nothing and fetches nothing from elsewhere', async () => {
  const { api } = testApi();
  for (const path of ['/docs', '/docs/webrtc-registration']) {
    const { headers, body } = await get(api, path);
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; style-src 'self'/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.doesNotMatch(body, /<script|\son\w+=|style=|src=|href="(?!\/|#)/i);
  }
  assert.match(String((await get(api, '/docs/style.css')).headers['content-type']), /^text\/css/);
});

test('what is no API is not found; switched off, nothing is', async () => {
  const { api } = testApi();
  for (const path of ['/docs/else', '/docs/__proto__', '/docs/..%2fx']) {
    assert.equal((await get(api, path)).statusCode, 404, path);
  }
  const off = testApi({ docs: false });
  assert.equal((await get(off.api, '/docs')).statusCode, 404);
});

test('texts are escaped, always', () => {
  const evil = `<img src=x onerror='alert("&")'>`;
  assert.doesNotMatch(html`${evil}${[html`${evil}`]}`.html, /<img|'|"alert/);
  assert.equal(prose('a `b<` c').html, 'a <code>b&#60;</code> c');
});
