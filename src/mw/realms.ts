/** Which realm an effect of the core, or a request of a core, belongs to. */
import { realmFinder } from '../config/realm.ts';
import type { ImsEffect } from '../ep-cscf/effect.ts';
import type { BindingId, CallId } from '../ep-cscf/ids.ts';
import type { Emit } from '../ep-cscf/ports.ts';
import { type SipRequest, uriOf } from '../sip/index.ts';
import { refusedHere } from './outcome.ts';
import type { Realm } from './realm.ts';

export interface Realms {
  run(effect: ImsEffect): void;
  /** The binding a request of a core is for, by the user part of its Request-URI, else of our Path in the top Route. IMS digest 4.1. */
  find(request: SipRequest): { realm: Realm; binding: BindingId } | null;
  /** Registers the trunks that register themselves. */
  start(): void;
  /** Takes their registrations back; false: there are none. */
  stop(): boolean;
  readonly bindings: number;
  /** Calls up or being set up. */
  readonly calls: number;
}

/** `unclaimed` tells whether a token that no realm knows names a binding of ours: of before a restart, not registered again yet. */
export function createRealms(
  realms: readonly [Realm, ...Realm[]],
  emit: Emit,
  unclaimed: (token: string) => boolean,
): Realms {
  const [first] = realms;
  const realmOf = realmFinder(realms);
  const ofBinding = new Map<BindingId, Realm>();
  const realmAt = (binding: BindingId) => ofBinding.get(binding) ?? first;
  const callsOf = (owner: CallId) => (realms.find(({ calls }) => calls.has(owner)) ?? first).calls;

  function register(effect: Extract<ImsEffect, { type: 'ims.register' }>): void {
    const { owner, ref, number } = effect;
    const realm = realmOf(number);
    if (realm === null) {
      // A number of before a change of the settings: the core admits no new one.
      const outcome = refusedHere(404, 'No Realm');
      emit({ type: 'ims-register-failed', owner, ref, outcome, retryAfterS: null, unanswered: false });
      return;
    }
    ofBinding.set(owner, realm);
    realm.bindings.register(effect);
  }

  function run(effect: ImsEffect): void {
    switch (effect.type) {
      case 'ims.register':
        register(effect);
        return;
      case 'ims.deregister':
        realmAt(effect.owner).bindings.deregister(effect);
        return;
      case 'ims.forget':
        realmAt(effect.owner).bindings.forget(effect.owner);
        ofBinding.delete(effect.owner);
        return;
      case 'ims.invite': {
        const { bindings, calls } = realmAt(effect.binding);
        calls.invite(effect, bindings.routeOf(effect.binding), bindings.credentialsOf(effect.binding));
        return;
      }
      case 'ims.provisional':
        callsOf(effect.owner).provisional(effect);
        return;
      case 'ims.answer':
        callsOf(effect.owner).answer(effect);
        return;
      case 'ims.reject':
        callsOf(effect.owner).reject(effect);
        return;
      case 'ims.update':
        callsOf(effect.owner).update(effect);
        return;
      case 'ims.end':
        callsOf(effect.owner).end(effect);
        return;
      case 'ims.key-frame':
        callsOf(effect.owner).keyFrame(effect);
        return;
      case 'ims.locate':
        callsOf(effect.owner).locate(effect);
        return;
      default:
        effect satisfies never;
    }
  }

  function claimed(uri: string, called: string): { realm: Realm; binding: BindingId } | null {
    for (const realm of realms) {
      const binding = realm.bindings.find(uri, called);
      if (binding !== null) return { realm, binding };
    }
    const token = /^sips?:([^@;:]+)@/.exec(uri)?.[1];
    return token !== undefined && unclaimed(token) ? { realm: first, binding: token as BindingId } : null;
  }

  return {
    run,
    find(request) {
      const called = request.headers.to()?.uri ?? '';
      return claimed(request.uri, called) ?? claimed(uriOf(request.headers.all('Route')[0] ?? ''), called);
    },
    start() {
      for (const realm of realms) realm.start();
    },
    stop() {
      return realms.map(realm => realm.stop()).includes(true);
    },
    get calls() {
      return realms.reduce((sum, realm) => sum + realm.calls.size, 0);
    },
    get bindings() {
      return realms.reduce((sum, realm) => sum + realm.bindings.size, 0);
    },
  };
}
