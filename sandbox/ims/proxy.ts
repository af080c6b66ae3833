/** The proxy: originating service, terminating service and loose routing in one pass. RFC 3261 16, RFC 3325, TS 24.229 5.4.3. */
import {
  createResponse,
  formatNameAddr,
  parseUri,
  type SipRequest,
  type SipResponse,
  type SipTimers,
  type Target,
  type TransactionKey,
  type TransactionLayer,
} from '../../src/sip/index.ts';
import type { Access } from './access.ts';
import { type BranchSpec, type Fork, startFork } from './fork.ts';
import { type Binding, type Location, sameAddress } from './location.ts';
import { type Home, isHome, numberOf, numberOfText } from './number.ts';
import type { Routes } from './route.ts';

export interface ProxyOptions {
  home: Home;
  access: Access;
  location: Location;
  routes: Routes;
  layer: TransactionLayer;
  timers: SipTimers;
  /** Numbers of subscribers, each with the name to show, if any. */
  numbers: ReadonlyMap<string, string | null>;
  /** Where a service number, or `sos` for the emergency centre, is served; null when it is none. */
  service(number: string): { uri: string; target: Target } | null;
  timerCMs: number;
  tag: () => string;
  log: (message: string, fields: Readonly<Record<string, string | number | null>>) => void;
}

export interface Proxy {
  /** Routes a request that is not ours to answer. */
  onRequest(request: SipRequest, key: TransactionKey, source: Target): void;
  /** Passes the ACK of a 2xx along its dialog. */
  onAck(request: SipRequest, source: Target): void;
  onCancel(inviteKey: TransactionKey, cancel: SipRequest): void;
  /** Our response did not reach the caller. */
  onServerFailure(key: TransactionKey): void;
  /** Requests with an open branch. */
  readonly size: number;
}

interface Refused {
  status: number;
  reason?: string;
  headers?: ReadonlyArray<readonly [string, string]>;
}

/** Requests that make dialogs, in which we want to stay. RFC 3261 16.6 step 4. */
const DIALOG_MAKERS = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);

export function createProxy(options: ProxyOptions): Proxy {
  const { access, home, layer, location, routes } = options;
  const forks = new Map<TransactionKey, Fork>();
  let started = 0;

  function onRequest(request: SipRequest, key: TransactionKey, source: Target): void {
    const plan = planOf(request, source);
    const called = calledOf(request);
    if ('status' in plan) {
      options.log('request refused', { method: request.method, status: plan.status });
      const headers = plan.headers ?? [];
      layer.respond(key, createResponse(request, plan.status, plan.reason, { toTag: options.tag(), headers }));
      return;
    }
    started += 1;
    options.log('request forwarded', { method: request.method, branches: plan.length });
    const fork = startFork({
      layer,
      timers: options.timers,
      id: `fork${started}`,
      request,
      branches: plan,
      respond: response =>
        layer.respond(key, called === null ? response : answerOf(response, called, access.isTrusted(request, source))),
      onEnded: () => forks.delete(key),
      timerCMs: options.timerCMs,
      tag: options.tag,
    });
    forks.set(key, fork);
  }

  /** The subscriber an initial request is for. */
  function calledOf(request: SipRequest): string | null {
    if (request.headers.to()?.params.has('tag') === true) return null;
    const number = numberOfText(request.uri, home);
    return number !== null && options.numbers.has(number) ? number : null;
  }

  /** Who answers is asserted as who calls is; what the phone says of itself counts nowhere. TS 24.229 5.2.6.4. */
  function answerOf(response: SipResponse, called: string, toTrusted: boolean): SipResponse {
    if (response.status > 100 && response.status < 300) assertIdentity(response, called);
    if (!toTrusted && hidesIdentity(response)) response.headers.remove('P-Asserted-Identity');
    return response;
  }

  /** Where the request goes, or how it is refused. */
  function planOf(request: SipRequest, source: Target): BranchSpec[] | Refused {
    const refusal = checkHop(request);
    if (refusal !== null) return refusal;
    const onward = copyOf(request);
    const own = routes.takeOwn(onward);
    const inDialog = request.headers.to()?.params.has('tag') === true;
    if (inDialog) {
      // What a phone asserts of itself counts nowhere. RFC 3325 5.
      if (!access.isTrusted(request, source)) onward.headers.remove('P-Asserted-Identity');
      return own === 'dialog' ? single(onward) : { status: 481 };
    }
    return initial(onward, request, source);
  }

  /** RFC 3261 16.3. */
  function checkHop({ uri, headers }: SipRequest): Refused | null {
    const target = parseUri(uri);
    if (target === null || !['sip', 'sips', 'tel', 'urn'].includes(target.scheme)) return { status: 416 };
    if (headers.number('Max-Forwards') === 0) return { status: 483 };
    if (routes.looped(headers)) return { status: 482 };
    const required = headers.all('Proxy-Require');
    return required.length > 0 ? { status: 420, headers: [['Unsupported', required.join(', ')]] } : null;
  }

  function copyOf(request: SipRequest): SipRequest {
    const headers = request.headers.clone();
    headers.set('Max-Forwards', String((headers.number('Max-Forwards') ?? 70) - 1));
    if (DIALOG_MAKERS.has(request.method)) {
      headers.prepend('Record-Route', routes.recordRoute(headers.callId() ?? ''));
    }
    return { ...request, headers };
  }

  function single(onward: SipRequest): BranchSpec[] | Refused {
    const target = routes.nextHop(onward);
    return target === null ? { status: 404 } : [{ request: onward, target }];
  }

  function initial(onward: SipRequest, request: SipRequest, source: Target): BranchSpec[] | Refused {
    const caller = identify(onward, request, source);
    if (typeof caller !== 'string') return caller;
    const uri = parseUri(onward.uri);
    if (uri === null) return { status: 416 };
    if (uri.scheme === 'urn') return emergency(onward, request, source);
    if (uri.scheme !== 'tel' && !isHome(uri, home)) return { status: 404 };
    const called = numberOf(uri, home);
    if (called === null) return { status: uri.scheme === 'tel' ? 484 : 404 };
    const service = options.service(called);
    if (service !== null) return [{ request: { ...onward, uri: service.uri }, target: service.target }];
    if (!options.numbers.has(called)) return { status: 404 };
    if (onward.method === 'SUBSCRIBE' && onward.headers.get('Event') === 'reg') return { status: 489 };
    const branches = terminating(onward, request, source, called);
    return branches.length === 0 ? { status: 480 } : branches;
  }

  /** As an E-CSCF: emergency calls of trusted nodes go to the emergency centre, no others. TS 24.229 5.11. */
  function emergency(onward: SipRequest, request: SipRequest, source: Target): BranchSpec[] | Refused {
    const centre = options.service('sos');
    if (centre === null || !/^urn:service:sos(?:\.|$)/i.test(onward.uri)) return { status: 404 };
    if (!access.isTrusted(request, source)) return { status: 403 };
    const located = request.headers.has('Geolocation') ? 'yes' : 'no';
    options.log('emergency call', { located, service: onward.uri });
    return [{ request: { ...onward, uri: centre.uri }, target: centre.target }];
  }

  /** The caller's number, asserted by a trusted node or proved by a phone; P-Asserted-Identity is right afterwards. RFC 3325 5. */
  function identify(onward: SipRequest, request: SipRequest, source: Target): string | Refused {
    const asserted = request.headers.nameAddrs('P-Asserted-Identity');
    if (asserted.length > 0 && access.isTrusted(request, source)) {
      const numbers = new Set(asserted.map(({ uri }) => numberOfText(uri, home)));
      const [number] = numbers;
      if (numbers.size !== 1 || !number) return { status: 403, reason: 'Identity Not Ours' };
      if (!location.of(number).some(binding => binding.trusted))
        return { status: 403, reason: 'Identity Not Registered' };
      assertIdentity(onward, number);
      return number;
    }
    const number = phoneOf(request, source);
    if (typeof number !== 'string') return number;
    const claimed = numberOfText(request.headers.from()?.uri ?? '', home);
    if (claimed !== null && claimed !== number && options.numbers.has(claimed))
      return { status: 403, reason: 'Identity of Another' };
    for (const field of ['Proxy-Authorization', 'P-Preferred-Identity']) onward.headers.remove(field);
    assertIdentity(onward, number);
    return number;
  }

  /** The number and the name the network knows, whatever was asserted before. */
  function assertIdentity({ headers }: SipRequest | SipResponse, number: string): void {
    headers.remove('P-Asserted-Identity');
    const uri = `sip:${number}@${home.domain};user=phone`;
    const display = options.numbers.get(number) ?? null;
    headers.add('P-Asserted-Identity', formatNameAddr({ display, uri, params: new Map() }));
    headers.add('P-Asserted-Identity', `<tel:${number}>`);
  }

  function phoneOf(request: SipRequest, source: Target): string | Refused {
    const binding = location.byFlow(source);
    if (binding !== undefined) return binding.number;
    const asked = access.digest(request, 407);
    if (asked.type === 'known') return asked.number;
    return asked.type === 'challenge' ? { status: 407, headers: asked.headers } : { status: 403 };
  }

  /** A branch for each contact of the number but the caller's own. RFC 3261 16.6, RFC 3327 5.3, TS 24.229 5.4.3.3. */
  function terminating(onward: SipRequest, request: SipRequest, source: Target, called: string): BranchSpec[] {
    const [contact] = request.headers.contacts();
    const own = contact === undefined ? null : parseUri(contact.uri);
    const isCaller = (binding: Binding): boolean =>
      (own !== null && sameAddress(own, binding.uri)) || location.byFlow(source) === binding;
    const branches: BranchSpec[] = [];
    for (const binding of location.of(called)) {
      if (isCaller(binding)) continue;
      const headers = onward.headers.clone();
      headers.remove('Route');
      for (const path of binding.path) headers.add('Route', path);
      headers.set('P-Called-Party-ID', `<sip:${called}@${home.domain};user=phone>`);
      if (!binding.trusted && hidesIdentity(onward)) headers.remove('P-Asserted-Identity');
      const copy: SipRequest = { ...onward, uri: binding.contact.uri, headers };
      const target = binding.path.length === 0 ? binding.flow : routes.nextHop(copy);
      if (target !== null) branches.push({ request: copy, target });
    }
    return branches;
  }

  function onAck(request: SipRequest, _source: Target): void {
    const onward = copyOf(request);
    if (request.headers.number('Max-Forwards') === 0 || routes.looped(request.headers)) return;
    if (routes.takeOwn(onward) !== 'dialog') return;
    const target = routes.nextHop(onward);
    if (target !== null) layer.sendAck(onward, target);
  }

  return {
    onRequest,
    onAck,
    onCancel: (inviteKey, cancel) => forks.get(inviteKey)?.cancel(cancel.headers.get('Reason')),
    onServerFailure: key => forks.get(key)?.cancel(undefined),
    get size() {
      return forks.size;
    },
  };
}

/** The sender asked to stay unknown to those outside the trust domain, which the phones are. RFC 3325 9.3, RFC 3323 4.2. */
function hidesIdentity({ headers }: SipRequest | SipResponse): boolean {
  const privacy = (headers.get('Privacy') ?? '').toLowerCase().split(';');
  return privacy.some(word => ['id', 'user', 'header'].includes(word.trim()));
}
