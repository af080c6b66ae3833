/** The video of the sessions of one worker: the leg it goes with, and its end. */
import { videoSsrc } from '../engine.ts';
import type { HostSession } from './host-state.ts';
import { addCounts, namedCounts } from './named-counts.ts';
import { goOn, numbersOf } from './stream.ts';
import type { Video } from './video.ts';
import { askBrowser } from './video-feedback.ts';

/** The video goes where the sound goes: to the leg that is joined, under the numbers it has there. */
export function joinVideo(session: HostSession, v: Video): void {
  const leg = session.joined === null ? undefined : session.legs.get(session.joined);
  if (leg === undefined) return;
  leg.end.carry?.(true);
  goOn(v.toWeb.stream, videoSsrc(leg.request.ssrc), leg.videoNumbers);
  v.toWeb.flows = false;
  v.toIms.flows = false;
}

/** The far end asks by another way than its RTCP. */
export function askForKeyFrame({ relay: r }: HostSession, now: number): void {
  if (r.video !== null) askBrowser(r.video, r, now);
}

/** Ends the video, the one whose ports are on their way too; the sound goes on. */
export function dropVideo(session: HostSession, gone: Record<string, number>): void {
  const { relay: r } = session;
  const { video: v } = r;
  session.addingVideo = null;
  if (v === null) return;
  r.video = null;
  v.ims.close();
  addVideoCounts(gone, v);
  const leg = session.joined === null ? undefined : session.legs.get(session.joined);
  if (leg === undefined) return;
  leg.videoNumbers = numbersOf(v.toWeb.stream);
  leg.end.carry?.(false);
}

/** Drops of its packets, by side and reason. */
export function addVideoCounts(into: Record<string, number>, v: Video): void {
  addCounts(into, namedCounts('web', v.toIms.stream.counts));
  addCounts(into, namedCounts('ims', v.toWeb.stream.counts));
}
