/** Calls out over rtpengine, with a browser and a phone of a test at their ends. */
import type { MediaPlane } from '../../src/eims-agw/media-plane.ts';
import type { CallId } from '../../src/ep-cscf/ids.ts';
import type { MediaStats } from '../../src/ep-cscf/input.ts';
import type { BrowserPeer } from './media-browser.ts';
import { callId, type Inbox, legId, nextRef } from './media-inbox.ts';
import type { Phone } from './media-phone.ts';

export const LEG = legId('leg-1');
/** 20 ms of G.711. */
export const SPEECH = Uint8Array.from({ length: 160 }, (_, i) => (i * 3) & 0xff);
/** 20 ms of silence in Opus. RFC 6716 3.1. */
export const OPUS_SILENCE = Uint8Array.from([0xf8, 0xff, 0xfe]);

export interface RtpengineCall {
  owner: CallId;
  /** Of a call out, what the IMS side was offered and the browser was answered; of one in, the other way round. */
  offer: string;
  answer: string;
  /** Our port towards the core. */
  port: number;
  release(): Promise<MediaStats>;
}

let calls = 0;

/** Sets a call up and waits until it is connected; `answerOf` makes the phone's answer of the offer. */
export async function callOut(
  { plane, box }: { plane: MediaPlane; box: Inbox },
  browser: BrowserPeer,
  phone: Phone,
  answerOf: (offer: string) => string = () => phone.sdp({ laws: [8] }),
  realm: string | null = null,
): Promise<RtpengineCall> {
  calls += 1;
  const owner = callId(`rtpengine-${calls}`);
  const { run } = plane.port;
  const sdp = await browser.offer();
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp, ...(realm === null ? {} : { realm }) });
  const offer = (await box.wait('media-ready')).sdp;
  phone.learn(offer);
  run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp: answerOf(offer) });
  const answer = (await box.wait('media-ready')).sdp;
  await browser.accept(answer);
  await box.wait('media-connected');
  run({ type: 'media.gate', owner, fromIms: true, fromWeb: true });
  return { owner, offer, answer, port: portOf(offer), release: () => release(run, box, owner) };
}

/** A phone calls with this offer, and the browser answers; as `callOut`. */
export async function callIn(
  { plane, box }: { plane: MediaPlane; box: Inbox },
  browser: BrowserPeer,
  phone: Phone,
  sdp: string,
): Promise<RtpengineCall> {
  calls += 1;
  const owner = callId(`rtpengine-${calls}`);
  const { run } = plane.port;
  run({ type: 'media.offer', from: 'ims', owner, ref: nextRef(), legs: [LEG], sdp });
  const offer = (await box.wait('media-offers')).offers[0]?.sdp ?? '';
  run({ type: 'media.answer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp: await browser.answer(offer) });
  const answer = (await box.wait('media-ready')).sdp;
  phone.learn(answer);
  run({ type: 'media.select', owner, leg: LEG });
  await box.wait('media-connected');
  run({ type: 'media.gate', owner, fromIms: true, fromWeb: true });
  return { owner, offer, answer, port: portOf(answer), release: () => release(run, box, owner) };
}

const portOf = (sdp: string) => Number(/m=audio (\d+)/.exec(sdp)?.[1]);

async function release(run: MediaPlane['port']['run'], box: Inbox, owner: CallId): Promise<MediaStats> {
  run({ type: 'media.release', owner });
  return (await box.wait('media-stats')).stats;
}

/** Does `push` every 20 ms, as speech comes, until `seen` holds. */
export async function until(seen: () => boolean, push: (i: number) => unknown = () => undefined): Promise<void> {
  for (let i = 0; i < 400; i += 1) {
    if (seen()) return;
    await push(i);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error('it was not seen in time');
}

export const payloadType = (packet: Buffer): number => (packet[1] ?? 0) & 0x7f;
