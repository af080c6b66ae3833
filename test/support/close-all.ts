/** Ends of tests: what one step leaves open must not keep a file from ending. */

/** Takes every step in order, also behind one that rejects; then rejects with what was wrong first. */
export async function closeAll(steps: Iterable<() => unknown>): Promise<void> {
  const faults: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (fault) {
      faults.push(fault);
    }
  }
  if (faults.length > 0) throw faults[0];
}
