/** What the SDK uses of the browser, so that tests can put their own in its place. */
import { openTabs, type Tabs } from './tabs.ts';

export interface KeyValueStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface Environment {
  fetch(url: string, init: RequestInit): Promise<Response>;
  openSocket(url: string, protocols: string[]): WebSocket;
  openPeer(configuration: RTCConfiguration): RTCPeerConnection;
  openMicrophone(constraints: MediaStreamConstraints): Promise<MediaStream>;
  openCamera(constraints: MediaStreamConstraints): Promise<MediaStream>;
  newStream(): MediaStream;
  /** Returns what stops the timer. */
  after(ms: number, work: () => void): () => void;
  /** ms since the epoch. */
  now(): number;
  /** 0 to below 1. */
  random(): number;
  uuid(): string;
  /** Kept for the browser profile. */
  profile: KeyValueStore;
  /** Kept for this tab, also over a reload. */
  tab: KeyValueStore;
  /** Calls back when the browser is on line again, and when a page that was left is shown again as it was. */
  whenOnline(work: () => void): () => void;
  /** Calls back when the browser knows of no network any more. */
  whenOffline(work: () => void): () => void;
  /** Calls back when the page is being left, also to be loaded again. */
  whenLeaving(work: () => void): () => void;
  /** The other tabs of this profile; `hear` gets what they say. */
  openTabs(hear: (registrationId: string) => void): Tabs;
}

export function browserEnvironment(): Environment {
  return {
    fetch: (url, init) => globalThis.fetch(url, init),
    openSocket: (url, protocols) => new WebSocket(url, protocols),
    openPeer: configuration => new RTCPeerConnection(configuration),
    openMicrophone: constraints => navigator.mediaDevices.getUserMedia(constraints),
    openCamera: constraints => navigator.mediaDevices.getUserMedia(constraints),
    newStream: () => new MediaStream(),
    after(ms, work) {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
    now: () => Date.now(),
    random: () => Math.random(),
    uuid: () => crypto.randomUUID(),
    profile: storeOrMemory(() => localStorage),
    tab: storeOrMemory(() => sessionStorage),
    whenOnline: work => all(listen('online', work), listenShownAgain(work)),
    whenOffline: work => listen('offline', work),
    whenLeaving: work => listen('pagehide', work),
    openTabs: hear => openTabs('lineside.registration', hear),
  };
}

function listen(event: 'online' | 'offline' | 'pagehide', work: () => void): () => void {
  addEventListener(event, work);
  return () => removeEventListener(event, work);
}

/** A page kept by the browser's back and forward cache has lost its connections like one that was off line. */
function listenShownAgain(work: () => void): () => void {
  const hear = ({ persisted }: PageTransitionEvent) => {
    if (persisted) work();
  };
  addEventListener('pageshow', hear);
  return () => removeEventListener('pageshow', hear);
}

function all(...stops: Array<() => void>): () => void {
  return () => {
    for (const stop of stops) stop();
  };
}

/** Storage may be forbidden by the browser's settings; then nothing outlives the page. */
function storeOrMemory(open: () => Storage): KeyValueStore {
  try {
    const store = open();
    store.getItem('lineside');
    return store;
  } catch {
    return memoryStore();
  }
}

export function memoryStore(): KeyValueStore {
  const values = new Map<string, string>();
  return {
    getItem: key => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: key => void values.delete(key),
  };
}
