/** `npm run bench [-- NAME...]`: measures, prints a table, writes `bench/results/NAME.json`. Figures of different machines or days are not to be compared. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { type BenchResult, table } from './bench.ts';
import { handshakeBench } from './handshake.ts';
import { mediaBench } from './media/media.ts';
import { transcodingBench } from './media/transcoding.ts';
import { machineShares, machineTime } from './process.ts';
import { heldBench } from './signalling/held.ts';
import { signallingBench } from './signalling/signalling.ts';
import { sipBench } from './sip.ts';

const benches: Readonly<Record<string, () => Promise<BenchResult[]>>> = {
  media: mediaBench,
  transcoding: transcodingBench,
  handshake: handshakeBench,
  sip: sipBench,
  signalling: signallingBench,
  held: heldBench,
};

const wanted = process.argv.slice(2);
const names = wanted.length > 0 ? wanted : Object.keys(benches);
for (const name of names) {
  if (!Object.hasOwn(benches, name)) {
    console.error(`There is no bench "${name}"; there are ${Object.keys(benches).join(', ')}.`);
    process.exit(1);
  }
}
const folder = new URL('results/', import.meta.url);
mkdirSync(folder, { recursive: true });
/** Above this share of stolen time figures say more about the host than about us. */
const STOLEN_PERCENT = 1;
for (const name of names) {
  const load = loadavg()[0] ?? 0;
  const from = machineTime();
  const results = (await benches[name]?.()) ?? [];
  const { idle, stolen } = machineShares(from);
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    load,
    idlePercent: idle,
    stolenPercent: stolen,
  };
  console.log(
    `${machine.cpu}, ${machine.cores} cores; load average ${load.toFixed(1)} before; ${idle.toFixed(0)} % idle and ${stolen.toFixed(1)} % stolen meanwhile${stolen > STOLEN_PERCENT ? ': too much to compare' : ''}.`,
  );
  for (const result of results) {
    console.log(`${result.method}\n${table(result)}\n`);
    if (result.partial === true) continue;
    const file = new URL(`${result.name}.json`, folder);
    writeFileSync(file, `${JSON.stringify({ ...result, machine, at: new Date().toISOString() }, null, 2)}\n`);
  }
}
process.exit(0);
