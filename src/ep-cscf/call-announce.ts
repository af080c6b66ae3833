/** What the network or a limit ends is told to be heard, where the operator has words for it, and then ended. TS 24.628 4.2. */
import type { Call } from './call.ts';
import { endCall, TOO_LONG } from './call-end.ts';
import { startOp } from './call-media.ts';
import type { Final } from './call-status.ts';
import { moveTo } from './leg.ts';
import { sipReason } from './reason.ts';
import { type Done, startTimer, stopTimer, type Turn } from './turn.ts';

/** Begins the announcement `name`, after which the call ends as `final`; false when nothing can be heard, and the call is as it was. An emergency call is never kept waiting. */
export function announce(turn: Turn, call: Call, name: string, final: Final): boolean {
  const { announcements, mediaSetupMs } = turn.settings.call;
  const leg = call.main;
  if (!announcements.has(name) || leg === null || call.emergency || call.op !== null) return false;
  call.announced = final;
  call.gateOpen = false;
  call.ringBack = false;
  // Until it begins: the browser may still have to connect.
  startTimer(turn, call, 'announcement', mediaSetupMs);
  turn.out.push({ type: 'media.gate', owner: call.id, fromIms: false, fromWeb: false });
  if (call.phase === 'talking') {
    play(turn, call, 'web', name);
    play(turn, call, 'ims', name);
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

/** It begins: the call ends with it. */
export function onPlaying(turn: Turn, call: Call, ms: number | null): Done {
  if (call.announced === null || call.phase === 'closing') return;
  if (ms === null) announcementOver(turn, call);
  else startTimer(turn, call, 'announcement', ms);
}

/** It was heard, or will not be. */
export function announcementOver(turn: Turn, call: Call): Done {
  if (call.announced !== null) endCall(turn, call, call.announced, call.answeredAt === null ? null : TOO_LONG);
}

function play(turn: Turn, call: Call, side: 'web' | 'ims', name: string): Done {
  turn.out.push({ type: 'media.play', owner: call.id, side, name, repeat: false });
}
