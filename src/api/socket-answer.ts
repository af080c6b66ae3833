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
  retryAfterS?: number;
}

/** Writes a whole answer and closes the connection. */
export function answerSocket(socket: Duplex, { error, message, request, retryAfterS }: Unheard): void {
  const row = errorTable[error];
  const body = JSON.stringify(message === undefined ? row : { ...row, message });
  const head = [
    `HTTP/1.1 ${row.status} ${STATUS_CODES[row.status]}`,
    'Connection: close',
    'Cache-Control: no-store',
    `x-correlator: ${request === undefined ? randomUUID() : correlatorOf(request, randomUUID).value}`,
    ...(retryAfterS === undefined ? [] : [`Retry-After: ${retryAfterS}`]),
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

interface Current {
  request: IncomingMessage;
  response: ServerResponse;
}

/**
 * What Node would answer by itself, or not at all: an expectation nobody knows, CONNECT, and `clientError`, which is left to the
 * caller to be attached.
 */
export function createSocketAnswers(): {
  attach(server: Server): void;
  clientError(fault: NodeJS.ErrnoException, socket: Socket): void;
} {
  /** The newest request of each connection that is not answered whole yet. */
  const current = new WeakMap<Duplex, Current>();
  return {
    attach(server) {
      server.on('request', (request, response) => {
        current.set(request.socket, { request, response });
        response.on('close', () => {
          if (current.get(request.socket)?.response === response) current.delete(request.socket);
        });
      });
      server.on('checkExpectation', request => answerSocket(request.socket, { error: 'expectation-failed', request }));
      server.on('connect', (request, socket) => answerSocket(socket, { error: 'invalid-argument', request }));
    },
    clientError(fault, socket) {
      if (fault.code === 'ECONNRESET' || !socket.writable) {
        socket.destroy();
        return;
      }
      const open = current.get(socket);
      if (open?.response.headersSent === true) {
        // An answer is on its way: another one in it would be taken for a part of it.
        socket.destroySoon();
      } else if (open?.request.complete === true) {
        // What cannot be read came after it: it has its answer, and the connection ends. RFC 9112 9.3.2.
        open.response.shouldKeepAlive = false;
      } else answerSocket(socket, { ...wordsOf(fault.code), ...(open === undefined ? {} : { request: open.request }) });
    },
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
