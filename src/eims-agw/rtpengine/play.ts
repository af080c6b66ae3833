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

export function playRequest(callId: string, { side, what, repeat }: Play): NgRequest {
  const party = { 'call-id': callId, 'from-tag': side } as const;
  if (what === null) return { command: 'stop media', ...party };
  return { command: 'play media', ...party, file: what.file, ...(repeat ? { 'repeat-times': AGAIN_AND_AGAIN } : {}) };
}

/** It plays, or cannot: the call goes on all the same. An end that was not answered is asked for again, as long as the daemon is thought to be there. */
export function played(call: CallState, { play }: { play: Play }, reply: NgReply | null, out: StreamEffect[]): void {
  const { side, what } = play;
  // Something else was wished for meanwhile: the call goes by what is said of that.
  if (call.plays.get(side) !== play || (what === null && reply === null)) return;
  call.plays.delete(side);
  const command = what === null ? 'stop media' : 'play media';
  if (reply?.ok !== true && !(what === null && isSilent(reply)))
    out.push({ type: 'trouble', what: command, reason: reply?.reason ?? 'no reply' });
  if (what === null) return;
  const ms = reply?.ok === true && typeof reply.body.duration === 'number' ? reply.body.duration : null;
  out.push({ type: 'event', event: { type: 'playing', session: call.options.session, side, name: what.name, ms } });
}

/** The daemon says that nothing is played. */
function isSilent(reply: NgReply | null): boolean {
  return /not currently playing/i.test(reply?.reason ?? '');
}
