/** The engine over daemons in memory: a clock that stands still, a network that loses. */
import type { Engine, EngineEvent, Route, WebRemote } from '../../src/eims-agw/engine.ts';
import { PCMA } from '../../src/eims-agw/payload-format.ts';
import { createRtpengine } from '../../src/eims-agw/rtpengine/engine.ts';
import { MEDIA_DEFAULTS, type MediaSettings } from '../../src/eims-agw/settings.ts';
import { createManualClock } from './manual-clock.ts';
import { type FakeDaemon, fakeDaemon } from './rtpengine-fake.ts';

/** A browser's end. */
export const REMOTE: WebRemote = {
  mid: '0',
  ice: { ufrag: 'theirs00', pwd: 'theirs000000000000000000' },
  fingerprint: { algorithm: 'sha-256', value: Array<string>(32).fill('B2').join(':') },
  setup: 'actpass',
  candidates: [],
};
const TARGET = { address: '127.0.0.9', port: 4000, rtcpAddress: '127.0.0.9', rtcpPort: 4001 };
const RULE = { in: 8, out: 8, kind: 'speech' as const, from: PCMA, to: PCMA };
/** G.711 passes both ways. */
export const ROUTE: Route = {
  leg: 1,
  target: TARGET,
  toIms: [RULE],
  toWeb: [RULE],
  toImsOpen: true,
  toWebOpen: true,
  supervise: true,
  video: null,
};

/** An engine over `count` daemons that has not been started. */
export function rtpengineRig(count = 2, more: Partial<MediaSettings> = {}) {
  const clock = createManualClock(0);
  const daemons = Array.from({ length: count }, (_, i) => fakeDaemon(`127.0.0.${i + 1}`, clock.now));
  const events: EngineEvent[] = [];
  const lines: string[] = [];
  const counted: string[] = [];
  const engine: Engine = createRtpengine({
    settings: {
      ...MEDIA_DEFAULTS,
      ...more,
      rtpengine: {
        ...MEDIA_DEFAULTS.rtpengine,
        ...more.rtpengine,
        daemons: daemons.map((_, i) => ({ host: `127.0.0.${i + 1}`, port: 2223, weight: 1, calls: 2 })),
      },
    },
    onEvent: event => events.push(event),
    clock: {
      now: clock.now,
      after(ms, run) {
        const timer = clock.setTimer(ms, run);
        return () => clock.clearTimer(timer);
      },
    },
    log: (_level, message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
    count: (name, labels) => counted.push(`${name} ${Object.values(labels)}`),
    wire: (host, _port, wireEvents) =>
      (daemons.find((_, i) => host === `127.0.0.${i + 1}`) as FakeDaemon).wire(wireEvents),
  });
  const open = (session: number) => {
    const place = { realm: null, family: 'IP4' as const };
    engine.send({ type: 'open', session, op: session, place, legs: [{ leg: 1, ssrc: 1, cname: 'c' }] });
  };
  const talk = (session: number) => {
    open(session);
    engine.send({ type: 'connect', session, op: 100 + session, leg: 1, remote: REMOTE });
    engine.send({ type: 'route', session, route: ROUTE });
  };
  return { clock, daemons, engine, events, lines, counted, open, talk, types: () => events.map(event => event.type) };
}
