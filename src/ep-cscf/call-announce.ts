/** What the network or a limit ends is told to be heard, where the operator has words for it, and then ended. TS 24.628 4.2. */
import { type Call, CLOSED } from './call.ts';
import { endCall, TOO_LONG } from './call-end.ts';
import { startOp } from './call-media.ts';
import type { Final } from './call-status.ts';
import type { MediaInput } from './input.ts';
import { moveTo } from './leg.ts';
import { sipReason } from './reason.ts';
import { type Done, startTimer, stopTimer, type Turn } from './turn.ts';
import type { MediaSide } from './words.ts';

/** A side has its timer as long as something is to be heard there. */
const TIMERS = { web: 'announcement-web', ims: 'announcement-ims' } as const;

/** Begins the announcement `name`, after which the call ends as `final`; false when nothing can be heard, and the call is as it was. An emergency call is never kept waiting. */
export function announce(turn: Turn, call: Call, name: string, final: Final): boolean {
  const { announcements, mediaSetupMs } = turn.settings.call;
  const leg = call.main;
  if (!announcements.has(name) || leg === null || call.emergency || call.op !== null) return false;
  const sides: readonly MediaSide[] = call.phase === 'talking' ? ['web', 'ims'] : ['web'];
  call.announced = { name, final };
  call.gates = CLOSED;
  call.ringBack = false;
  // Until it begins: the browser may still have to connect.
  for (const side of sides) startTimer(turn, call, TIMERS[side], mediaSetupMs);
  turn.out.push({ type: 'media.gate', owner: call.id, ...CLOSED });
  if (call.phase === 'talking') {
    for (const side of sides) play(turn, call, side, name);
    return true;
  }
  call.phase = 'announcing';
  // There is no INVITE any more that could be cancelled.
  call.invited = null;
  stopTimer(turn, call, 'originate-guard');
  const ref = turn.ids.ref();
  if (leg.answer !== null) play(turn, call, 'web', name);
  else startOp(turn, call, { kind: 'pre-answer', ref, name }, { type: 'media.pre-answer', owner: call.id, ref });
  return true;
}

/** The browser has an answer to hear it by. */
export function preAnswerReady(turn: Turn, call: Call, name: string, sdp: string): Done {
  const leg = call.main;
  if (leg === null) return;
  leg.answer = sdp;
  moveTo(turn, call, leg, leg.status === 'Ringing' ? 'Ringing' : 'InProgress', sipReason(183, 'early-media'));
  play(turn, call, 'web', name);
}

/** It begins on a side, or cannot: the call ends when no side has any of it left to hear. */
export function onPlaying(turn: Turn, call: Call, input: Extract<MediaInput, { type: 'media-playing' }>): Done {
  const { side, name, ms } = input;
  const timer = TIMERS[side];
  if (call.announced?.name !== name || !call.timers.has(timer)) return;
  if (ms !== null) return startTimer(turn, call, timer, ms);
  stopTimer(turn, call, timer);
  announcementHeard(turn, call);
}

/** A side has heard it, or never will. */
export function announcementHeard(turn: Turn, call: Call): Done {
  if (!Object.values(TIMERS).some(timer => call.timers.has(timer))) announcementOver(turn, call);
}

/** Nobody hears any more of it. */
export function announcementOver(turn: Turn, call: Call): Done {
  if (call.announced !== null) endCall(turn, call, call.announced.final, call.answeredAt === null ? null : TOO_LONG);
}

function play(turn: Turn, call: Call, side: MediaSide, name: string): Done {
  turn.out.push({ type: 'media.play', owner: call.id, side, name, repeat: false });
}
