/** For the tests: a gateway in memory and a browser without sound, with a clock that the test turns. */
import { type Environment, memoryStore } from './environment.ts';

interface Asked {
  method: string;
  path: string;
  body: Record<string, unknown> | null;
  headers: Headers;
}

type Answer = { status: number; body?: unknown; headers?: Record<string, string> };
type Route = (asked: Asked) => Answer | 'no network' | Promise<Answer>;

export const NUMBER = '+15550100001';
const REGISTRATION = '/webrtc-registration/v0.4rc1/sessions';
const CALLS = '/webrtc-call-handling/v0.4rc1/sessions';
const CHANNELS = '/webrtc-notification-channels/v0.1/channels';
const ICE_SERVERS = '/webrtc-ice-servers/v0.1/retrieve';
const VISITOR_CALLS = '/webrtc-click-to-call/v0.1/calls';
const ENTRY_POINTS = '/webrtc-click-to-call/v0.1/public/entry-points';

/** Lets every promise under way go as far as it can. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
}

class FakeSocket {
  readonly sent: Array<Record<string, unknown>> = [];
  closed: number | null = null;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly url: string;
  readonly protocols: string[];

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(code = 1000): void {
    this.closed = code;
  }

  say(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** The service or the network ends the connection. */
  drop(code: number): void {
    this.onclose?.({ code });
  }
}

class FakePeer {
  connectionState = 'new';
  readonly done: string[] = [];
  readonly tones: string[] = [];
  onconnectionstatechange: (() => void) | null = null;
  ontrack: unknown = null;
  closed = false;
  refuseRemote = false;
  currentRemoteDescription: { sdp: string } | null = null;

  readonly sending: unknown[] = [];
  iceServers: readonly RTCIceServer[];

  constructor(iceServers: readonly RTCIceServer[]) {
    this.iceServers = iceServers;
  }

  addTrack(track: unknown): void {
    this.sending.push(track);
  }
  setConfiguration({ iceServers = [] }: RTCConfiguration): void {
    this.done.push('configuration');
    this.iceServers = iceServers;
  }
  createOffer = async () => ({ type: 'offer', sdp: 'offer-of-browser' });
  createAnswer = async () => ({ type: 'answer', sdp: 'answer-of-browser' });
  async setLocalDescription(description: { type: string }): Promise<void> {
    this.done.push(`local ${description.type}`);
  }
  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    if (this.refuseRemote) throw new Error('unusable');
    this.currentRemoteDescription = description;
    this.done.push(`remote ${description.type} ${description.sdp}`);
  }
  getSenders() {
    return [
      {
        track: { kind: 'audio' },
        dtmf: { toneBuffer: '', insertDTMF: (tones: string) => this.tones.push(tones) },
        replaceTrack: async (track: unknown) => this.sending.push(track),
      },
    ];
  }
  getTransceivers = () => [];
  getStats = async () => new Map();
  close(): void {
    this.closed = true;
  }
  becomes(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

export interface FakeService {
  environment: Environment;
  asked: Asked[];
  /** Requests for ICE servers, which go on beside all others. */
  iceServersAsked: Asked[];
  sockets: FakeSocket[];
  peers: FakePeer[];
  /** The newest connection. */
  socket(): FakeSocket;
  peer(): FakePeer;
  /** Overrides an answer: "POST /sessions" of the path's tail, ids as `*`. */
  on(what: string, route: Route): void;
  /** Sends an event on the newest connection. */
  event(name: string, data: Record<string, unknown>): Promise<void>;
  /** Opens the newest connection as the service does. */
  ready(snapshot?: { sessions?: unknown[]; registrations?: unknown[] }): Promise<void>;
  pass(ms: number): Promise<void>;
  microphone: { refuse: string | null };
  tracks: Array<{ enabled: boolean; stopped: boolean; stop(): void }>;
  online(): void;
  offline(): void;
  /** What this tab told the others, and a word of one of them. */
  said: string[];
  tabSays(registrationId: string): void;
  /** The page is being left. */
  leave(): void;
}

export function fakeService(): FakeService {
  const clock = fakeClock();
  const asked: Asked[] = [];
  const iceServersAsked: Asked[] = [];
  const sockets: FakeSocket[] = [];
  const peers: FakePeer[] = [];
  const tracks: FakeService['tracks'] = [];
  const microphone = { refuse: null as string | null };
  const routes = defaultRoutes(clock.now);
  let seq = 0;
  let uuids = 0;
  let whenOnline = () => {};
  let whenOffline = () => {};
  const whenLeaving = new Set<() => void>();
  let hearTab = (_registrationId: string) => {};
  const said: string[] = [];

  const environment = {
    async fetch(url: string, init: RequestInit) {
      const body = typeof init.body === 'string' ? JSON.parse(init.body) : null;
      const entry: Asked = { method: init.method ?? 'GET', path: url, body, headers: new Headers(init.headers) };
      (url === ICE_SERVERS ? iceServersAsked : asked).push(entry);
      const route = routes.get(keyOf(entry));
      if (route === undefined) return new Response('{"status":404,"code":"NOT_FOUND","message":"x"}', { status: 404 });
      const answer = await route(entry);
      if (answer === 'no network') throw new TypeError('fetch failed');
      const text = answer.body === undefined ? null : JSON.stringify(answer.body);
      return new Response(text, { status: answer.status, headers: answer.headers ?? {} });
    },
    openSocket(url: string, protocols: string[]) {
      const socket = new FakeSocket(url, protocols);
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    openPeer(configuration: RTCConfiguration) {
      const peer = new FakePeer(configuration.iceServers ?? []);
      peers.push(peer);
      return peer as unknown as RTCPeerConnection;
    },
    async openMicrophone() {
      if (microphone.refuse !== null) throw Object.assign(new Error('no'), { name: microphone.refuse });
      const track = {
        enabled: true,
        stopped: false,
        stop() {
          track.stopped = true;
        },
      };
      tracks.push(track);
      return { getAudioTracks: () => [track], getTracks: () => [track] } as unknown as MediaStream;
    },
    openCamera: async () => {
      throw Object.assign(new Error('no'), { name: 'NotFoundError' });
    },
    newStream: () => ({ addTrack() {}, removeTrack() {}, getTracks: () => [] }) as unknown as MediaStream,
    after: clock.after,
    now: clock.now,
    random: () => 1,
    uuid() {
      uuids += 1;
      return `00000000-0000-4000-8000-${String(uuids).padStart(12, '0')}`;
    },
    profile: memoryStore(),
    tab: memoryStore(),
    whenOnline(work: () => void) {
      whenOnline = work;
      return () => {
        whenOnline = () => {};
      };
    },
    whenOffline(work: () => void) {
      whenOffline = work;
      return () => {
        whenOffline = () => {};
      };
    },
    openTabs(hear: (registrationId: string) => void) {
      hearTab = hear;
      return { say: (word: string) => void said.push(word), close() {} };
    },
    whenLeaving(work: () => void) {
      whenLeaving.add(work);
      return () => void whenLeaving.delete(work);
    },
  } satisfies Environment;

  const socket = () => last(sockets, 'connection');
  return {
    environment,
    asked,
    iceServersAsked,
    sockets,
    peers,
    tracks,
    microphone,
    socket,
    peer: () => last(peers, 'peer connection'),
    on: (what, route) => void routes.set(what, route),
    async event(name, data) {
      seq += 1;
      const type = `org.camaraproject.webrtc-events-subscriptions.v0.${name}`;
      socket().say({ op: 'event', seq, event: { id: `e${seq}`, type, data } });
      await settle();
    },
    async ready(snapshot = {}) {
      await settle();
      socket().onopen?.();
      socket().say({
        op: 'ready',
        snapshot: {
          sessions: snapshot.sessions ?? [],
          registrations: snapshot.registrations ?? [{ registrationId: 'reg-1' }],
        },
        heartbeat: 25,
      });
      await settle();
    },
    pass: clock.pass,
    online: () => whenOnline(),
    offline: () => whenOffline(),
    said,
    tabSays: registrationId => hearTab(registrationId),
    leave: () => whenLeaving.forEach(work => void work()),
  };
}

function fakeClock() {
  let time = Date.UTC(2026, 0, 1);
  let timers: Array<{ at: number; work: () => void }> = [];
  return {
    now: () => time,
    after(ms: number, work: () => void) {
      const timer = { at: time + ms, work };
      timers.push(timer);
      return () => {
        timers = timers.filter(other => other !== timer);
      };
    },
    async pass(ms: number) {
      const until = time + ms;
      for (;;) {
        const due = timers.filter(timer => timer.at <= until).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers = timers.filter(other => other !== due);
        time = Math.max(time, due.at);
        due.work();
        await settle();
      }
      time = until;
      await settle();
    },
  };
}

function keyOf({ method, path }: Asked): string {
  const tail = path
    .replace(REGISTRATION, 'registrations')
    .replace(CALLS, 'calls')
    .replace(CHANNELS, 'channels')
    .replace(ICE_SERVERS, 'ice-servers')
    .replace(VISITOR_CALLS, 'visitor-calls')
    .replace(ENTRY_POINTS, 'entry-points');
  return `${method} ${tail.replace(/\?.*/, '').replace(/^([\w-]+)\/[^/]+/, '$1/*')}`;
}

/** A service where everything goes well. */
function defaultRoutes(now: () => number): Map<string, Route> {
  const registration = () => ({
    registrationId: 'reg-1',
    regInfo: { phoneNumber: NUMBER, regStatus: 'Registered' },
    expiresAt: new Date(now() + 3_600_000).toISOString(),
  });
  return new Map<string, Route>([
    [
      'POST channels',
      () => ({ status: 201, body: { channelId: 'ch-1', websocketUrl: 'ws://host/ch-1', ticket: 't1' } }),
    ],
    ['POST channels/*/tickets', () => ({ status: 201, body: { ticket: 't2' } })],
    ['DELETE channels/*', () => ({ status: 204 })],
    ['POST ice-servers', () => ({ status: 200, body: { iceServers: [], ttl: 3600 } })],
    ['POST registrations', () => ({ status: 201, body: registration() })],
    ['GET registrations', () => ({ status: 200, body: [registration()] })],
    ['PUT registrations/*', () => ({ status: 200, body: registration() })],
    ['DELETE registrations/*', () => ({ status: 204 })],
    ['POST calls', ({ body }) => ({ status: 201, body: { ...body, mediaSessionId: 'call-1', status: 'Initial' } })],
    [
      'PUT calls/*/status',
      ({ body, path }) => ({ status: 200, body: { ...body, mediaSessionId: path.split('/').at(-2) } }),
    ],
    ['DELETE calls/*', () => ({ status: 204 })],
    ...visitorRoutes(now),
  ]);
}

/** What the fake service's own proof of work looks like; its solution is a matter of a moment. */
export const CHALLENGE = 'challenge-of-the-service';

function visitorRoutes(now: () => number): Array<[string, Route]> {
  const later = (ms: number) => new Date(now() + ms).toISOString();
  const proof = () => ({
    type: 'work',
    challenge: CHALLENGE,
    difficulty: 4,
    algorithm: 'SHA-256',
    expiresAt: later(120_000),
  });
  return [
    ['GET entry-points/*', () => ({ status: 200, body: { displayName: 'Shop', open: true, proof: proof() } })],
    [
      'POST entry-points/*/visitor-tokens',
      () => ({ status: 201, body: { visitorToken: 'visitor-token', expiresAt: later(120_000) } }),
    ],
    [
      'POST visitor-calls',
      () => ({
        status: 201,
        body: {
          mediaSessionId: 'call-1',
          status: 'Initial',
          channel: {
            websocketUrl: 'ws://host/visit',
            sseUrl: 'http://host/visit',
            ticket: 't1',
            ticketExpiresAt: later(30_000),
          },
          iceServers: [{ urls: ['turn:relay'], username: 'u', credential: 'c' }],
          endsAt: later(3_600_000),
        },
      }),
    ],
    ['POST visitor-calls/*/tickets', () => ({ status: 201, body: { ticket: 't2', ticketExpiresAt: later(30_000) } })],
    ['PUT visitor-calls/*/status', ({ body }) => ({ status: 200, body: { ...body, mediaSessionId: 'call-1' } })],
    ['DELETE visitor-calls/*', () => ({ status: 204 })],
  ];
}

function last<T>(list: readonly T[], what: string): T {
  const found = list.at(-1);
  if (found === undefined) throw new Error(`There is no ${what} yet.`);
  return found;
}
