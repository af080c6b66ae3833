/** The browser legs of one session of a worker: made, connected, joined with the IMS side, dropped. */
import type { EngineCommand, LegRequest, WebTransport } from '../engine.ts';
import { type HostSession, type HostState, refuse } from './host-state.ts';
import { joinVideo } from './host-video.ts';
import { addCounts } from './named-counts.ts';
import { fromWeb } from './relay.ts';
import { firstNumbers, goOn, numbersOf } from './stream.ts';

export function addLeg(host: HostState, session: HostSession, request: LegRequest): WebTransport {
  const { leg: number } = request;
  const { relay: r } = session;
  const end = host.makeWebEnd(request, {
    packet: packet => {
      if (session.joined === number) fromWeb(r, packet, host.now());
    },
    up: () => {
      const leg = session.legs.get(number);
      if (leg === undefined) return;
      leg.up = true;
      leg.connecting = null;
      if (session.joined === number) r.webUp = true;
      host.send({ type: 'leg-up', session: session.number, leg: number });
    },
    down: cause => {
      const leg = session.legs.get(number);
      if (leg === undefined) return;
      leg.up = false;
      leg.connecting = null;
      if (session.joined === number) r.webUp = false;
      host.send({ type: 'leg-down', session: session.number, leg: number, cause });
    },
  });
  const numbers = firstNumbers(host.random);
  const videoNumbers = firstNumbers(host.random);
  session.legs.set(number, { request, end, up: false, connecting: null, numbers, videoNumbers });
  return end.transport;
}

/** Joins a leg with the IMS side: from now on its SSRC and its packets count. */
export function join(session: HostSession, number: number | null): void {
  if (session.joined === number) return;
  const leg = number === null ? undefined : session.legs.get(number);
  const { relay: r } = session;
  const before = session.joined === null ? undefined : session.legs.get(session.joined);
  if (before !== undefined) {
    before.numbers = numbersOf(r.toWeb);
    if (r.video !== null) before.videoNumbers = numbersOf(r.video.toWeb.stream);
  }
  session.joined = leg === undefined ? null : number;
  r.web = leg?.end ?? null;
  r.webUp = leg?.up ?? false;
  if (leg === undefined) return;
  goOn(r.toWeb, leg.request.ssrc, leg.numbers);
  r.webCname = leg.request.cname;
  if (r.video !== null) joinVideo(session, r.video);
}

export function dropLeg(host: HostState, session: HostSession, number: number): void {
  const leg = session.legs.get(number);
  if (leg === undefined) return;
  if (session.joined === number) join(session, null);
  session.legs.delete(number);
  leg.end.close();
  addCounts(host.gone, leg.end.counts?.() ?? {});
}

export function connectLeg(
  host: HostState,
  session: HostSession,
  command: Extract<EngineCommand, { type: 'connect' }>,
): void {
  const leg = session.legs.get(command.leg);
  if (leg?.end.connect(command.remote) === true) {
    if (!leg.up) leg.connecting = { since: host.now(), told: false };
    host.send({ type: 'connecting', session: session.number, op: command.op });
  } else refuse(host, command, 'bad-sdp');
}
