/** Two tabs of one profile: they share a device and with it one registration. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallingError } from './errors.ts';
import { registered } from './fake-page.ts';
import { type FakeService, fakeService, NUMBER, settle } from './fake-service.ts';
import { openTabs } from './tabs.ts';

const registration = (registrationId: string) => ({
  status: 201,
  body: { registrationId, regInfo: { phoneNumber: NUMBER }, expiresAt: '2026-01-01T01:00:00Z' },
});

const posts = (service: FakeService, path: string) =>
  service.asked.filter(asked => asked.method === 'POST' && asked.path.includes(path)).length;

test('a tab that ends the registration tells the others, which register again', async () => {
  const service = fakeService();
  const client = await registered(service);
  await client.unregister();
  assert.deepEqual(service.said, ['reg-1']);
  await registered(service);
  service.asked.length = 0;
  service.tabSays('somebody-elses');
  await settle();
  assert.equal(posts(service, 'registration'), 0);
  service.tabSays('reg-1');
  await settle();
  assert.equal(posts(service, 'registration'), 1);
});

test('a call with a registration that is gone unheard is placed with a new one, once', async () => {
  const service = fakeService();
  const client = await registered(service);
  service.on('POST registrations', () => registration('reg-2'));
  service.on('POST calls', ({ headers, body }) =>
    headers.get('registrationId') === 'reg-2'
      ? { status: 201, body: { ...body, mediaSessionId: 'call-1', status: 'Initial' } }
      : { status: 403, body: { code: 'INVALID_TOKEN_CONTEXT' } },
  );
  assert.equal((await client.call('+15550109000')).id, 'call-1');
  service.on('POST calls', () => ({ status: 403, body: { code: 'INVALID_TOKEN_CONTEXT' } }));
  service.asked.length = 0;
  await assert.rejects(client.call('+15550109000'), (e: unknown) => e instanceof CallingError && e.code === 20003);
  assert.equal(posts(service, 'call-handling'), 1, 'the same registration again would change nothing');
});

test('tabs hear each other, not themselves', async () => {
  const heard: string[] = [];
  const one = openTabs('lineside.test', word => heard.push(`one ${word}`));
  const hearing = new Promise<void>(resolve => {
    const two = openTabs('lineside.test', word => {
      heard.push(`two ${word}`);
      two.close();
      resolve();
    });
  });
  one.say('hello');
  await hearing;
  one.close();
  assert.deepEqual(heard, ['two hello']);
});
