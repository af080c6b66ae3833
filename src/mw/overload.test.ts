/** Too much to do: what is refused, in which order, and what never is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRequest } from '../sip/index.ts';
import { createOverload } from './overload.ts';

function bench(change: { lag?: number; calls?: number; random?: number }) {
  const counted: string[] = [];
  const look = createOverload({
    lagMs: () => change.lag ?? 0,
    calls: () => change.calls ?? 0,
    maxLagMs: 100,
    maxCalls: 10,
    count: (name, { reason }) => void counted.push(`${name} ${reason}`),
    tell: reason => void counted.push(reason),
    random: () => change.random ?? 0,
  });
  const ask = (method: string, fields: Array<[string, string]> = [], uri = 'sip:a@b') => {
    const refusal = look(createRequest(method, uri, [['To', '<sip:a@b>'], ...fields]));
    return refusal === 'accept' ? 'accept' : `${refusal.status} ${refusal.headers?.[0]?.join(' ')}`;
  };
  return { ask, counted };
}

const inDialog: [string, string] = ['To', '<sip:a@b>;tag=1'];

test('with time to spare everything goes on', () => {
  const { ask, counted } = bench({ lag: 99, calls: 9 });
  for (const method of ['INVITE', 'OPTIONS', 'SUBSCRIBE', 'MESSAGE']) assert.equal(ask(method), 'accept');
  assert.deepEqual(counted, []);
});

test('late, calls alone are taken; later, none', () => {
  const late = bench({ lag: 100 });
  assert.equal(late.ask('OPTIONS'), '503 Retry-After 5');
  assert.equal(late.ask('INVITE'), 'accept');
  assert.deepEqual(late.counted, ['overload_shed_total sip-lag', 'sip-lag']);
  const later = bench({ lag: 200, random: 0.999 });
  assert.equal(later.ask('INVITE'), '503 Retry-After 30');
});

test('at the limit of calls a new one is refused, nothing else', () => {
  const { ask, counted } = bench({ calls: 10 });
  assert.equal(ask('INVITE'), '503 Retry-After 5');
  assert.equal(ask('OPTIONS'), 'accept');
  assert.deepEqual(counted, ['overload_shed_total sip-calls', 'sip-calls']);
});

test('EMG-06 requests in a dialog, emergency calls and calls back to them always go on', () => {
  const { counted } = bench({});
  const look = createOverload({
    lagMs: () => 10_000,
    calls: () => 10_000,
    maxLagMs: 1,
    maxCalls: 1,
    count: () => void counted.push('counted'),
    tell: () => {},
    random: () => 0,
  });
  const go = (method: string, uri: string, field: [string, string]) =>
    look(createRequest(method, uri, [field[0] === 'To' ? field : ['To', '<sip:a@b>'], field]));
  assert.equal(look(createRequest('INVITE', 'sip:a@b', [inDialog])), 'accept');
  assert.equal(look(createRequest('BYE', 'sip:a@b', [inDialog])), 'accept');
  assert.equal(go('INVITE', 'urn:service:sos.police', ['Max-Forwards', '70']), 'accept');
  assert.equal(go('INVITE', 'sip:a@b', ['Priority', 'psap-callback']), 'accept');
  assert.deepEqual(counted, []);
  assert.notEqual(go('INVITE', 'sip:a@b', ['Priority', 'emergency']), 'accept', 'any phone may write that');
});
