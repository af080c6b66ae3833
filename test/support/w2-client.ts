/** A user agent of few words over WebSocket: sends SIP as it is told, keeps what comes, waits for what is expected. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import {
  createRequest,
  createResponse,
  parseMessage,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  serialize,
} from '../../src/sip/index.ts';
import type { W2Sip } from '../../src/w2-sip/w2-sip.ts';
import { eventually } from './core-peer.ts';

export const HOME = 'ims.example.com';

export interface Door {
  url: string;
  close(): void;
}

/** The front door behind a listener of its own. */
export async function openDoor(w2Sip: W2Sip | null): Promise<Door> {
  assert.ok(w2Sip !== null, 'w2Sip.enabled is off');
  const server = createServer();
  server.on('upgrade', w2Sip.handleUpgrade);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/sip`,
    close() {
      server.closeAllConnections();
      server.close();
      w2Sip.close();
    },
  };
}

type Field = readonly [string, string];

export interface W2Client {
  socket: WebSocket;
  /** What came, in order: SIP as text. */
  texts: string[];
  /** Sends a request with the fields of this user agent; the CSeq of its last INVITE for ACK and CANCEL. */
  request(method: string, uri: string, fields?: readonly Field[], body?: string): SipRequest;
  /** Sends it and gives the final response. */
  ask(method: string, uri: string, fields?: readonly Field[], body?: string): Promise<SipResponse>;
  register(fields?: readonly Field[], expiresS?: number): Promise<SipResponse>;
  respond(request: SipRequest, status: number, body?: string): void;
  /** The next response of this status that nobody has waited for. */
  response(status: number): Promise<SipResponse>;
  /** The next request of this method that nobody has waited for. */
  expect(method: string): Promise<SipRequest>;
  /** Close code, once it is closed. */
  closed(): Promise<number>;
}

export interface W2ClientOptions {
  number?: string;
  /** Last digits of its instance. */
  device?: number;
  token?: string | null;
  /** Frames of bytes in place of text. */
  binary?: boolean;
  protocols?: string[];
  socket?: ClientOptions;
}

let clients = 0;

/** Connects; rejects with the HTTP status when it is not let in. */
export async function connectClient(url: string, options: W2ClientOptions = {}): Promise<W2Client> {
  const { number = '+15550100001', device = 1, token = 'ada', binary = false } = options;
  const socket = new WebSocket(url, options.protocols ?? ['sip'], options.socket);
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('unexpected-response', (_request, response) => reject(new Error(String(response.statusCode))));
    socket.on('error', reject);
  });
  clients += 1;
  const host = `c${clients}.invalid`;
  const contact = `<sip:u@${host};transport=ws>`;
  const instance = `;+sip.instance="<urn:uuid:00000000-0000-4000-8000-${String(device).padStart(12, '0')}>";reg-id=1`;
  const waiting: SipMessage[] = [];
  let code: number | null = null;
  let seq = 0;
  let lastInvite: { branch: string; seq: number } | null = null;

  function send(message: SipMessage): void {
    const bytes = serialize(message);
    socket.send(binary ? bytes : Buffer.from(bytes).toString('utf8'));
  }

  function take<M extends SipMessage>(what: string, wanted: (message: SipMessage) => boolean): Promise<M> {
    return eventually(`${what} at ${host}`, () => {
      const at = waiting.findIndex(wanted);
      return at < 0 ? null : (waiting.splice(at, 1)[0] as M);
    });
  }

  const client: W2Client = {
    socket,
    texts: [],
    request(method, uri, fields = [], body = '') {
      const derived = method === 'ACK' || method === 'CANCEL';
      if (!derived) seq += 1;
      const own = derived && lastInvite !== null ? lastInvite : { branch: `z9hG4bK${host}${seq}`, seq };
      if (method === 'INVITE') lastInvite = own;
      const has = (name: string) => fields.some(([given]) => given === name);
      const usual: Field[] = [
        ['Via', `SIP/2.0/WSS ${host};branch=${method === 'ACK' ? `z9hG4bK${host}a${seq}` : own.branch}`],
        ['Max-Forwards', '69'],
        ['From', `<sip:${number}@${HOME}>;tag=${host}`],
        ['To', `<${uri}>`],
        ['Call-ID', `${host}-1`],
        ['CSeq', `${own.seq} ${method}`],
        ['Contact', contact],
        ['Supported', 'outbound'],
      ];
      if (token !== null && !derived) usual.push(['Authorization', `Bearer ${token}`]);
      if (body !== '') usual.push(['Content-Type', 'application/sdp']);
      const request = createRequest(method, uri, [...usual.filter(([name]) => !has(name)), ...fields], body);
      send(request);
      return request;
    },
    ask(method, uri, fields, body) {
      const cseq = client.request(method, uri, fields, body).headers.get('CSeq');
      return take(
        `the answer to ${method}`,
        message => message.type === 'response' && message.status >= 200 && message.headers.get('CSeq') === cseq,
      );
    },
    register(fields = [], expiresS = 600) {
      const own: Field[] = [
        ['To', `<sip:${number}@${HOME}>`],
        ['Contact', `${contact}${instance};expires=${expiresS}`],
      ];
      const names = fields.map(([name]) => name);
      return client.ask('REGISTER', `sip:${HOME}`, [...own.filter(([name]) => !names.includes(name)), ...fields]);
    },
    respond(request, status, body = '') {
      const headers: Field[] = [['Contact', contact]];
      if (body !== '') headers.push(['Content-Type', 'application/sdp']);
      send(createResponse(request, status, undefined, { toTag: `t${host}`, headers, body }));
    },
    response: status => take(`a ${status}`, message => message.type === 'response' && message.status === status),
    expect: method => take(`a ${method}`, message => message.type === 'request' && message.method === method),
    closed: () => eventually(`the end of ${host}`, () => code),
  };
  socket.on('message', data => {
    const text = data.toString();
    client.texts.push(text);
    const result = parseMessage(Buffer.from(text));
    if (result.ok) waiting.push(result.message);
  });
  socket.on('close', closeCode => {
    code = closeCode;
  });
  return client;
}
