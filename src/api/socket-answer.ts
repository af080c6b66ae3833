/** Answers where no response object is: to what is not HTTP, what leaves it, what is too slow. The same bodies as everywhere. CAMARA digest 2.2, 2.4. */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ErrorCode, errorTable } from '../errors.ts';
import { correlatorOf } from './correlator.ts';

/** Time of the other side to read why, before the connection is cut. */
const LINGER_MS = 1000;

export interface Unheard {
  error: ErrorCode;
  /** In place of the table's sentence. */
  message?: string;
  /** Whose correlator is sent back; without one a new one is made. */
  request?: IncomingMessage;
  /** Beside those of every refusal. */
  headers?: Readonly<Record<string, string>>;
}

/** Writes a whole answer and closes the connection. */
export function answerSocket(socket: Duplex, { error, message, request, headers = {} }: Unheard): void {
  const row = errorTable[error];
  const body = JSON.stringify(message === undefined ? row : { ...row, message });
  const head = [
    `HTTP/1.1 ${row.status} ${STATUS_CODES[row.status]}`,
    'Connection: close',
    'Cache-Control: no-store',
    `x-correlator: ${request === undefined ? randomUUID() : correlatorOf(request, randomUUID).value}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.on('error', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // What still comes is thrown away: closing over unread bytes would reset the connection before the answer is read.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.on('close', () => clearTimeout(cut));
}

interface Owed {
  request: IncomingMessage;
  response: ServerResponse;
}

export interface SocketAnswers {
  attach(server: Server): void;
  clientError(fault: NodeJS.ErrnoException, socket: Socket): void;
  /** True: a request of this connection waits for its answer, or for the rest of it. */
  owes(socket: Duplex): boolean;
}

/**
 * What Node would answer by itself, or not at all: an expectation nobody knows, CONNECT, and `clientError`, which is left to the
 * caller to be attached.
 */
export function createSocketAnswers(): SocketAnswers {
  /** The requests of each connection that are not answered whole yet, oldest first. */
  const owed = new WeakMap<Duplex, Set<Owed>>();

  const owes = (socket: Duplex) => (owed.get(socket)?.size ?? 0) > 0;

  function refuse(socket: Duplex, unheard: Unheard): void {
    const open = [...(owed.get(socket) ?? [])];
    const before = open.findLast(({ request }) => request.complete) ?? open.at(-1);
    if (before?.response.headersSent === true) {
      // An answer is on its way: another one in it would be taken for a part of it.
      socket.end(() => socket.destroy());
    } else if (before?.request.complete === true) {
      // Ours would be taken for its answer: it has its own, and the connection ends. RFC 9112 9.3.2.
      before.response.shouldKeepAlive = false;
    } else answerSocket(socket, before === undefined ? unheard : { ...unheard, request: before.request });
  }

  return {
    attach(server) {
      server.on('request', (request, response) => {
        const open = owed.get(request.socket) ?? new Set();
        owed.set(request.socket, open);
        const mine = { request, response };
        open.add(mine);
        response.on('close', () => open.delete(mine));
      });
      server.on('checkExpectation', request => refuse(request.socket, { error: 'expectation-failed', request }));
      server.on('connect', (request, socket) => {
        // Node has let go of the connection, and sees no answer through on it any more.
        if (owes(socket)) socket.destroy();
        else answerSocket(socket, { error: 'invalid-argument', request });
      });
    },
    clientError(fault, socket) {
      if (fault.code === 'ECONNRESET') socket.destroy();
      // What comes after an answer of ours is thrown away until the connection is cut.
      else if (socket.writable) refuse(socket, wordsOf(fault.code));
    },
    owes,
  };
}

/** No 431, as there is no 413: CAMARA knows neither. */
function wordsOf(code: string | undefined): Unheard {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { error: 'request-timeout' };
    case 'HPE_HEADER_OVERFLOW':
      return { error: 'invalid-argument', message: 'The header is too large.' };
    default:
      return { error: 'invalid-argument' };
  }
}
