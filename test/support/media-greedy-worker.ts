/** A worker of our engine that takes all memory it can get when told by a signal. */
import '../../src/eims-agw/relay/worker.ts';

process.on('SIGUSR2', () => {
  const kept: number[][] = [];
  for (;;) kept.push(new Array(100_000).fill(kept.length + 0.5));
});
