/** One visit: a visitor's token, the one call it is good for, and the events of that call. */
import type { Call } from './call.ts';
import { createCallTable } from './calls.ts';
import { createChannel } from './channel.ts';
import { createCallTickets } from './channel-tickets.ts';
import type { Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import { createHttp } from './http.ts';
import { type KeptVisit, keepVisit } from './kept-visit.ts';
import { type CallMedia, type MediaOptions, type MediaState, openMedia } from './media.ts';
import { placeCall, resumeCall } from './place-call.ts';
import { readSession, type SessionNews } from './session.ts';

export interface VisitParts {
  environment: Environment;
  apiRoot: string;
  /** Where the calls of visitors are, from the API root on. */
  path: string;
  entryPoint: string;
  /** The visitor's token, each time the same. */
  token(): Promise<string>;
  audio: MediaOptions['audio'];
  /** The service can be reached, or no longer. */
  onReach(reached: boolean): void;
}

export interface Visit {
  /** Opens the microphone, then asks for the call; `both` may wait for more before that. Rejects with CallingError, or as `both` does. */
  place(both: (microphone: Promise<CallMedia>) => Promise<CallMedia>): Promise<Call>;
  /** Goes on with the call of the page before. Null: it is over. Rejects with CallingError. */
  resume(kept: KeptVisit): Promise<Call | null>;
}

export function createVisit(parts: VisitParts): Visit {
  const { environment, path } = parts;
  const http = createHttp(parts.apiRoot, parts.token, environment);
  const iceServers = { current: [] as RTCIceServer[], ready: async () => {} };
  const calls = createCallTable({
    http,
    environment,
    path,
    openMedia: open,
    camera: () => false,
    // Nobody calls a visitor.
    onIncoming() {},
  });

  function open(onState: (state: MediaState) => void): Promise<CallMedia> {
    return openMedia({ environment, audio: parts.audio, iceServers, onState });
  }

  const pathOf = (id: string) => `${path}/${encodeURIComponent(id)}`;

  /** What the service answers. A call that it has made and the browser cannot go on with is ended. */
  async function post(media: CallMedia): Promise<{ news: SessionNews; websocketUrl: string; ticket: string }> {
    let answer: unknown;
    try {
      await media.offer(async sdp => {
        answer = await http.request({ method: 'POST', path, body: { offer: { sdp } } });
        iceServers.current = serversOf(answer);
      });
      const news = readSession(answer);
      const { websocketUrl, ticket } = (answer as { channel?: Record<string, unknown> } | null)?.channel ?? {};
      if (news === null || typeof websocketUrl !== 'string' || typeof ticket !== 'string')
        throw new CallingError('service');
      return { news, websocketUrl, ticket };
    } catch (error) {
      const made = readSession(answer);
      if (made !== null) void http.request({ method: 'DELETE', path: pathOf(made.mediaSessionId) }).catch(() => {});
      throw error;
    }
  }

  function events(call: Call, websocketUrl: string, ticket: string | null) {
    return createChannel({
      environment,
      tickets: createCallTickets({ http, path: pathOf(call.id), websocketUrl, ticket }),
      onEvent({ data }) {
        const news = readSession(data);
        if (news !== null) calls.hear(news, false);
      },
      onSnapshot(snapshot) {
        calls.reachable();
        calls.compare(snapshot, '');
      },
      onState(state) {
        if (state !== 'connecting') parts.onReach(state === 'open');
      },
      onRefused: () => unheard(call),
    });
  }

  /** Nothing more comes of events: what the call has become is asked for. */
  function unheard(call: Call): void {
    if (call.end !== null) return;
    parts.onReach(false);
    void call.refresh();
  }

  /** Hears what happens to the call until it is over, and keeps it for the next page. */
  function follow(call: Call, websocketUrl: string, ticket: string | null): void {
    if (call.end !== null) return;
    const channel = events(call, websocketUrl, ticket);
    const stops = [
      environment.whenOffline(() => channel.drop()),
      environment.whenOnline(() => {
        channel.wake();
        void call.reconnect();
      }),
      environment.whenLeaving(() => void leave(call, websocketUrl)),
    ];
    call.on('ended', () => {
      for (const stop of stops) stop();
      void channel.stop();
    });
    channel.start().catch(() => unheard(call));
  }

  /** As with a subscriber's: what was answered may go on in the next page, what was not is given up. */
  async function leave(call: Call, websocketUrl: string): Promise<void> {
    const kept = call.keep();
    if (kept === null) return call.hangup();
    const { entryPoint } = parts;
    const visitorToken = await parts.token();
    keepVisit(environment.tab, { entryPoint, visitorToken, websocketUrl, iceServers: iceServers.current, call: kept });
  }

  return {
    async place(both) {
      const link = { websocketUrl: '', ticket: '' };
      const call = await placeCall(
        calls,
        onState => both(open(onState)),
        async media => {
          const { news, ...channel } = await post(media);
          Object.assign(link, channel);
          return news;
        },
      );
      follow(call, link.websocketUrl, link.ticket);
      return call;
    },
    async resume(visit) {
      const { websocketUrl, call: kept } = visit;
      iceServers.current = visit.iceServers;
      const call = await resumeCall(calls, {
        http,
        path,
        kept,
        keepAgain: () => keepVisit(environment.tab, visit),
        openMedia: open,
      });
      if (call !== null) follow(call, websocketUrl, null);
      return call;
    },
  };
}

function serversOf(answer: unknown): RTCIceServer[] {
  const { iceServers } = (answer ?? {}) as { iceServers?: unknown };
  return Array.isArray(iceServers) ? iceServers : [];
}
