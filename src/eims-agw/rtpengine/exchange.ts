/** Requests over a network that loses: each is sent again under its cookie until its reply comes or its patience ends. Pure. */

/** From one copy of a request to the next, ms; the last one repeats. */
const RESEND_MS = [150, 250, 400];

export type ExchangeEffect =
  | { type: 'send'; text: string; copy: boolean }
  /** `ms`: from the first copy to the reply; null when copies make that unclear. */
  | { type: 'answered'; cookie: string; ms: number | null }
  | { type: 'given-up'; cookie: string };

interface Pending {
  text: string;
  askedAt: number;
  copies: number;
  resendAt: number;
  endsAt: number;
}

/** The requests that wait for a reply, by cookie. */
export type Exchange = Map<string, Pending>;

export function ask(
  exchange: Exchange,
  now: number,
  request: { cookie: string; text: string; patienceMs: number },
  out: ExchangeEffect[],
): void {
  const { cookie, text, patienceMs } = request;
  exchange.set(cookie, { text, askedAt: now, copies: 0, resendAt: now + gap(0), endsAt: now + patienceMs });
  out.push({ type: 'send', text, copy: false });
}

/** A reply came; one that nobody waits for is an old copy. */
export function heard(exchange: Exchange, now: number, cookie: string, out: ExchangeEffect[]): void {
  const pending = exchange.get(cookie);
  if (pending === undefined) return;
  exchange.delete(cookie);
  out.push({ type: 'answered', cookie, ms: pending.copies === 0 ? now - pending.askedAt : null });
}

/** Time has passed. */
export function wake(exchange: Exchange, now: number, out: ExchangeEffect[]): void {
  for (const [cookie, pending] of exchange) {
    if (pending.endsAt <= now) {
      exchange.delete(cookie);
      out.push({ type: 'given-up', cookie });
    } else if (pending.resendAt <= now) {
      pending.copies += 1;
      pending.resendAt = now + gap(pending.copies);
      out.push({ type: 'send', text: pending.text, copy: true });
    }
  }
}

/** Nothing will come any more. */
export function abandon(exchange: Exchange, out: ExchangeEffect[]): void {
  for (const cookie of exchange.keys()) out.push({ type: 'given-up', cookie });
  exchange.clear();
}

/** When to wake next, or null when nothing waits. */
export function nextWake(exchange: Exchange): number | null {
  let next: number | null = null;
  for (const { resendAt, endsAt } of exchange.values()) {
    const due = Math.min(resendAt, endsAt);
    if (next === null || due < next) next = due;
  }
  return next;
}

function gap(copies: number): number {
  return RESEND_MS[Math.min(copies, RESEND_MS.length - 1)] ?? 0;
}
