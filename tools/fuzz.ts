/** `npm run fuzz [-- NAME...] [MESSAGES [SEED]]`: mutated messages, a million of SIP and a million of media when not said, against what reads them; exits with 1 at the first that does harm. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MEDIA_ROUNDS } from '../test/support/media-mutants.ts';
import type { Round } from '../test/support/mutants.ts';
import { mutantRound } from '../test/support/sip-mutants.ts';

const ROUND = 2500;
/** What the heap may grow by between the first tenth and the end. */
const GROWTH_BYTES = 8 * 1024 * 1024;
const MILLION = 1_000_000;

const rounds: Readonly<Record<string, Round>> = { sip: mutantRound, ...MEDIA_ROUNDS };
const words = process.argv.slice(2);
const names = words.filter(word => Object.hasOwn(rounds, word));
const [messages = null, seed = 1, ...rest] = words.filter(word => !names.includes(word)).map(Number);
if ((messages !== null && !(messages >= ROUND)) || !Number.isSafeInteger(seed) || rest.length > 0) {
  const known = Object.keys(rounds).join('|');
  console.error(`Usage: node tools/fuzz.ts [${known}]... [MESSAGES of each, at least ${ROUND}] [SEED]`);
  process.exit(2);
}

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');
const heap = () => {
  collect();
  return process.memoryUsage().heapUsed;
};

/** Plays `count` messages; false when something is kept of those that are long gone. */
function play(name: string, round: Round, count: number): boolean {
  const turns = Math.ceil(count / ROUND);
  const started = performance.now();
  let settled = heap();
  for (let turn = 0; turn < turns; turn += 1) {
    try {
      round(seed + turn, ROUND);
    } catch (error) {
      console.error(`Round ${turn} of ${name} fails; again with: node tools/fuzz.ts ${name} ${ROUND} ${seed + turn}`);
      throw error;
    }
    if (turn === Math.floor(turns / 10)) settled = heap();
  }
  const seconds = (performance.now() - started) / 1000;
  const grown = heap() - settled;
  const growth = `${grown < 0 ? '' : '+'}${Math.round(grown / 1024)} KiB`;
  console.log(`${name}: ${turns * ROUND} in ${seconds.toFixed(1)} s, heap ${growth} since the first tenth`);
  return grown <= GROWTH_BYTES;
}

const media = Object.keys(MEDIA_ROUNDS).length;
for (const name of names.length > 0 ? names : Object.keys(rounds)) {
  const round = rounds[name];
  if (round === undefined || play(name, round, messages ?? (name === 'sip' ? MILLION : MILLION / media))) continue;
  console.error('The heap has grown: something is kept of messages that are long gone.');
  process.exit(1);
}
