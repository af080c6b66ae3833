/** The sockets of the IMS side: where a packet cannot go, nothing breaks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImsLeg, openImsLeg } from './ims-leg.ts';
import { createPortPool } from './port-pool.ts';

const HOST = '127.0.44.230';

function open(rtp: () => void): Promise<ImsLeg> {
  const pool = createPortPool(
    { min: 21_000, max: 21_099 },
    () => 0,
    () => 3,
  );
  return new Promise((resolve, reject) => {
    openImsLeg(HOST, pool, { rtp, rtcp: rtp }, leg =>
      leg === null ? reject(new Error('no port')) : resolve(leg),
    );
  });
}

test('nothing can be sent to port 0, and to try is no fault', async t => {
  const leg = await open(() => undefined);
  t.after(() => leg.close());
  leg.sendRtp(Buffer.alloc(40), 0, 0, HOST);
  leg.sendRtcp(Buffer.alloc(40), 0, HOST);
});
