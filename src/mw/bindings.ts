/** The IMS bindings of this node: REGISTER as a trusted node or as a client, Service-Route kept per binding. IMS digest 2.3 to 2.11, RFC 3608. */

import { retryDelay } from '../ep-cscf/back-off.ts';
import type { ImsEffect } from '../ep-cscf/effect.ts';
import type { BindingId, E164, Ref } from '../ep-cscf/ids.ts';
import { type Credentials, type Failure, parseUri, type Registered, type Registration } from '../sip/index.ts';
import { ownUri } from './headers.ts';
import { type IdentityAnswer, type ImsIdentity, isSim } from './identities.ts';
import { associatedOf } from './identity.ts';
import type { MwNode } from './node.ts';
import { isUnanswered, outcomeOfFailure, refusedHere, retryAfterOf, saysStateLost } from './outcome.ts';
import { faultOf, keepsFlows, refusedOptions } from './register-answer.ts';
import { recordOf, registerContact, registerFields } from './register-fields.ts';
import type { Watches } from './watches.ts';

type Register = Extract<ImsEffect, { type: 'ims.register' }>;

interface Binding {
  id: BindingId;
  identity: ImsIdentity;
  registration: Registration;
  ref: Ref;
  leaving: boolean;
  /** A REGISTER is on its way. */
  open: boolean;
  /** A server has not answered a REGISTER of the same `ref`. */
  unanswered: boolean;
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

/** An initial registration that waits for its identity, or for the answer to the REGISTER before it. */
interface Start {
  effect: Register;
  answer: IdentityAnswer | null;
}

export interface Bindings {
  register(effect: Register): void;
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
  const starts = new Map<BindingId, Start>();
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
        onRegistered: result => heard(binding, () => registered(binding, result)),
        onUnregistered: () => heard(binding, () => left(binding, true)),
        onRegisterFailed: failure => heard(binding, () => failed(binding, failure)),
      },
    );
    const binding: Binding = {
      id,
      identity,
      registration,
      ref: 0 as Ref,
      leaving: false,
      open: false,
      unanswered: false,
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

  /** A word on a REGISTER. Nobody waits for it any more when the binding is forgotten, or is to start over. */
  function heard(binding: Binding, tell: () => void): void {
    if (bindings.get(binding.id) !== binding) return;
    binding.open = false;
    if (!startOver(binding.id)) tell();
  }

  function registered(binding: Binding, result: Registered): void {
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
    binding.unanswered = false;
    node.emit({ type: 'ims-registered', owner, ref, expiresS, associated: associatedOf(associated) });
    if (!binding.leaving) watch(binding, afresh);
  }

  function watch({ id, identity, route }: Binding, afresh: boolean): void {
    watches?.watch({ id, identity, contact: uriFor(id), route }, afresh);
  }

  function failed(binding: Binding, failure: Failure): void {
    // De-registration is done whatever the core says of it. IMS digest 2.11.
    if (binding.leaving) {
      left(binding, false);
      return;
    }
    const unanswered = binding.unanswered || isUnanswered(failure);
    const again = secondTry(binding, failure);
    if (again !== null) {
      again.unanswered = unanswered;
      send(again, binding.ref, binding.correlator, binding.expiresS);
      return;
    }
    const fault = faultOf(failure, node.facts.mode);
    if (fault !== null) node.log.error({ ...fields(binding), alarm: fault[0] }, fault[1]);
    binding.shaken = true;
    binding.unanswered = false;
    const { id: owner, ref } = binding;
    const outcome = outcomeOfFailure(failure);
    node.emit({ type: 'ims-register-failed', owner, ref, outcome, retryAfterS: retryAfterOf(failure), unanswered });
  }

  /** A registration that starts over at once, because the core asks for it: with fewer options, or since it has lost its state. IMS digest 2.7. */
  function secondTry({ id, identity, expiresS, options, initial }: Binding, failure: Failure): Binding | null {
    const refused = refusedOptions(failure).filter(tag => tag !== 'path' && !(tag === 'outbound' && isSim(identity)));
    const left = options.filter(tag => !refused.includes(tag));
    if (left.length < options.length) return create(id, identity, expiresS, left);
    return !initial && saysStateLost(failure) ? create(id, identity, expiresS, options) : null;
  }

  function left(binding: Binding, confirmed: boolean): void {
    forget(binding.id);
    node.emit({ type: 'ims-deregistered', owner: binding.id, ref: binding.ref, confirmed });
  }

  function forget(id: BindingId): void {
    node.timers.stop(flowTimer(id));
    starts.delete(id);
    bindings.delete(id);
    watches?.unwatch(id);
  }

  function send(binding: Binding, ref: Ref, correlator: string, expiresS: number): void {
    binding.ref = ref;
    binding.correlator = correlator;
    binding.leaving = expiresS === 0;
    binding.open = true;
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

  function identified(effect: Register, answer: IdentityAnswer): void {
    const start = starts.get(effect.owner);
    if (start?.effect !== effect) return;
    start.answer = answer;
    startOver(effect.owner);
  }

  /** Starts what waits for it, unless the REGISTER before it may still be answered: of two on their way the older could be the last to be taken. RFC 3261 10.2. */
  function startOver(id: BindingId): boolean {
    const start = starts.get(id);
    if (start === undefined || start.answer === null) return false;
    if (start.effect.behind !== null && bindings.get(id)?.open === true) return false;
    starts.delete(id);
    if (start.answer.ok) initial(start.effect, start.answer.identity);
    else unidentified(start.effect, start.answer);
    return true;
  }

  function initial({ owner, ref, expiresS, correlator }: Register, identity: ImsIdentity): void {
    const wanted = node.facts.outbound ? ['path', 'gruu', 'outbound'] : ['path', 'gruu'];
    send(create(owner, identity, expiresS, wanted), ref, correlator, expiresS);
  }

  function unidentified({ owner, ref, correlator }: Register, answer: Extract<IdentityAnswer, { ok: false }>): void {
    const { failure, reason } = answer;
    node.log.warn({ binding: owner, correlator, reason, alarm: `identity-${failure}` }, 'no identity for a number');
    const outcome =
      failure === 'unknown' ? refusedHere(404, 'No Identity') : refusedHere(503, 'Identity Not Available');
    node.emit({ type: 'ims-register-failed', owner, ref, outcome, retryAfterS: null, unanswered: false });
  }

  return {
    register(effect) {
      const { owner, ref, expiresS } = effect;
      const known = bindings.get(owner);
      starts.delete(owner);
      if (known !== undefined && !effect.initial) {
        send(known, ref, effect.correlator, expiresS);
        return;
      }
      starts.set(owner, { effect, answer: null });
      node.identities.of(effect.number, answer => identified(effect, answer));
    },
    deregister(effect) {
      starts.delete(effect.owner);
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
    stop: () => starts.clear(),
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
