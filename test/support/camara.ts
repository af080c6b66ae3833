/** A plain client of the CAMARA APIs for tests: HTTP, one notification channel, events as they come, all of it held against the served documents. No code of the gateway's. */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { demoClients } from '../../sandbox/identity/subscriber.ts';
import { createContract } from './contract.ts';

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the body of a foreign API, looked at by assertions.
  body: any;
}

export interface CloudEvent {
  id: string;
  source: string;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  data: any;
}

const TYPE = 'org.camaraproject.webrtc-events-subscriptions.v0.';
export const EVENT_TYPES = ['session-invitation', 'session-status', 'registration-ends'].map(name => TYPE + name);

/** A token of the sandbox's provider. `options` are parameters of the sandbox grant: scope, ttl, audience, two_legged. */
export async function fetchToken(
  issuer: string,
  number: string | null,
  options: Record<string, string> = {},
): Promise<string> {
  const form = new URLSearchParams({
    grant_type: 'urn:lineside:sandbox',
    ...(number === null ? {} : { number }),
    ...options,
  });
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`demo:${demoClients.demo}`)}` },
    body: form,
  });
  const body = (await response.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Error(`no token: ${JSON.stringify(body)}`);
  return body.access_token;
}

export class Device {
  readonly deviceId = randomUUID();
  readonly events: CloudEvent[] = [];
  registrationId = '';
  #channelId = '';
  #websocketUrl = '';
  #lastSeq = 0;
  readonly #base: string;
  readonly #token: string;
  #socket: WebSocket | null = null;
  readonly #waiting = new Set<() => void>();
  readonly #contract = createContract();
  readonly #documentOf = async (base: string): Promise<unknown> => {
    const response = await fetch(`${this.#base}${base}/openapi.json`);
    return response.ok ? response.json() : null;
  };

  constructor(base: string, token: string) {
    this.#base = base;
    this.#token = token;
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.#base + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    const got = { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
    const told = { ...got, headers: Object.fromEntries(response.headers) };
    await this.#contract.response(this.#documentOf, method, path, told, headers['x-correlator']);
    return got;
  }

  /** Opens a channel with all event types and registers the number of the token. */
  async register(): Promise<void> {
    await this.openChannel();
    const registered = await this.call('POST', '/webrtc-registration/v0.4rc1/sessions', { deviceId: this.deviceId });
    if (registered.status !== 201)
      throw new Error(`registration: ${registered.status} ${JSON.stringify(registered.body)}`);
    this.registrationId = registered.body.registrationId;
  }

  async openChannel(): Promise<void> {
    await this.#contract.learn(this.#documentOf);
    const opened = await this.call('POST', '/webrtc-notification-channels/v0.1/channels', {
      deviceId: this.deviceId,
      types: EVENT_TYPES,
    });
    if (opened.status !== 201) throw new Error(`channel: ${opened.status} ${JSON.stringify(opened.body)}`);
    this.#channelId = opened.body.channelId;
    this.#websocketUrl = opened.body.websocketUrl;
    await this.#connect(opened.body.ticket);
  }

  /** Opens the channel's WebSocket again with a fresh ticket and goes on after the last event. */
  async reconnect(): Promise<void> {
    this.#socket?.terminate();
    const made = await this.call('POST', `/webrtc-notification-channels/v0.1/channels/${this.#channelId}/tickets`);
    if (made.status !== 201) throw new Error(`ticket: ${made.status} ${JSON.stringify(made.body)}`);
    await this.#connect(made.body.ticket);
  }

  #connect(ticket: string): Promise<void> {
    const socket = new WebSocket(this.#websocketUrl, 'webrtc-gateway.v1', { origin: this.#base });
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => socket.send(JSON.stringify({ op: 'hello', ticket, lastSeq: this.#lastSeq })));
      socket.on('message', data => {
        const frame = JSON.parse(String(data));
        if (frame.op === 'ready') resolve();
        if (frame.op === 'ping') socket.send('{"op":"pong"}');
        if (frame.op === 'event') {
          this.#lastSeq = frame.seq;
          this.#contract.event(frame.event, null);
          this.events.push(frame.event);
          socket.send(JSON.stringify({ op: 'ack', seq: frame.seq }));
          for (const wake of this.#waiting) wake();
        }
      });
      socket.on('close', code => reject(new Error(`channel closed ${code}`)));
    });
  }

  startCall(receiver: string, sdp: string, number: string): Promise<Answer> {
    const body = { originatorAddress: `tel:${number}`, receiverAddress: `tel:${receiver}`, offer: { sdp } };
    return this.call('POST', '/webrtc-call-handling/v0.4rc1/sessions', body, { registrationId: this.registrationId });
  }

  hangUp(id: string): Promise<Answer> {
    return this.call('DELETE', `/webrtc-call-handling/v0.4rc1/sessions/${id}`);
  }

  putStatus(id: string, body: unknown): Promise<Answer> {
    return this.call('PUT', `/webrtc-call-handling/v0.4rc1/sessions/${id}/status`, body);
  }

  /** Statuses of one session's events, in the order they came. */
  statuses(id: string): string[] {
    return this.events.filter(event => event.data.mediaSessionId === id).map(event => event.data.status);
  }

  /** The first event that fits, seen already or still to come. Rejects after `ms`. */
  async waitFor(fits: (event: CloudEvent) => boolean, ms = 15_000): Promise<CloudEvent> {
    const until = Date.now() + ms;
    for (;;) {
      const found = this.events.find(fits);
      if (found !== undefined) return found;
      const left = until - Date.now();
      if (left <= 0)
        throw new Error(
          `no such event; there were ${this.events.map(e => `${e.type.split('.').pop()} ${e.data.status ?? ''}`).join(', ')}`,
        );
      await new Promise<void>(resolve => {
        const timer = setTimeout(done, left);
        const waiting = this.#waiting;
        function done(): void {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        }
        waiting.add(done);
      });
    }
  }

  waitStatus(id: string, status: string, ms?: number): Promise<CloudEvent> {
    return this.waitFor(event => event.data.mediaSessionId === id && event.data.status === status, ms);
  }

  /** Ends the registration and the channel, as a page does that signs out. */
  async leave(): Promise<void> {
    await this.call('DELETE', `/webrtc-registration/v0.4rc1/sessions/${this.registrationId}`);
    await this.call('DELETE', `/webrtc-notification-channels/v0.1/channels/${this.#channelId}`);
    this.close();
  }

  close(): void {
    this.#socket?.terminate();
  }
}
