import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abandon, ask, type Exchange, type ExchangeEffect, heard, nextWake, wake } from './exchange.ts';

/** Moves time on from wake to wake; what came of it with its time. */
function passTime(exchange: Exchange, from: number, until: number): Array<[number, ExchangeEffect['type']]> {
  const seen: Array<[number, ExchangeEffect['type']]> = [];
  for (let now = nextWake(exchange) ?? until + 1; now <= until; now = nextWake(exchange) ?? until + 1) {
    assert.ok(now > from, 'time does not stand still');
    from = now;
    const out: ExchangeEffect[] = [];
    wake(exchange, now, out);
    seen.push(...out.map(effect => [now, effect.type] as [number, ExchangeEffect['type']]));
  }
  return seen;
}

test('RTE-05 a request is sent again as it was, ever more seldom, and given up when its patience ends', () => {
  const exchange: Exchange = new Map();
  const out: ExchangeEffect[] = [];
  ask(exchange, 1_000, { cookie: 'a', text: 'a {}', patienceMs: 700 }, out);
  assert.deepEqual(out, [{ type: 'send', text: 'a {}', copy: false }]);
  assert.deepEqual(passTime(exchange, 1_000, 10_000), [
    [1_150, 'send'],
    [1_400, 'send'],
    [1_700, 'given-up'],
  ]);
  assert.equal(nextWake(exchange), null);
});

test('a reply ends the copies; a second reply is nothing; a round trip is told only when no copy blurs it', () => {
  const exchange: Exchange = new Map();
  const out: ExchangeEffect[] = [];
  ask(exchange, 0, { cookie: 'a', text: 'a', patienceMs: 700 }, []);
  ask(exchange, 0, { cookie: 'b', text: 'b', patienceMs: 700 }, []);
  heard(exchange, 12, 'a', out);
  heard(exchange, 13, 'a', out);
  wake(exchange, 150, []);
  heard(exchange, 151, 'b', out);
  assert.deepEqual(out, [
    { type: 'answered', cookie: 'a', ms: 12 },
    { type: 'answered', cookie: 'b', ms: null },
  ]);
});

test('when nobody listens all that waits is given up at once', () => {
  const exchange: Exchange = new Map();
  const out: ExchangeEffect[] = [];
  for (const cookie of ['a', 'b']) ask(exchange, 0, { cookie, text: cookie, patienceMs: 700 }, []);
  abandon(exchange, out);
  assert.deepEqual(
    out.map(effect => effect.type),
    ['given-up', 'given-up'],
  );
  assert.equal(exchange.size, 0);
});
