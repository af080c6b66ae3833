/** When a registration-state subscription that is over is made again: at once, later, or never. RFC 6665 4.1.3, IMS digest 2.12. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BINDING, IDENTITY } from '../../test/support/mw-bench.ts';
import { realmsOf } from '../config/realm.ts';
import { checkSettings } from '../config/settings.ts';
import { BACK_OFF } from '../ep-cscf/back-off.ts';
import { type Log, silentLog } from '../runtime/log.ts';
import type { SubscriptionRequest, SubscriptionUser } from '../sip/index.ts';
import type { MwNode } from './node.ts';
import { createWatches } from './watches.ts';

type End = Parameters<SubscriptionUser['onSubscriptionEnded']>[0];

/** One binding watched by an agent that only listens; `end` ends the subscription that is there. */
function watched(mode: 'trusted' | 'client' = 'trusted') {
  const asked: SubscriptionRequest[] = [];
  const alarms: unknown[] = [];
  const started: Array<{ ms: number; fire: () => void }> = [];
  let user: SubscriptionUser | null = null;
  const log: Log = { ...silentLog, warn: fields => alarms.push(fields['alarm']), with: () => log };
  const node = {
    facts: {
      ...realmsOf(checkSettings({ ims: { mode, passwordTemplate: 'pw' } }).ims)[0],
      video: true,
      resourcePriority: '',
      host: 'gw',
    },
    proxy: 'sip:192.0.2.20',
    backOff: BACK_OFF,
    log,
    icid: () => '7f9c',
    credentialsOf: () => undefined,
    emit: () => {},
    agent: () => ({
      subscribe(request: SubscriptionRequest, listener: SubscriptionUser) {
        asked.push(request);
        user = listener;
        return { callId: '1', refresh() {}, end() {} };
      },
    }),
  } as unknown as MwNode;
  const timers = { start: (_: string, ms: number, fire: () => void) => void started.push({ ms, fire }), stop() {} };
  const watches = createWatches(node, timers, 600_000);
  watches.watch({ id: BINDING, identity: IDENTITY, contact: 'sip:b@gw', route: ['<sip:orig@s;lr>'] }, true);
  const end = (what: Partial<End>) =>
    user?.onSubscriptionEnded({ reason: null, retryAfterS: null, status: 0, ...what });
  return { asked, alarms, started, end };
}

for (const reason of ['rejected', 'noresource', 'invariant'])
  test(`EVT-13 a subscription that ends as ${reason} is not made again`, () => {
    const { asked, started, end } = watched();
    end({ reason });
    assert.deepEqual([asked.length, started.length], [1, 0]);
  });

for (const status of [403, 405, 489, 501])
  test(`EVT-08 refused with ${status}: left alone, with an alarm`, () => {
    const { started, alarms, end } = watched();
    end({ status });
    assert.deepEqual([alarms, started.length], [['reg-event-refused'], 0]);
  });

test('EVT-13 deactivated, timeout and a lost dialog bring it back at once, then later and later', () => {
  for (const what of [{ reason: 'deactivated' }, { reason: 'timeout' }, { status: 481 }]) {
    const { asked, started, end } = watched();
    end(what);
    assert.equal(started[0]?.ms, 1000);
    started[0].fire();
    assert.equal(asked.length, 2);
    end(what);
    assert.ok((started[1]?.ms ?? 0) >= 30_000);
  }
});

test('EVT-13 probation and giveup bring it back after the time they name', () => {
  for (const reason of ['probation', 'giveup']) {
    const { started, end } = watched();
    end({ reason, retryAfterS: 120 });
    assert.ok((started[0]?.ms ?? 0) >= 120_000);
  }
});

test('EVT-01 a trusted node asks as the user it asserts, a client as the user it prefers', () => {
  const names = (mode: 'trusted' | 'client') => watched(mode).asked[0]?.headers.map(([name]) => name);
  assert.deepEqual(names('trusted'), ['P-Asserted-Identity', 'P-Charging-Vector']);
  assert.deepEqual(names('client'), ['P-Preferred-Identity']);
});
