/** The calls of this device: each event to its call, invitations announced, and what was missed made good by a snapshot. */
import { Call } from './call.ts';
import type { Snapshot } from './channel.ts';
import type { Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import { createFarewells } from './farewell.ts';
import type { Http } from './http.ts';
import type { KeptCall } from './kept-call.ts';
import type { CallMedia, MediaState } from './media.ts';
import { isFinal, partyOf, readSession, type SessionNews } from './session.ts';

export interface CallTableParts {
  http: Http;
  environment: Environment;
  /** Where the calls are, from the API root on. */
  path: string;
  openMedia(onState: (state: MediaState) => void): Promise<CallMedia>;
  camera(): MediaTrackConstraints | boolean;
  onIncoming(call: Call): void;
}

export interface CallTable {
  readonly all: ReadonlyMap<string, Call>;
  /** Events of calls that are not known yet are kept while `work` makes one. */
  placing<T>(work: () => Promise<T>): Promise<T>;
  /** Takes a session in as a call. */
  adopt(news: SessionNews, direction: 'inbound' | 'outbound', media: CallMedia | null, kept?: KeptCall): Call;
  /** The data of a session event. */
  hear(news: SessionNews, invitation: boolean): void;
  /** After a time without events: what is over is ended here, what is new is announced. `number` is the registered one. */
  compare(snapshot: Snapshot, number: string): void;
  /** The service can be reached again: it hears of the calls that ended meanwhile. */
  reachable(): void;
  /** Resolves when there is no call, at once or after the last. */
  over(): Promise<void>;
  stop(): void;
}

/** Events may overtake the answer that names their call: this many are kept for calls not known yet. */
const MAX_EARLY_EVENTS = 64;

export function createCallTable(parts: CallTableParts): CallTable {
  const { http, environment, path } = parts;
  const all = new Map<string, Call>();
  const farewells = createFarewells(http, environment);
  let early: SessionNews[] = [];
  let placing = 0;
  let waiting: Array<() => void> = [];

  function ended(call: Call): void {
    all.delete(call.id);
    if (all.size > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  function adopt(news: SessionNews, direction: 'inbound' | 'outbound', media: CallMedia | null, kept?: KeptCall): Call {
    const originator = partyOf(news.originatorAddress ?? '', news.originatorName);
    const receiver = partyOf(news.receiverAddress ?? '', news.receiverName);
    const call = new Call({
      id: news.mediaSessionId,
      direction,
      local: direction === 'outbound' ? originator : receiver,
      remote: direction === 'outbound' ? receiver : originator,
      http,
      farewells,
      environment,
      path,
      media,
      kept: kept ?? null,
      openMedia: parts.openMedia,
      camera: parts.camera,
      onEnded: ended,
    });
    all.set(call.id, call);
    call.apply(news);
    const overtook = early.filter(other => other.mediaSessionId === call.id);
    // Who placed the call gets it first, then what has happened to it meanwhile.
    if (overtook.length > 0) environment.after(0, () => overtook.forEach(other => void call.apply(other)));
    return call;
  }

  function invite(news: SessionNews): void {
    // Refused here already, which the service has not heard yet.
    if (farewells.owes(news.mediaSessionId)) return;
    const call = adopt(news, 'inbound', null);
    if (call.end !== null) return;
    parts.onIncoming(call);
    call.alert().catch(error => {
      // Over already, or answered before we said that it rings.
      if (error instanceof CallingError && error.httpStatus === 404) void call.refresh();
    });
  }

  return {
    all,
    async placing(work) {
      placing += 1;
      try {
        return await work();
      } finally {
        placing -= 1;
        if (placing === 0) early = [];
      }
    },
    adopt,
    hear(news, invitation) {
      const known = all.get(news.mediaSessionId);
      if (known !== undefined) known.apply(news);
      else if (invitation) invite(news);
      else if (placing > 0 && early.length < MAX_EARLY_EVENTS) early.push(news);
    },
    compare(snapshot, number) {
      const shown = new Map<string, SessionNews>();
      for (const value of snapshot.sessions) {
        const news = readSession(value);
        if (news !== null && !isFinal(news.status)) shown.set(news.mediaSessionId, news);
      }
      for (const call of all.values()) {
        const news = shown.get(call.id);
        if (news === undefined) void call.refresh();
        else call.apply(news);
      }
      for (const news of shown.values()) {
        const waiting = news.status === 'Initial' || news.status === 'Ringing';
        const forUs =
          news.originatorAddress !== `tel:${number}` && news.offer !== undefined && news.answer === undefined;
        if (waiting && forUs && !all.has(news.mediaSessionId)) invite(news);
      }
    },
    reachable: () => farewells.again(),
    over: () => (all.size === 0 ? Promise.resolve() : new Promise(resolve => waiting.push(resolve))),
    stop: () => farewells.stop(),
  };
}
