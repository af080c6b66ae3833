/** The IMS bindings of this node: REGISTER as a trusted node or as a client, Service-Route kept per binding. IMS digest 2.3 to 2.11, RFC 3608. */

import type { RealmSettings } from '../config/realm.ts';
import { retryDelay } from '../ep-cscf/back-off.ts';
import type { ImsEffect } from '../ep-cscf/effect.ts';
import type { BindingId, E164, Ref } from '../ep-cscf/ids.ts';
import {
  type Credentials,
  type Failure,
  parseUri,
  type Registered,
  type Registration,
  type SipResponse,
} from '../sip/index.ts';
import { ownUri, recordOf, registerContact, registerFields } from './headers.ts';
import { type IdentityAnswer, type ImsIdentity, isSim } from './identities.ts';
import { associatedOf } from './identity.ts';
import type { MwNode } from './node.ts';
import { outcomeOfFailure, refusedHere, retryAfterOf, saysStateLost } from './outcome.ts';
import type { Watches } from './watches.ts';

interface Binding {
  id: BindingId;
  identity: ImsIdentity;
  registration: Registration;
  ref: Ref;
  leaving: boolean;
  correlator: string;
  route: readonly string[];
  /** The REGISTER on its way is an initial one. */
  initial: boolean;
  /** A REGISTER failed since the last success: the core may have lost what it knew of us, the subscription too. */
  shaken: boolean;
  /** Option tags of its REGISTERs; `outbound` asks for a flow of its own beside other contacts of the identity. RFC 5626. */
  options: readonly string[];
  expiresS: number;
}

export interface Bindings {
  register(effect: Extract<ImsEffect, { type: 'ims.register' }>): void;
  deregister(effect: Extract<ImsEffect, { type: 'ims.deregister' }>): void;
  /** Drops a binding whatever its state; nothing is sent. */
  forget(id: BindingId): void;
  /** A connection to the first hop is dead: bindings that were promised a flow are reachable by no other, and register for a new one. RFC 5626 4.4.1. */
  flowLost(): void;
  /** Before the end: an identity that is found from now on starts nothing. */
  stop(): void;
  /** Service-Route of a binding, in order; empty: the entry of the core. */
  routeOf(id: BindingId): readonly string[];
  /** What answers a challenge of a call of this binding. */
  credentialsOf(id: BindingId): Credentials | undefined;
  /** The number of a binding; null: not registered here, as after a restart. */
  numberOf(id: BindingId): E164 | null;
  /** The binding that a URI of the core's is for, as far as it names one; `called` is the URI of To. */
  find(uri: string, called: string): BindingId | null;
  readonly size: number;
}

/** `watches` null: no registration-state subscriptions. */
export function createBindings(node: MwNode, watches: Watches | null): Bindings {
  const bindings = new Map<BindingId, Binding>();
  /** REGISTERs that wait for an identity. */
  const looking = new Map<BindingId, Ref>();
  const uriFor = (id: BindingId) => ownUri(id, node.hostPort(node.transport), node.transport);

  function create(id: BindingId, identity: ImsIdentity, expiresS: number, options: readonly string[]): Binding {
    const credentials = node.credentialsOf(identity);
    const registration = node.agent().register(
      {
        registrar: `sip:${identity.home}`,
        aor: `<${recordOf(identity.impu, node.facts)}>`,
        contact: registerContact(uriFor(id), identity.impu, options.includes('outbound'), node.facts.video),
        route: [],
        proxy: node.proxy,
        expiresS,
        ...(credentials === undefined ? {} : { credentials }),
      },
      {
        onRegistered: result => registered(binding, result),
        onUnregistered: () => left(binding, true),
        onRegisterFailed: failure => failed(binding, failure),
      },
    );
    const binding: Binding = {
      id,
      identity,
      registration,
      ref: 0 as Ref,
      leaving: false,
      correlator: '',
      // A re-registration under a new Call-ID keeps the route until the core gives another.
      route: bindings.get(id)?.route ?? [],
      initial: true,
      shaken: false,
      options,
      expiresS,
    };
    bindings.set(id, binding);
    return binding;
  }

  /** Answers to a registration that was replaced are dropped. */
  const isCurrent = (binding: Binding) => bindings.get(binding.id) === binding;

  function registered(binding: Binding, result: Registered): void {
    if (!isCurrent(binding)) return;
    const { ref, id: owner } = binding;
    const { expiresS, associated, serviceRoute } = result;
    // A client's way out leads over its P-CSCF first. TS 24.229 5.1.2A.1.
    binding.route = node.facts.mode === 'client' ? [`<${node.proxy};lr>`, ...serviceRoute] : serviceRoute;
    const path =
      node.facts.mode === 'client' || result.response.headers.nameAddrs('Path').some(hop => hop.uri.includes(owner));
    if (!path) node.log.debug(fields(binding), 'the registrar did not echo our Path');
    // It took our contact for the phone's own, which has moved. RFC 5626 4.2.1, IMS digest 2.1.1.
    if (isSim(binding.identity) && !keepsFlows(result.response))
      node.log.error(
        { ...fields(binding), alarm: 'outbound-unused' },
        'the core keeps one contact: it has dropped the phone',
      );
    const afresh = binding.initial || binding.shaken;
    binding.initial = false;
    binding.shaken = false;
    node.emit({ type: 'ims-registered', owner, ref, expiresS, associated: associatedOf(associated) });
    if (!binding.leaving) watch(binding, afresh);
  }

  function watch({ id, identity, route }: Binding, afresh: boolean): void {
    watches?.watch({ id, identity, contact: uriFor(id), route }, afresh);
  }

  function failed(binding: Binding, failure: Failure): void {
    if (!isCurrent(binding)) return;
    // De-registration is done whatever the core says of it. IMS digest 2.11.
    if (binding.leaving) {
      left(binding, false);
      return;
    }
    const again = secondTry(binding, failure);
    if (again !== null) {
      send(again, binding.ref, binding.correlator, binding.expiresS);
      return;
    }
    const fault = faultOf(failure, node.facts.mode);
    if (fault !== null) node.log.error({ ...fields(binding), alarm: fault[0] }, fault[1]);
    binding.shaken = true;
    const outcome = outcomeOfFailure(failure);
    node.emit({
      type: 'ims-register-failed',
      owner: binding.id,
      ref: binding.ref,
      outcome,
      retryAfterS: retryAfterOf(failure),
    });
  }

  /** A registration that starts over at once, because the core asks for it: with fewer options, or since it has lost its state. IMS digest 2.7. */
  function secondTry({ id, identity, expiresS, options, initial }: Binding, failure: Failure): Binding | null {
    const refused = refusedOptions(failure).filter(tag => tag !== 'path' && !(tag === 'outbound' && isSim(identity)));
    const left = options.filter(tag => !refused.includes(tag));
    if (left.length < options.length) return create(id, identity, expiresS, left);
    return !initial && saysStateLost(failure) ? create(id, identity, expiresS, options) : null;
  }

  function left(binding: Binding, confirmed: boolean): void {
    if (!isCurrent(binding)) return;
    forget(binding.id);
    node.emit({ type: 'ims-deregistered', owner: binding.id, ref: binding.ref, confirmed });
  }

  function forget(id: BindingId): void {
    node.timers.stop(flowTimer(id));
    looking.delete(id);
    bindings.delete(id);
    watches?.unwatch(id);
  }

  function send(binding: Binding, ref: Ref, correlator: string, expiresS: number): void {
    binding.ref = ref;
    binding.correlator = correlator;
    binding.leaving = expiresS === 0;
    if (expiresS > 0) binding.expiresS = expiresS;
    const { identity, options } = binding;
    const flow = options.includes('outbound') ? ';lr;ob' : ';lr';
    const path = ownUri(binding.id, node.hostPort(node.transport), node.transport, flow);
    const headers = registerFields(identity, path, options, node.icid(), correlator, node.facts);
    node.log.debug({ ...fields(binding), expires: expiresS }, 'REGISTER');
    if (expiresS === 0) binding.registration.remove(headers);
    else binding.registration.refresh(expiresS, headers);
  }

  function fields(binding: Binding) {
    return { binding: binding.id, sip_call_id: binding.registration.callId, correlator: binding.correlator };
  }

  function identified(effect: Extract<ImsEffect, { type: 'ims.register' }>, answer: IdentityAnswer): void {
    const { owner, ref, expiresS, correlator } = effect;
    if (looking.get(owner) !== ref) return;
    looking.delete(owner);
    if (answer.ok) {
      const wanted = node.facts.outbound ? ['path', 'gruu', 'outbound'] : ['path', 'gruu'];
      send(create(owner, answer.identity, expiresS, wanted), ref, correlator, expiresS);
      return;
    }
    const { failure, reason } = answer;
    node.log.warn({ binding: owner, correlator, reason, alarm: `identity-${failure}` }, 'no identity for a number');
    const outcome =
      failure === 'unknown' ? refusedHere(404, 'No Identity') : refusedHere(503, 'Identity Not Available');
    node.emit({ type: 'ims-register-failed', owner, ref, outcome, retryAfterS: null });
  }

  return {
    register(effect) {
      const { owner, ref, expiresS } = effect;
      const known = bindings.get(owner);
      looking.delete(owner);
      if (known !== undefined && !effect.initial) {
        send(known, ref, effect.correlator, expiresS);
        return;
      }
      looking.set(owner, ref);
      node.identities.of(effect.number, answer => identified(effect, answer));
    },
    deregister(effect) {
      looking.delete(effect.owner);
      const binding = bindings.get(effect.owner);
      watches?.unwatch(effect.owner);
      if (binding !== undefined) {
        send(binding, effect.ref, effect.correlator, 0);
        return;
      }
      // Nothing registered by this process: nothing to take back.
      node.emit({ type: 'ims-deregistered', owner: effect.owner, ref: effect.ref, confirmed: true });
    },
    forget,
    flowLost() {
      // A trusted node is its own P-CSCF: its Path leads to where it listens.
      if (node.facts.mode !== 'client') return;
      for (const { id, options, leaving } of bindings.values()) {
        if (leaving || !options.includes('outbound')) continue;
        node.timers.start(flowTimer(id), retryDelay(1, null, Math.random(), node.backOff), () => {
          if (bindings.has(id)) node.emit({ type: 'ims-register-wanted', owner: id });
        });
      }
    },
    stop: () => looking.clear(),
    credentialsOf(id) {
      const binding = bindings.get(id);
      return binding === undefined ? undefined : node.credentialsOf(binding.identity);
    },
    find(uri) {
      const user = parseUri(uri)?.user as BindingId | null | undefined;
      return user != null && bindings.has(user) ? user : null;
    },
    routeOf: id => bindings.get(id)?.route ?? [],
    numberOf: id => bindings.get(id)?.identity.number ?? null,
    get size() {
      return bindings.size;
    },
  };
}

function flowTimer(id: BindingId): string {
  return `mw.${id}.flow`;
}

function keepsFlows({ headers }: SipResponse): boolean {
  return headers.hasToken('Require', 'outbound') || headers.hasToken('Supported', 'outbound');
}

/** Codes that only a mistake of ours in the request explains. */
const MISTAKEN = new Set([400, 405, 414, 416, 485]);

/** What no other try mends, as name and text of an alarm: somebody has to change a setting, here or in the core. IMS digest 2.7. */
function faultOf(failure: Failure, mode: RealmSettings['mode']): readonly [alarm: string, text: string] | null {
  const { response } = failure;
  const status = response?.status ?? 0;
  if (status === 401 || status === 407)
    return [mode === 'client' ? 'digest-refused' : 'tna-refused', 'the core does not take who we say the user is'];
  if (refusedOptions(failure).includes('path')) return ['path-refused', 'the next hop is no registrar that knows Path'];
  if (status === 494 || (status === 421 && response?.headers.hasToken('Require', 'sec-agree')))
    return ['sec-agree-wanted', 'the core wants IPsec as of a phone: it does not take us for a node it trusts'];
  return MISTAKEN.has(status) ? ['register-malformed', `the core cannot use our REGISTER: ${status}`] : null;
}

/** Option tags the core will not have; 439: the registrar, or the proxy before it, keeps no flows. RFC 3261 8.1.3.5, RFC 5626 6. */
function refusedOptions({ response }: Failure): string[] {
  if (response?.status === 439) return ['outbound'];
  if (response?.status !== 420) return [];
  return response.headers.all('Unsupported').map(tag => tag.toLowerCase());
}
