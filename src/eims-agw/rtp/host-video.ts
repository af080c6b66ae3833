/** The video of the sessions of one worker: its ports, and the leg it goes with. */
import type { RemoteInfo } from 'node:dgram';
import { type EngineCommand, videoSsrc } from '../engine.ts';
import type { HostOptions, HostSession } from './host.ts';
import { openImsLeg } from './ims-leg.ts';
import { addCounts, namedCounts } from './named-counts.ts';
import { videoPacketFromIms } from './relay.ts';
import { goOn, numbersOf } from './stream.ts';
import { askBrowser, type Video, video } from './video.ts';

/** Takes IMS ports for video. */
export function addVideo(
  options: HostOptions,
  session: HostSession,
  command: Extract<EngineCommand, { type: 'add-video' }>,
  gone: Record<string, number>,
): void {
  const { now, send } = options;
  const { session: number, op } = command;
  const r = session.relay;
  dropVideo(session, gone);
  const events = {
    rtp: (packet: Buffer, from: RemoteInfo) => videoPacketFromIms(r, false, packet, from.address, from.port, now()),
    rtcp: (packet: Buffer, from: RemoteInfo) => videoPacketFromIms(r, true, packet, from.address, from.port, now()),
    fault: options.onFault,
  };
  openImsLeg(session.at.bind, options.pool, events, ims => {
    if (ims === null) return send({ type: 'refused', session: number, op, failure: 'no-port' });
    if (session.closed || r.video !== null) return ims.close();
    r.video = video(ims, r.imsCname, now(), options.random, r.latch.mayMove);
    r.video.wish = () => send({ type: 'key-frame-wanted', session: session.number });
    joinVideo(session, r.video);
    send({
      type: 'video-added',
      session: session.number,
      op: command.op,
      ims: { address: session.at.advertise, port: ims.port },
    });
  });
}

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

/** Ends the video; the sound goes on. */
export function dropVideo(session: HostSession, gone: Record<string, number>): void {
  const { relay: r } = session;
  const { video: v } = r;
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
