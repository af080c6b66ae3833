/** Numbers of a pool that nobody holds: the one that is free first, or has been for longest, is in front. A binary heap. */
import type { E164 } from './ids.ts';

/** A number of a pool, made once. */
export interface Place {
  readonly number: E164;
  /** Where the settings name it: the earlier one is before the later when both are free since the same moment. */
  readonly index: number;
  /** ms since the epoch. */
  freeAt: number;
}

/** The first element is the front; each is before the two at twice its index plus one and two. */
export type RestQueue = Place[];

export function enqueue(queue: RestQueue, place: Place): void {
  let at = queue.push(place) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!swapIfBefore(queue, at, parent)) return;
    at = parent;
  }
}

/** Takes the front away; nothing when the queue is empty. */
export function dequeue(queue: RestQueue): void {
  const last = queue.pop();
  if (last === undefined || queue.length === 0) return;
  queue[0] = last;
  for (let at = 0; ; ) {
    const [left, right] = [2 * at + 1, 2 * at + 2];
    const child = isBefore(queue[right], queue[left]) ? right : left;
    if (!swapIfBefore(queue, child, at)) return;
    at = child;
  }
}

function swapIfBefore(queue: RestQueue, one: number, other: number): boolean {
  const [a, b] = [queue[one], queue[other]];
  if (a === undefined || b === undefined || !isBefore(a, b)) return false;
  queue[one] = b;
  queue[other] = a;
  return true;
}

function isBefore(a: Place | undefined, b: Place | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.freeAt < b.freeAt || (a.freeAt === b.freeAt && a.index < b.index);
}
