/** `npm run fuzz [-- MESSAGES [SEED]]`: mutated SIP messages, a million when not said, against parser and transaction layer; exits with 1 at the first that does harm. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { mutantRound } from '../test/support/sip-mutants.ts';

const ROUND = 2500;
/** What the heap may grow by between the first tenth and the end. */
const GROWTH_BYTES = 8 * 1024 * 1024;

const [messages = 1_000_000, seed = 1] = process.argv.slice(2).map(Number);
if (!(messages >= ROUND) || !Number.isSafeInteger(seed)) {
  console.error(`Usage: node tools/fuzz.ts [MESSAGES, at least ${ROUND}] [SEED]`);
  process.exit(2);
}

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');
const heap = () => {
  collect();
  return process.memoryUsage().heapUsed;
};

const rounds = Math.ceil(messages / ROUND);
const started = performance.now();
let settled = heap();
for (let round = 0; round < rounds; round += 1) {
  try {
    mutantRound(seed + round, ROUND);
  } catch (error) {
    console.error(`Round ${round} fails; again with: node tools/fuzz.ts ${ROUND} ${seed + round}`);
    throw error;
  }
  if (round === Math.floor(rounds / 10)) settled = heap();
}
const seconds = (performance.now() - started) / 1000;
const grown = heap() - settled;
console.log(
  `${rounds * ROUND} messages in ${seconds.toFixed(1)} s, heap ${grown < 0 ? '' : '+'}${Math.round(grown / 1024)} KiB since the first tenth`,
);
if (grown > GROWTH_BYTES) {
  console.error('The heap has grown: something is kept of messages that are long gone.');
  process.exit(1);
}
