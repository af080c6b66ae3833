/** WebSocket upgrades on the raw server: each path pattern has one handler; everything else is refused. RFC 6455 4.2. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { isWellAddressed, settleTarget } from './request-target.ts';
import { answerSocket } from './socket-answer.ts';

export type UpgradeHandler = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  /** Path parameters, decoded. */
  params: Readonly<Record<string, string>>,
  /** Answers with 400 and a sentence in place of the WebSocket. */
  refuse: (message: string) => void,
) => void;

export interface Upgrades {
  /** `path` such as `/webrtc-notification-channels/v0.1/channels/:id/ws`; a segment with a colon takes any non-empty text. */
  on(path: string, handler: UpgradeHandler): void;
  attach(server: Server): void;
  /** Cuts what is still open a second from now: an open socket would keep the server from closing. */
  end(): void;
}

const END_MS = 1000;

/** True for the requests that may leave HTTP: an offer of anything but WebSocket (h2c) is to be ignored. RFC 9110 7.8. */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  return (request.headers.upgrade ?? '').toLowerCase() === 'websocket';
}

/** `waitOf` is the limiter of upgrades from one client: how long it has to wait, in ms, or 0. */
export function createUpgrades(waitOf: (request: IncomingMessage) => number): Upgrades {
  const routes: Array<{ segments: string[]; handler: UpgradeHandler }> = [];
  const open = new Set<Duplex>();
  return {
    on: (path, handler) => {
      routes.push({ segments: path.split('/'), handler });
    },
    attach: server => {
      server.on('upgrade', (request, socket, head) => {
        socket.on('error', () => socket.destroy());
        open.add(socket);
        socket.on('close', () => open.delete(socket));
        const segments = settleTarget(request).split('?', 1)[0]?.split('/') ?? [];
        if (!isWellAddressed(request)) return answerSocket(socket, { error: 'invalid-argument', request });
        const waitMs = waitOf(request);
        if (waitMs > 0) {
          const headers = { 'Retry-After': String(Math.ceil(waitMs / 1000)) };
          return answerSocket(socket, { error: 'too-many-requests', request, headers });
        }
        for (const route of routes) {
          const params = matchOf(route.segments, segments);
          if (params === null) continue;
          if (request.method !== 'GET')
            return answerSocket(socket, { error: 'method-not-allowed', request, headers: { Allow: 'GET' } });
          // Also said when it was not the version that was wrong. RFC 6455 4.4.
          const headers = { 'Sec-WebSocket-Version': '13' };
          return route.handler(request, socket, head, params, message =>
            answerSocket(socket, { error: 'invalid-argument', message, request, headers }),
          );
        }
        return answerSocket(socket, { error: 'unknown-route', request });
      });
    },
    end: () => {
      if (open.size === 0) return;
      setTimeout(() => {
        for (const socket of open) socket.destroy();
      }, END_MS).unref();
    },
  };
}

function matchOf(pattern: string[], segments: string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [i, expected] of pattern.entries()) {
    const segment = segments[i] ?? '';
    if (!expected.startsWith(':')) {
      if (expected !== segment) return null;
      continue;
    }
    const value = decoded(segment);
    if (value === null || value === '') return null;
    params[expected.slice(1)] = value;
  }
  return params;
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
