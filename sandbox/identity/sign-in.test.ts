import assert from 'node:assert/strict';
import { test } from 'node:test';
import fastify from 'fastify';
import { decodeJwt } from 'jose';
import { checkSettings } from '../../src/config/settings.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createPages } from '../../src/wwsf/pages.ts';
import { startIdentityProvider } from './provider.ts';

/** A browser as far as a sign-in needs one: cookies per origin, redirects by hand. */
function browser() {
  const jars = new Map<string, Map<string, string>>();
  return async function go(url: string, init: RequestInit = {}): Promise<Response> {
    const jar = jars.get(new URL(url).origin) ?? new Map<string, string>();
    jars.set(new URL(url).origin, jar);
    const headers = new Headers(init.headers);
    headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s);
      if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  };
}

const target = (response: Response, base: string) => new URL(response.headers.get('location') ?? '', base).href;

test('a subscriber signs in on the pages, gets tokens, has them refreshed, signs out', async t => {
  let now = Date.now();
  // The provider needs the pages' address, the pages need the issuer: a port is found in between.
  const finder = fastify();
  const publicUrl = await finder.listen({ host: '127.0.0.1', port: 0 });
  await finder.close();
  const provider = await startIdentityProvider({ host: '127.0.0.1', port: 0, pagesUrls: [publicUrl] });
  t.after(() => provider.close());
  const settings = checkSettings({
    web: { enabled: true, issuer: provider.issuer, clientSecret: provider.webClientSecret },
  }).web;
  const pagesApp = fastify();
  t.after(() => pagesApp.close());
  await createPages({
    settings,
    emergencyNumbers: [],
    publicUrl: () => publicUrl,
    log: silentLog,
    now: () => now,
  }).mountPages(pagesApp);
  await pagesApp.listen({ host: '127.0.0.1', port: Number(new URL(publicUrl).port) });

  const go = browser();
  const toProvider = await go(`${publicUrl}/sign-in`);
  assert.equal(toProvider.status, 302);
  const toPage = await go(target(toProvider, publicUrl));
  assert.match(toPage.headers.get('location') ?? '', /\/interaction\//);
  const pageUrl = target(toPage, provider.issuer);
  const shown = await (await go(pageUrl)).text();
  assert.match(shown, /\+15550100005/);
  assert.match(shown, /outside the CAMARA profile/, 'A-07');
  const wrong = await go(pageUrl, { method: 'POST', body: new URLSearchParams({ number: '+15550100002', pin: '9' }) });
  assert.match(await wrong.text(), /do not fit/);
  const chosen = await go(pageUrl, {
    method: 'POST',
    body: new URLSearchParams({ number: '+15550100002', pin: '0002' }),
  });
  const resumed = await go(target(chosen, provider.issuer));
  const callbackUrl = target(resumed, provider.issuer);
  assert.ok(callbackUrl.startsWith(`${publicUrl}/sign-in/callback?code=`), callbackUrl);
  const done = await go(callbackUrl);
  assert.equal(done.status, 303, await done.clone().text());
  assert.equal(done.headers.get('location'), '/softphone/');

  const me = (await (await go(`${publicUrl}/session`)).json()) as { number: string; csrf: string };
  assert.equal(me.number, '+*********02');
  const ask = (headers: Record<string, string>) => go(`${publicUrl}/session/token`, { method: 'POST', headers });
  assert.equal((await ask({ 'x-csrf-token': me.csrf, origin: 'http://evil.example' })).status, 403);
  assert.equal((await ask({ 'x-csrf-token': 'guess', origin: publicUrl })).status, 403);
  const own = { 'x-csrf-token': me.csrf, origin: publicUrl };
  const first = (await (await ask(own)).json()) as { accessToken: string };
  assert.equal(decodeJwt(first.accessToken)['phone_number'], '+15550100002');
  assert.equal(decodeJwt(first.accessToken).aud, 'lineside');
  assert.equal(((await (await ask(own)).json()) as { accessToken: string }).accessToken, first.accessToken);
  now += 580_000;
  const second = (await (await ask(own)).json()) as { accessToken: string };
  assert.notEqual(second.accessToken, first.accessToken);
  assert.equal(decodeJwt(second.accessToken)['phone_number'], '+15550100002');
  assert.match(String(decodeJwt(second.accessToken)['scope']), /webrtc-notification-channels:channels:create/);

  assert.equal((await go(callbackUrl)).status, 400, 'a callback works once');
  assert.equal((await go(`${publicUrl}/sign-out`, { method: 'POST', headers: own })).status, 204);
  assert.deepEqual(await (await go(`${publicUrl}/session`)).json(), { signedIn: false });
  assert.equal((await ask(own)).status, 401);
});
