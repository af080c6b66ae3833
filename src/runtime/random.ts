/** Random bytes for ids, branches and tags, drawn from the system in blocks: a draw costs as much as parsing a SIP message. */
import { randomFillSync } from 'node:crypto';

const BLOCK_BYTES = 4096;

/** A source of `size` random bytes, 1 to 4096, which nobody else is given and the caller may write into. Throws RangeError beyond that. */
export function createRandom(): (size: number) => Buffer {
  let block = Buffer.alloc(0);
  let used = 0;
  return size => {
    if (size > BLOCK_BYTES) throw new RangeError(`at most ${BLOCK_BYTES} random bytes at a time`);
    if (used + size > block.length) {
      // A new block, not the old one refilled: what was handed out belongs to its caller.
      block = randomFillSync(Buffer.allocUnsafeSlow(BLOCK_BYTES));
      used = 0;
    }
    used += size;
    return block.subarray(used - size, used);
  };
}
