/** The sandbox tells a gateway who is registered: heard by the gateway's own Mw side, over real sockets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSettings } from '../../src/config/settings.ts';
import type { BindingId, E164, Ref } from '../../src/ep-cscf/ids.ts';
import type { ImsInput } from '../../src/ep-cscf/input.ts';
import { createMw } from '../../src/mw/ims.ts';
import { createIds } from '../../src/runtime/ids.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createSystemTimers } from '../../src/sip/index.ts';
import { eventually } from '../../test/support/core-peer.ts';
import { startIms } from './ims.ts';

const HOST = '127.31.9.1';
const NUMBER = '+15550100001' as E164;
const BINDING = 'baaaaaaaaaaaaaaaaaaaaaaaaaa' as BindingId;
const DOMAIN = 'ims.test';

test('a gateway watches its number: told when the operator removes it or its time is over, and done when it leaves', async t => {
  const ims = await startIms({
    host: HOST,
    port: 0,
    domain: DOMAIN,
    subscribers: [{ number: NUMBER, phonePassword: 'pw' }],
    trustedNodes: [HOST],
    minExpiresS: 1,
  });
  const timers = createSystemTimers();
  const inputs: ImsInput[] = [];
  const mw = createMw({
    settings: checkSettings({
      sip: { host: HOST, port: 0 },
      ims: { home: DOMAIN, entry: `${HOST}:${ims.port}`, transport: 'udp' },
    }),
    lagMs: () => 0,
    emit: input => inputs.push(input as ImsInput),
    ids: createIds(size => new Uint8Array(size).fill(7)),
    shardOfBinding: () => 1,
    timers,
    clock: { now: () => performance.now() },
    log: silentLog,
    count: () => {},
  });
  await mw.start();
  t.after(async () => {
    await mw.close();
    await ims.close();
    timers.close();
  });
  const register = (ref: number, expiresS = 600) =>
    mw.port.run({
      type: 'ims.register',
      owner: BINDING,
      ref: ref as Ref,
      number: NUMBER,
      expiresS,
      correlator: '',
      initial: true,
      behind: null,
    });
  const heard = (type: ImsInput['type']) => eventually(type, () => inputs.find(input => input.type === type));

  register(1);
  await heard('ims-registered');
  await eventually('a watcher', () => ims.sizes().watchers === 1);
  ims.remove(NUMBER, 'rejected');
  const lost = await heard('ims-binding-lost');
  assert.deepEqual(lost, { type: 'ims-binding-lost', owner: BINDING, event: 'rejected', retryAfterS: null });
  assert.equal(ims.sizes().watchers, 0);

  inputs.length = 0;
  register(2);
  await heard('ims-registered');
  await eventually('a watcher', () => ims.sizes().watchers === 1);
  mw.port.run({ type: 'ims.deregister', owner: BINDING, ref: 3 as Ref, correlator: '' });
  await heard('ims-deregistered');
  await eventually('no watcher', () => ims.sizes().watchers === 0);
  await eventually('no subscription', () => mw.sizes().subscriptions === 0);
  assert.deepEqual(
    inputs.map(input => input.type),
    ['ims-registered', 'ims-deregistered'],
  );

  inputs.length = 0;
  // Long enough for a slow machine to subscribe before it is over.
  register(4, 2);
  const expired = await heard('ims-binding-lost');
  assert.deepEqual(expired, { type: 'ims-binding-lost', owner: BINDING, event: 'expired', retryAfterS: null });
});
