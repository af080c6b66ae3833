/** Child process: devices of the sandbox's subscribers that make calls to its echo, so that a test measures the gateway's memory alone. Arguments: the gateway's URL and the issuer. */
import assert from 'node:assert/strict';
import { SUBSCRIBERS } from '../../sandbox/subscribers.ts';
import { Device, fetchToken } from './camara.ts';

const ECHO = '+15550109000';
const [url = '', issuer = ''] = process.argv.slice(2);

/** A browser's offer; nobody stands behind it, the calls live by signalling and by the media plane's own resources. */
const OFFER = [
  'v=0',
  'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126',
  'c=IN IP4 0.0.0.0',
  'a=rtcp:9 IN IP4 0.0.0.0',
  'a=ice-ufrag:Yq3k',
  'a=ice-pwd:0b66f472495ef0ccac7bda653ab6be49',
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'A5').join(':')}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=sendrecv',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:126 telephone-event/8000',
  '',
].join('\r\n');

/** `{ calls: n }` makes n calls, three at a time on each device; `{ calls: 0 }` has the devices leave. */
interface Order {
  calls: number;
}

const devices: Array<{ device: Device; number: string }> = [];

async function oneCall(device: Device, number: string): Promise<void> {
  const created = await device.startCall(ECHO, OFFER, number);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const id: string = created.body.mediaSessionId;
  await device.waitStatus(id, 'Connected');
  assert.equal((await device.hangUp(id)).status, 204);
  await device.waitStatus(id, 'Terminated');
}

async function makeCalls(count: number): Promise<void> {
  let left = count;
  const lanes = devices.flatMap(({ device, number }) =>
    [1, 2, 3].map(async () => {
      while (left > 0) {
        left -= 1;
        await oneCall(device, number);
      }
    }),
  );
  await Promise.all(lanes);
  for (const { device } of devices) device.events.length = 0;
}

async function leave(): Promise<void> {
  for (const { device } of devices) await device.leave();
}

/** Answers the parent with `{ fault }`, which is '' when all went well. */
async function answer(work: Promise<void>): Promise<void> {
  const fault = await work.then(
    () => '',
    (error: unknown) => (error as Error).stack ?? String(error),
  );
  process.send?.({ fault });
}

async function register(): Promise<void> {
  for (const { number } of SUBSCRIBERS) {
    const device = new Device(url, await fetchToken(issuer, number));
    await device.register();
    devices.push({ device, number });
  }
}

process.on('message', ({ calls }: Order) => void answer(calls > 0 ? makeCalls(calls) : leave()));
process.on('disconnect', () => process.exit(0));
await answer(register());
