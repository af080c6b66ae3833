/** The sockets of the IMS side: a packet that cannot be sent or handled is lost, and nothing else. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { type ImsLeg, type ImsLegEvents, openImsLeg } from './ims-leg.ts';
import { createPortPool } from './port-pool.ts';

const HOST = '127.0.44.233';

function open(events: ImsLegEvents): Promise<ImsLeg> {
  const pool = createPortPool(
    { min: 21_000, max: 21_099 },
    () => 0,
    () => 3,
  );
  return new Promise((resolve, reject) => {
    openImsLeg(HOST, pool, events, leg => (leg === null ? reject(new Error('no port')) : resolve(leg)));
  });
}

const nothing = () => undefined;

test('nothing can be sent to port 0, and to try is no fault', async t => {
  const leg = await open({ rtp: nothing, rtcp: nothing, fault: nothing });
  t.after(() => leg.close());
  leg.sendRtp(Buffer.alloc(40), 0, 0, HOST);
  leg.sendRtcp(Buffer.alloc(40), 0, HOST);
});

test('a fault in the handling of a packet is told, and the next packet is handled', async t => {
  const stranger = createSocket('udp4');
  const told: string[] = [];
  let heard: () => void = nothing;
  const twice = new Promise<void>(resolve => {
    heard = () => {
      if (told.length === 4) resolve();
    };
  });
  const broken = (name: string) => () => {
    throw new Error(name);
  };
  const leg = await open({
    rtp: broken('rtp'),
    rtcp: broken('rtcp'),
    fault: error => {
      told.push(String(error));
      heard();
    },
  });
  t.after(() => {
    leg.close();
    stranger.close();
  });
  for (const port of [leg.port, leg.port + 1, leg.port, leg.port + 1])
    stranger.send(Buffer.alloc(12, 0x80), port, HOST);
  await twice;
  assert.deepEqual(told.sort(), ['Error: rtcp', 'Error: rtcp', 'Error: rtp', 'Error: rtp']);
});
