/** Which targets are avoided for a while, and why: silence, broken transport, 503, a load they cannot take. RFC 3263 4.3, RFC 3261 21.5.4, RFC 7339. */
import type { Endpoint, Target } from '../transaction/types.ts';
import { createLossLimits, type LossReport } from './overload-control.ts';

export interface TargetHealth {
  /**
   * The targets to try, in order: good ones, then those that failed lately. One that asked to be left alone (Retry-After) is left out
   * unless `urgent` says that this request is sent all the same, and so is one that wants fewer requests and not this one. Empty: all
   * of them want to be left alone.
   */
  choose(targets: readonly Target[], urgent: () => boolean): readonly Target[];
  /** It answered. */
  alive(target: Endpoint): void;
  /** It did not answer, or could not be reached, or refused with 503; `retryAfterS` as it said. */
  failed(target: Endpoint, retryAfterS: number | null): void;
  /** It said what share of new requests it cannot take. */
  loss(target: Endpoint, report: LossReport): void;
  /** False while a target is avoided. */
  isUp(target: Endpoint): boolean;
  /** How long the first of these wants to be left alone yet, in whole seconds. */
  heldForS(targets: readonly Target[]): number;
}

/** How long a target that failed is avoided, in ms. */
const AVOID_MS = 30_000;
/** A longer Retry-After is not obeyed, in seconds: a core that says "a day" by mistake must not end the service. */
const MAX_HOLD_S = 300;
const MAX_MARKS = 1000;

interface Mark {
  failedUntil: number;
  heldUntil: number;
}

/** `now` in ms; `onChange` hears when a target is avoided, and when it answers again; `random` gives [0, 1); `onLoss` hears when a target wants fewer requests. */
export function createTargetHealth(
  now: () => number,
  onChange: (target: Endpoint, up: boolean) => void,
  random: () => number,
  onLoss: (target: Endpoint, percent: number) => void = () => {},
): TargetHealth {
  const losses = createLossLimits(now, random);
  const marks = new Map<string, Mark>();

  const heldUntil = (target: Endpoint) => marks.get(endpointKey(target))?.heldUntil ?? 0;

  function isUp(target: Endpoint): boolean {
    const mark = marks.get(endpointKey(target));
    return mark === undefined || (mark.failedUntil <= now() && mark.heldUntil <= now());
  }

  function choose(all: readonly Target[], urgent: () => boolean): readonly Target[] {
    const targets = losses.size === 0 || urgent() ? all : all.filter(target => !losses.drops(endpointKey(target)));
    if (marks.size === 0 || targets.every(isUp)) return targets;
    const at = now();
    const good = targets.filter(isUp);
    const held = targets.filter(target => heldUntil(target) > at);
    const poor = targets.filter(target => !isUp(target) && heldUntil(target) <= at);
    return urgent() ? [...good, ...poor, ...held] : [...good, ...poor];
  }

  function failed(target: Endpoint, retryAfterS: number | null): void {
    const key = endpointKey(target);
    const known = marks.get(key);
    const at = now();
    const mark = known ?? { failedUntil: 0, heldUntil: 0 };
    if (retryAfterS === null) mark.failedUntil = at + AVOID_MS;
    else mark.heldUntil = at + Math.min(retryAfterS, MAX_HOLD_S) * 1000;
    if (known === undefined && marks.size >= MAX_MARKS) marks.delete(marks.keys().next().value ?? '');
    marks.set(key, mark);
    if (known === undefined) onChange(target, false);
  }

  /** An answer ends the avoiding, not what Retry-After asked for. The mark stays until the target answers, so that it is told once. */
  function alive(target: Endpoint): void {
    if (marks.size === 0) return;
    const key = endpointKey(target);
    const mark = marks.get(key);
    if (mark === undefined || mark.heldUntil > now()) return;
    marks.delete(key);
    onChange(target, true);
  }

  return {
    choose,
    alive,
    failed,
    loss(target, report) {
      if (losses.report(endpointKey(target), report)) onLoss(target, report.percent);
    },
    isUp,
    heldForS(targets) {
      const first = Math.min(...targets.map(heldUntil));
      return Math.max(1, Math.ceil((first - now()) / 1000));
    },
  };
}

function endpointKey({ transport, host, port }: Endpoint): string {
  return `${transport} ${host} ${port}`;
}
