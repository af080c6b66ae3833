/** What a transaction holds behind its final response, when it lives on for copies alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { bench, first, ours, PEER, theirs } from '../../../test/support/sip-bench.ts';
import { sampleResponse } from '../../../test/support/sip-machine.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** True when nothing holds it any more. */
async function isGone(held: WeakRef<object>): Promise<boolean> {
  await turn();
  collect();
  return held.deref() === undefined;
}

function sent(b: ReturnType<typeof bench>, method: string) {
  const request = ours(method);
  const user = { ...b.user };
  b.layer.request(request, PEER, user);
  return { request: new WeakRef(request), user: new WeakRef(user) };
}

for (const [method, status] of [
  ['INVITE', 200],
  ['INVITE', 486],
  ['BYE', 200],
] as const) {
  test(`a client behind the ${status} to its ${method} does not hold the request`, async () => {
    const b = bench();
    const { request, user } = sent(b, method);
    assert.equal(await isGone(request), false);
    b.receive(sampleResponse(first(b), status));
    assert.equal(b.layer.size, 1);
    assert.equal(await isGone(request), true);
    // RFC 6026 7.2: only behind a 2xx to an INVITE there is more to tell.
    assert.equal(await isGone(user), method !== 'INVITE' || status !== 200);
  });
}

for (const method of ['INVITE', 'BYE']) {
  test(`a server does not hold the ${method} it was told of`, async () => {
    const b = bench();
    const come = () => {
      const request = theirs(method, 'z9hG4bKheld');
      b.receive(request);
      return new WeakRef(request);
    };
    const request = come();
    assert.equal(b.layer.size, 1);
    assert.equal(await isGone(request), true);
  });
}
