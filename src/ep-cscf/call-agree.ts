/** Changes of an answered call that the other side has to agree to first: video that comes or goes. Media digest 4.7. */
import type { Asked, Call, Leg, MediaOp, PutRequest } from './call.ts';
import { startOp } from './call-media.ts';
import { acceptPut, imsReofferFailed, imsReofferReady, webReofferFailed } from './call-mid.ts';
import type { MediaFailure, MediaInput } from './input.ts';
import { publish } from './leg.ts';
import { type Done, startTimer, stopTimer, type Turn } from './turn.ts';

type Asks = Extract<MediaInput, { type: 'media-asks' }>;

/** The media plane cannot answer one side before the other was asked. */
export function onAsks(turn: Turn, call: Call, op: MediaOp, asks: Asks): Done {
  if (op.kind === 'web-reoffer' && call.phase === 'talking') askNetwork(turn, call, op, asks.sdp);
  else if (op.kind === 'ims-reoffer') askBrowser(turn, call, { imsRef: op.imsRef, sdp: op.sdp }, asks.sdp);
}

/** re-INVITE with what the browser offers; its PUT waits for what the far end says. */
function askNetwork(turn: Turn, call: Call, put: { leg: Leg; put: PutRequest }, sdp: string): Done {
  const ref = turn.ids.ref();
  call.update = { ref, held: call.hold.net, waits: { leg: put.leg, put: put.put } };
  turn.out.push({ type: 'ims.update', owner: call.id, ref, sdp });
  startTimer(turn, call, 'reoffer-guard', turn.settings.call.networkAgreesMs);
}

/** A new offer for the browser; its user decides. `reoffer`: the far end waits for it, null when it does not. */
export function askBrowser(turn: Turn, call: Call, reoffer: Asked['reoffer'], sdp: string): Done {
  const leg = call.main;
  if (leg === null) return;
  call.asked = { reoffer, before: { offer: leg.offer, answer: leg.answer } };
  leg.offer = sdp;
  leg.answer = null;
  publish(turn, call, leg, null);
  startTimer(turn, call, 'browser-agrees', turn.settings.call.browserAgreesMs);
}

/** The browser's answer. */
export function browserSaid(turn: Turn, call: Call, asked: Asked, leg: Leg, put: PutRequest): Done {
  call.asked = null;
  stopTimer(turn, call, 'browser-agrees');
  const ref = turn.ids.ref();
  startOp(
    turn,
    call,
    { kind: 'agree', ref, asked, leg, put },
    { type: 'media.agree', owner: call.id, ref, sdp: put.answer },
  );
}

/** No answer of the browser in time: all stays as it was, and so it is told. */
export function browserAgreesGuard(turn: Turn, call: Call): Done {
  const { asked, main: leg } = call;
  if (asked === null || leg === null) return;
  call.asked = null;
  Object.assign(leg, asked.before);
  publish(turn, call, leg, null);
  const ref = turn.ids.ref();
  startOp(
    turn,
    call,
    { kind: 'agree', ref, asked, leg, put: null },
    { type: 'media.agree', owner: call.id, ref, sdp: null },
  );
}

export function agreeReady(turn: Turn, call: Call, op: Extract<MediaOp, { kind: 'agree' }>, sdp: string): Done {
  const { asked, leg, put } = op;
  if (asked.reoffer !== null) imsReofferReady(turn, call, asked.reoffer, sdp);
  if (put === null) return;
  leg.answer = put.answer;
  acceptPut(turn, call, leg, put);
}

export function agreeFailed(
  turn: Turn,
  call: Call,
  op: Extract<MediaOp, { kind: 'agree' }>,
  failure: MediaFailure,
): Done {
  const { asked, leg, put } = op;
  Object.assign(leg, asked.before);
  if (asked.reoffer !== null) imsReofferFailed(turn, call, asked.reoffer, failure);
  if (put !== null) webReofferFailed(turn, put, failure);
}

/** One side lacks a picture that needs no other: the other one is asked. RFC 5168. */
export function askKeyFrame(turn: Turn, call: Call, type: 'media.key-frame' | 'ims.key-frame'): Done {
  if (call.phase === 'talking') turn.out.push({ type, owner: call.id });
}
