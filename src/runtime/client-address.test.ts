import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { createClientAddress } from './client-address.ts';

const from = (remoteAddress: string | undefined, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;

test('without proxies a client is where its connection comes from, whatever it says', () => {
  const addressOf = createClientAddress([]);
  assert.equal(addressOf(from('192.0.2.1', '198.51.100.1')), '192.0.2.1');
  assert.equal(addressOf(from(undefined)), '');
});

test('behind proxies it is the nearest address that is none of them', () => {
  const addressOf = createClientAddress(['10.0.0.0/8', '::1']);
  assert.equal(addressOf(from('10.0.0.1', '198.51.100.1')), '198.51.100.1');
  assert.equal(addressOf(from('10.0.0.1', '203.0.113.9, 198.51.100.1, 10.0.0.2')), '198.51.100.1');
  assert.equal(addressOf(from('::1', '2001:db8::7')), '2001:db8::7');
  assert.equal(addressOf(from('::ffff:10.0.0.1', '198.51.100.1')), '198.51.100.1');
  assert.equal(addressOf(from('192.0.2.1', '198.51.100.1')), '192.0.2.1');
  assert.equal(addressOf(from('10.0.0.1')), '10.0.0.1');
});

test('what is no address never becomes one', () => {
  const addressOf = createClientAddress(['10.0.0.0/8']);
  for (const forwarded of ['unknown', '198.51.100.1:4711', 'x'.repeat(1000)])
    assert.equal(addressOf(from('10.0.0.1', forwarded)), '10.0.0.1', forwarded);
});
