/** A media engine that grants everything and carries nothing, so that a bench measures signalling alone. */
import { type Engine, type EngineEvent, NO_TOTALS, type WebTransport } from '../../src/eims-agw/engine.ts';
import { RELAY_CAPS } from '../../src/eims-agw/rtp/caps.ts';

const FINGERPRINT = Array.from({ length: 32 }, () => 'A5').join(':');

export function nullEngine(onEvent: (event: EngineEvent) => void, address: string): Engine {
  let sessions = 0;
  const transport: WebTransport = {
    address,
    port: 20_000,
    ufrag: 'bench',
    pwd: 'benchbenchbenchbenchbench',
    fingerprint: FINGERPRINT,
    iceLite: true,
    answerSetup: 'passive',
  };
  return {
    start: async () => undefined,
    close: async () => undefined,
    health: () => ({ ok: true, sessions, load: 0, workers: 1 }),
    caps: () => RELAY_CAPS,
    send(command) {
      const { session } = command;
      if (command.type === 'open') {
        sessions += 1;
        const { op, legs } = command;
        onEvent({ type: 'opened', session, op, ims: { address, port: 21_000 }, legs: legs.map(() => transport) });
      } else if (command.type === 'connect') {
        onEvent({ type: 'connecting', session, op: command.op });
        onEvent({ type: 'leg-up', session, leg: command.leg });
      } else if (command.type === 'close') {
        sessions -= 1;
        onEvent({ type: 'closed', session, ...NO_TOTALS });
      }
    },
  };
}
