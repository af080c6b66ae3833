/** What a press of the button leads to: one state after the other until the call is over. Knows no element of the page. */
import {
  type Call,
  CallingError,
  type EndReason,
  type Environment,
  type ErrorName,
  endReason,
  type VisitorClient,
} from '../client/index.ts';

export type TalkState =
  | { name: 'idle' }
  /** `opensAt` in ms since the epoch, or null when nobody knows. */
  | { name: 'closed'; opensAt: number | null }
  | { name: 'preparing' }
  /** The browser asks for the microphone. */
  | { name: 'asking' }
  | { name: 'calling' }
  | { name: 'ringing' }
  /** `since` in ms since the epoch. */
  | { name: 'talking'; since: number; muted: boolean; held: boolean; reconnecting: boolean }
  | { name: 'ended'; reason: EndReason; durationMs: number | null }
  /** `retryAt` in ms since the epoch: not before; null: whenever the visitor likes. */
  | { name: 'failed'; error: ErrorName; retryAt: number | null };

export interface TalkParts {
  visitor: Pick<VisitorClient, 'call' | 'resume' | 'look' | 'on' | 'state'>;
  environment: Pick<Environment, 'after' | 'now'>;
  /** Each state once, and again when something within it has changed. */
  show(state: TalkState): void;
  /** Who is called, as soon as that is known. */
  name(displayName: string): void;
  /** The sound of the call; null: there is none any more. */
  listen(call: Call | null): void;
  /** Ringback on or off. */
  ringback(on: boolean): void;
  /** For who made the page. */
  fault(error: CallingError): void;
}

/** Nothing here rejects: what goes wrong is shown. */
export interface Talk {
  readonly state: TalkState;
  /** Learns who is called and whether they take calls now. */
  look(): Promise<void>;
  /** Goes on with the call of the page before, if there is one. */
  resume(): Promise<void>;
  /** Calls, unless there is a call or it is too early to try again. */
  call(): Promise<void>;
  /** Ends what goes on, whatever it is. */
  hangUp(): Promise<void>;
  mute(on: boolean): void;
  digits(digits: string): Promise<void>;
  /** The end was read. */
  dismiss(): void;
}

/** A browser that need not ask answers sooner. */
const ASKING_MS = 400;

export function createTalk({ visitor, environment, ...parts }: TalkParts): Talk {
  let state: TalkState = { name: 'idle' };
  let call: Call | null = null;
  let attempt: AbortController | null = null;
  let closed: { opensAt: number | null } | null = null;
  /** Ringback of ours, unless the network sends its own. */
  let ownRingback = false;

  function show(next: TalkState): void {
    state = next;
    parts.ringback(next.name === 'ringing' && ownRingback);
    parts.show(next);
  }

  function rest(): void {
    show(closed === null ? { name: 'idle' } : { name: 'closed', ...closed });
  }

  async function look(): Promise<void> {
    try {
      const { displayName, open, opensAt } = await visitor.look();
      parts.name(displayName);
      closed = open ? null : { opensAt };
      if (state.name === 'idle' || state.name === 'closed') rest();
    } catch {
      // Whoever presses the button is told.
    }
  }

  function failed(error: unknown): void {
    const known = error instanceof CallingError ? error : new CallingError('service', { cause: error });
    if (known.name === 'closed') {
      closed ??= { opensAt: null };
      // When they open again.
      void look();
    }
    if (known.name === 'closed' || known.name === 'cancelled') {
      rest();
      return;
    }
    parts.fault(known);
    const retryAt = known.retryAfterS === null ? null : environment.now() + known.retryAfterS * 1000;
    show({ name: 'failed', error: known.name, retryAt });
  }

  function refresh(): void {
    if (call === null || call.end !== null) return;
    const { answeredAt: since, muted, heldBy, media, status } = call;
    if (since !== null) {
      const reconnecting = media === 'recovering' || media === 'lost' || visitor.state === 'offline';
      show({ name: 'talking', since, muted, held: heldBy !== null, reconnecting });
    } else show({ name: status === 'Ringing' ? 'ringing' : 'calling' });
  }

  function follow(made: Call): void {
    call = made;
    ownRingback = false;
    made.on('ringing', ({ earlyMedia }) => {
      ownRingback = !earlyMedia && made.media !== 'flowing';
      refresh();
    });
    for (const change of ['statusChanged', 'muted', 'reconnecting', 'reconnected'] as const) made.on(change, refresh);
    made.on('ended', () => over(made));
    parts.listen(made);
    if (made.end === null) refresh();
    else over(made);
  }

  function over(ended: Call): void {
    if (call !== ended || ended.end === null) return;
    call = null;
    parts.listen(null);
    show({ name: 'ended', reason: endReason(ended.end, 'outbound'), durationMs: ended.end.durationMs });
  }

  visitor.on('stateChanged', now => {
    if (call !== null) return refresh();
    if (now === 'preparing') show({ name: 'preparing' });
    if (now === 'calling') show({ name: 'calling' });
    if (now !== 'microphone') return;
    show({ name: 'preparing' });
    environment.after(ASKING_MS, () => {
      if (visitor.state === 'microphone') show({ name: 'asking' });
    });
  });

  return {
    get state() {
      return state;
    },
    look,
    async resume() {
      try {
        const found = await visitor.resume();
        if (found === null) return;
        follow(found);
        void look();
      } catch (error) {
        failed(error);
      }
    },
    async call() {
      const early = state.name === 'failed' && state.retryAt !== null && environment.now() < state.retryAt;
      if (early || call !== null || visitor.state !== 'idle') return;
      const mine = new AbortController();
      attempt = mine;
      try {
        follow(await visitor.call({ signal: mine.signal }));
      } catch (error) {
        failed(error);
      } finally {
        attempt = null;
      }
    },
    async hangUp() {
      attempt?.abort();
      await call?.hangup();
    },
    mute: on => call?.mute(on),
    digits: async digits => {
      await call?.sendDigits(digits).catch(() => {});
    },
    dismiss() {
      if (state.name === 'ended' || state.name === 'failed') rest();
    },
  };
}
