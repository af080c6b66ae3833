/** Time of one DTLS handshake on one thread, each end by itself: what a call costs a media worker before its first packet. */
import { createDtls } from '../src/eims-agw/relay/dtls/association.ts';
import type { Dtls, DtlsEffect, DtlsRole } from '../src/eims-agw/relay/dtls/types.ts';
import { alice, bob } from '../test/support/dtls-pair.ts';
import { type BenchResult, spread } from './bench.ts';

const HANDSHAKES = Number(process.env.LINESIDE_BENCH_HANDSHAKES ?? 300);
const REPEATS = Number(process.env.LINESIDE_BENCH_REPEATS ?? 3);
const WARM = 100;
interface End {
  dtls: Dtls;
  out: DtlsEffect[];
  ms: number;
}

export async function handshakeBench(): Promise<BenchResult[]> {
  const rows = new Map<string, number[]>([
    ['relay as server', []],
    ['relay as client', []],
  ]);
  for (let n = 0; n < REPEATS + 1; n += 1) {
    const { server, client } = many(n === 0 ? WARM : HANDSHAKES);
    if (n === 0) continue;
    rows.get('relay as server')?.push(server);
    rows.get('relay as client')?.push(client);
  }
  return [
    {
      name: 'handshake',
      method: `Median time on one thread of ${HANDSHAKES} DTLS 1.2 handshakes (X25519, P-256 certificates on both sides), both ends in one warm process, ${REPEATS} times in turn`,
      rows: [...rows].map(([subject, values]) => ({ subject, figures: { 'ms per handshake': spread(values) } })),
    },
  ];
}

/** Medians of both ends, in ms. */
function many(count: number): Record<DtlsRole, number> {
  const server: number[] = [];
  const client: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const times = once();
    server.push(times.server);
    client.push(times.client);
  }
  return { server: spread(server).median, client: spread(client).median };
}

function once(): Record<DtlsRole, number> {
  const client = end('client');
  const server = end('server');
  act(client, () => client.dtls.start(0, client.out));
  while (client.out.length + server.out.length > 0) {
    const toServer = client.out.splice(0);
    const toClient = server.out.splice(0);
    for (const effect of toServer) if (effect.type === 'send') take(server, effect.datagram);
    for (const effect of toClient) if (effect.type === 'send') take(client, effect.datagram);
  }
  return { server: server.ms, client: client.ms };
}

function end(role: DtlsRole): End {
  const [identity, fingerprint] =
    role === 'client' ? [alice.identity, bob.fingerprint] : [bob.identity, alice.fingerprint];
  return { dtls: createDtls({ role, identity, remoteFingerprints: [fingerprint] }), out: [], ms: 0 };
}

function take(to: End, datagram: Buffer): void {
  act(to, () => to.dtls.receive(datagram, 0, to.out));
}

function act(who: End, run: () => void): void {
  const before = performance.now();
  run();
  who.ms += performance.now() - before;
}
