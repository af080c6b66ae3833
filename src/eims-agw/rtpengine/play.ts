/** Files that a daemon plays to a party of a call: when it is asked to, and what it says. They are the daemon's own. */
import type { CallState, Play, Step } from './call-state.ts';
import type { NgReply, NgRequest } from './ng.ts';
import type { StreamEffect } from './stream.ts';

/** Hours of any ring-back; the end of the ringing ends it. */
const AGAIN_AND_AGAIN = 10_000;

/** What shall be played now; a browser hears nothing before it is connected. */
export function nextPlay({ plays, watch }: CallState): Extract<Step, { type: 'play' }> | null {
  for (const [tag, play] of plays) if (tag === 'ims' || watch.web.state === 'up') return { type: 'play', play };
  return null;
}

export function playRequest(callId: string, { side, file, repeat }: Play): NgRequest {
  const party = { 'call-id': callId, 'from-tag': side } as const;
  if (file === null) return { command: 'stop media', ...party };
  return { command: 'play media', ...party, file, ...(repeat ? { 'repeat-times': AGAIN_AND_AGAIN } : {}) };
}

/** It plays, or cannot: the call goes on all the same. */
export function played(call: CallState, { play }: { play: Play }, reply: NgReply | null, out: StreamEffect[]): void {
  // Something else was wished for meanwhile: the call goes by what is said of that.
  if (call.plays.get(play.side) !== play) return;
  call.plays.delete(play.side);
  if (play.file === null) return;
  if (reply?.ok !== true) out.push({ type: 'trouble', what: 'play media', reason: reply?.reason ?? 'no reply' });
  const ms = reply?.ok === true && typeof reply.body.duration === 'number' ? reply.body.duration : null;
  out.push({ type: 'event', event: { type: 'playing', session: call.options.session, ms } });
}
