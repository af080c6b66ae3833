/** Our own entries in Route and Record-Route, and the next hop. RFC 3261 16.4, 16.6. */
import { createHmac } from 'node:crypto';
import {
  type Headers,
  locateNumeric,
  parseNameAddr,
  parseUri,
  parseVia,
  type SipRequest,
  type SipUri,
  type Target,
} from '../../src/sip/index.ts';
import type { Location } from './location.ts';
import type { Home } from './number.ts';

/** What our own Route entries said: from a Service-Route, from our Record-Route of this dialog, or neither. */
export type OwnRoute = 'none' | 'originating' | 'dialog' | 'foreign';

export interface Routes {
  /** Our Record-Route value for a dialog: it proves that we let the dialog pass, with no memory of it. */
  recordRoute(callId: string): string;
  /** Takes our entries off the top of Route and says what the first of them was. */
  takeOwn(request: SipRequest): OwnRoute;
  /** True when the request passed us before. RFC 3261 16.3 step 4. */
  looped(headers: Headers): boolean;
  /** Where a request goes by its Route and Request-URI, or null. */
  nextHop(request: SipRequest): Target | null;
}

export function createRoutes(home: Home, key: Uint8Array, location: Location): Routes {
  const isOwn = (uri: SipUri): boolean => uri.host === home.host && (uri.port ?? 5060) === home.port;

  function seal(callId: string): string {
    return `d${createHmac('sha256', key).update(callId).digest('hex').slice(0, 20)}`;
  }

  function takeOwn(request: SipRequest): OwnRoute {
    let kind: OwnRoute = 'none';
    for (let top = topRoute(request); top !== null && isOwn(top); top = topRoute(request)) {
      if (kind === 'none') kind = kindOf(top.user, request.headers.callId() ?? '');
      request.headers.removeFirst('Route');
    }
    return kind;
  }

  function kindOf(user: string | null, callId: string): OwnRoute {
    if (user === 'orig') return 'originating';
    return user === seal(callId) ? 'dialog' : 'foreign';
  }

  function nextHop(request: SipRequest): Target | null {
    const uri = topRoute(request) ?? parseUri(request.uri);
    if (uri === null || uri.scheme !== 'sip') return null;
    // A registered phone is reached where it registered from, through whatever lies between.
    const binding = location.byContact(uri);
    if (binding !== undefined && !binding.trusted) return binding.flow;
    return locateNumeric(uri.host === 'localhost' ? { ...uri, host: '127.0.0.1' } : uri);
  }

  return {
    recordRoute: callId => `<sip:${seal(callId)}@${home.host}:${home.port};lr>`,
    takeOwn,
    looped(headers) {
      return headers.all('Via').some(value => {
        const via = parseVia(value);
        return via !== null && via.host === home.host && (via.port ?? 5060) === home.port;
      });
    },
    nextHop,
  };
}

function topRoute(request: SipRequest): SipUri | null {
  const value = request.headers.get('Route');
  const route = value === undefined ? null : parseNameAddr(value);
  return route === null ? null : parseUri(route.uri);
}
