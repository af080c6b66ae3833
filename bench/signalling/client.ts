/** A device of the bench: the CAMARA APIs over one kept connection pool, events by its notification channel. */
import { randomUUID } from 'node:crypto';
import type { Pool } from 'undici';
import { WebSocket } from 'ws';
import { chromiumOffer } from '../../test/support/media-sdp.ts';

const TYPE = 'org.camaraproject.webrtc-events-subscriptions.v0.';
const TYPES = ['session-invitation', 'session-status', 'registration-ends'].map(name => TYPE + name);

export interface BenchDevice {
  register(): Promise<void>;
  openChannel(): Promise<void>;
  /** A complete call to a number nobody else calls; resolves with its moments in ms once it has ended. */
  call(callee: string): Promise<Moments>;
  /** The same without its end; resolves once it is connected. */
  hold(callee: string): Promise<void>;
  close(): void;
}

/** What is read of an event. Ends have a reason, nothing else of a bench has. CAMARA digest 8.4. */
interface SessionEvent {
  mediaSessionId: string;
  status: string;
  reason?: string;
}

/** In ms of `performance.now()`. */
export interface Moments {
  asked: number;
  connected: number;
}

export function createDevice(pool: Pool, origin: string, number: string, token: string): BenchDevice {
  const deviceId = randomUUID();
  /** By session and status; an end that nobody waits for rejects what waits for the session. */
  const waiting = new Map<string, PromiseWithResolvers<number>>();
  let registrationId = '';
  let socket: WebSocket | null = null;

  // biome-ignore lint/suspicious/noExplicitAny: the JSON of the API under test.
  async function ask(method: 'POST' | 'DELETE', path: string, body: object | null, wanted: number): Promise<any> {
    const answer = await pool.request({
      method,
      path,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === null ? {} : { 'content-type': 'application/json' }),
        ...(registrationId === '' ? {} : { registrationid: registrationId }),
      },
      body: body === null ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== wanted) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  /** Resolves with the `mediaSessionId` of a new call. */
  async function originate(callee: string): Promise<string> {
    const body = { originatorAddress: `tel:${number}`, receiverAddress: `tel:${callee}`, offer: { sdp: OFFER } };
    const made = await ask('POST', '/webrtc-call-handling/v0.4rc1/sessions', body, 201);
    return made.mediaSessionId;
  }

  /** Resolves with the time of the event that tells this status of a session; rejects when the session ends before. */
  function told(id: string, status: string): Promise<number> {
    const heard = Promise.withResolvers<number>();
    waiting.set(`${id} ${status}`, heard);
    return heard.promise;
  }

  function hear({ mediaSessionId, status, reason }: SessionEvent, at: number): void {
    waiting.get(`${mediaSessionId} ${status}`)?.resolve(at);
    waiting.delete(`${mediaSessionId} ${status}`);
    if (reason === undefined) return;
    for (const [key, { reject }] of waiting) {
      if (key.startsWith(`${mediaSessionId} `)) reject(new Error(`a call was ${status}: ${reason}`));
    }
  }

  return {
    async register() {
      const made = await ask('POST', '/webrtc-registration/v0.4rc1/sessions', { deviceId }, 201);
      registrationId = made.registrationId;
    },
    async openChannel() {
      const made = await ask('POST', '/webrtc-notification-channels/v0.1/channels', { deviceId, types: TYPES }, 201);
      const opened = new WebSocket(made.websocketUrl, 'webrtc-gateway.v1', { origin });
      socket = opened;
      await new Promise<void>((resolve, reject) => {
        opened.once('error', reject);
        opened.once('open', () => opened.send(JSON.stringify({ op: 'hello', ticket: made.ticket, lastSeq: 0 })));
        opened.on('message', data => {
          const now = performance.now();
          const frame = JSON.parse(String(data));
          if (frame.op === 'ready') resolve();
          // Who says nothing for two heartbeats is cut off.
          if (frame.op === 'ping') opened.send('{"op":"pong"}');
          if (frame.op !== 'event') return;
          opened.send(JSON.stringify({ op: 'ack', seq: frame.seq }));
          hear(frame.event.data, now);
        });
      });
    },
    async call(callee) {
      const asked = performance.now();
      const id = await originate(callee);
      const ended = told(id, 'Terminated');
      const connected = await told(id, 'Connected');
      await ask('DELETE', `/webrtc-call-handling/v0.4rc1/sessions/${id}`, null, 204);
      await ended;
      return { asked, connected };
    },
    async hold(callee) {
      await told(await originate(callee), 'Connected');
    },
    close() {
      socket?.terminate();
    },
  };
}

/** What a browser offers for sound. */
export const OFFER = chromiumOffer();
