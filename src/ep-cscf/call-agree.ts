/** Changes of an answered call that the other side has to agree to first: video that comes or goes. Media digest 4.7. */
import type { Asked, Call, Leg, MediaOp, PutRequest } from './call.ts';
import { startOp } from './call-media.ts';
import {
  acceptPut,
  imsReofferFailed,
  imsReofferReady,
  networkSaid,
  theirsWaits,
  webReofferFailed,
} from './call-mid.ts';
import type { MediaFailure, MediaInput } from './input.ts';
import { publish } from './leg.ts';
import { type Done, startTimer, stopTimer, type Turn } from './turn.ts';

type Asks = Extract<MediaInput, { type: 'media-asks' }>;

/** The media plane cannot answer one side before the other was asked. Where that cannot be, the other side has said no. */
export function onAsks(
  turn: Turn,
  call: Call,
  op: Extract<MediaOp, { kind: 'web-reoffer' | 'ims-reoffer' }>,
  asks: Asks,
): Done {
  const { sdp } = asks;
  if (op.kind === 'web-reoffer') {
    // One re-INVITE at a time, one that was given up included. RFC 3261 14.1.
    const free = call.phase === 'talking' && isSettled(call) && call.late === null && !theirsWaits(call);
    return free ? askNetwork(turn, call, op, sdp) : networkSaid(turn, call, op, null);
  }
  const reoffer = { imsRef: op.imsRef, sdp: op.sdp };
  if (call.phase === 'talking') return askBrowser(turn, call, reoffer, sdp);
  const leg = call.main;
  if (leg === null) imsReofferFailed(turn, call, reoffer, 'unsupported');
  else agree(turn, call, { reoffer, before: shown(leg) }, leg, null);
}

/** re-INVITE with what the browser offers; its PUT waits for what the far end says. */
function askNetwork(turn: Turn, call: Call, { leg, put }: { leg: Leg; put: PutRequest }, sdp: string): Done {
  const ref = turn.ids.ref();
  call.update = { ref, held: call.hold.net, waits: { leg, put } };
  turn.out.push({ type: 'ims.update', owner: call.id, ref, sdp });
  startTimer(turn, call, 'reoffer-guard', turn.settings.call.networkAgreesMs);
}

/** The far end has dropped its video: the browser is told by an offer, unless something is being agreed on anyway. */
export function onRenews(turn: Turn, call: Call, sdp: string): Done {
  if (call.phase === 'talking' && isSettled(call)) askBrowser(turn, call, null, sdp);
}

/** Neither side waits for the other's word on an offer. */
function isSettled({ asked, update }: Call): boolean {
  return asked === null && update === null;
}

/** A new offer for the browser; its user decides. `reoffer`: the far end waits for it, null when it does not. */
function askBrowser(turn: Turn, call: Call, reoffer: Asked['reoffer'], sdp: string): Done {
  const leg = call.main;
  if (leg === null) return;
  call.asked = { reoffer, before: shown(leg) };
  leg.offer = sdp;
  leg.answer = null;
  publish(turn, call, leg, null);
  startTimer(turn, call, 'browser-agrees', turn.settings.call.browserAgreesMs);
}

/** The browser's answer. */
export function browserSaid(turn: Turn, call: Call, asked: Asked, leg: Leg, put: PutRequest): Done {
  call.asked = null;
  stopTimer(turn, call, 'browser-agrees');
  agree(turn, call, asked, leg, put);
}

/** Tells the media plane what the browser said; `put` null: nothing. */
function agree(turn: Turn, call: Call, asked: Asked, leg: Leg, put: PutRequest | null): Done {
  const ref = turn.ids.ref();
  const sdp = put?.answer ?? null;
  startOp(turn, call, { kind: 'agree', ref, asked, leg, put }, { type: 'media.agree', owner: call.id, ref, sdp });
}

function shown({ offer, answer }: Leg): Asked['before'] {
  return { offer, answer };
}

/** No answer of the browser in time: all stays as it was, and so it is told. */
export function browserAgreesGuard(turn: Turn, call: Call): Done {
  const { asked, main: leg } = call;
  if (asked === null || leg === null) return;
  // One thing at a time for the media plane.
  if (call.op !== null) return startTimer(turn, call, 'browser-agrees', turn.settings.call.mediaOpMs);
  call.asked = null;
  Object.assign(leg, asked.before);
  publish(turn, call, leg, null);
  agree(turn, call, asked, leg, null);
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
